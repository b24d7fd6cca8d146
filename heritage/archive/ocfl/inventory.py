"""The inventory of an OCFL object: what each version holds, and where its bytes lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OBJECT = "0=ocfl_object_1.1"
INVENTORY = "inventory.json"
SIDECAR = "inventory.json.sha512"

_TYPE = "https://ocfl.io/1.1/spec/#inventory"

Inventory = dict[str, Any]


def next_inventory(
    identifier: str, known: Inventory | None, name: str, version: Mapping[str, Any]
) -> Inventory:
    """The inventory with one more version, its manifest without what is new."""
    return {
        "id": identifier,
        "type": _TYPE,
        "digestAlgorithm": "sha512",
        "head": name,
        "manifest": dict(known["manifest"]) if known else {},
        "versions": {**(known["versions"] if known else {}), name: version},
    }


def by_digest(files: Mapping[str, str]) -> dict[str, list[str]]:
    """The state of a version, paths by digest, from the digest of each path."""
    state: dict[str, list[str]] = {}
    for path, digest in files.items():
        state.setdefault(digest, []).append(path)
    return state


def json_text(content: Mapping[str, Any]) -> bytes:
    """JSON as it stands in our files, for people to read."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def sidecar_text(inventory: bytes) -> bytes:
    """The content of the file beside an inventory that holds its digest."""
    return f"{hashlib.sha512(inventory).hexdigest()}  {INVENTORY}\n".encode()


def read_pair(folder: Path) -> tuple[bytes, bytes]:
    """An inventory and the file with its digest."""
    return (folder / INVENTORY).read_bytes(), (folder / SIDECAR).read_bytes()
