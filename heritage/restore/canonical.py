"""One way of writing a value as JSON, so that equal values have equal bytes and digests."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON can hold
    """Sorted keys, no spaces, UTF-8 as it is, newline at the end; NaN is refused."""
    text = json.dumps(
        value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return text.encode() + b"\n"


def digest(value: Any) -> str:  # noqa: ANN401
    """SHA-256 of the canonical bytes."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
