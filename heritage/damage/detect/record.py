"""The record of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import heritage
from heritage.damage.detect.proposal import FoundRegion
from heritage.restore.canonical import canonical_json
from heritage.tiff import MasterInfo

FORMAT = 1
"""Of damage records."""


def damage_json(
    info: MasterInfo,
    sha256: str,
    mask: str,
    detectors: Sequence[str],
    threshold: float,
    regions: Sequence[FoundRegion],
    weights: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The record of a search, in canonical JSON; ``box`` is y0, x0, y1, x1.

    Args:
        info: The master.
        sha256: Of its file.
        mask: SHA-256 of the mask that was written: whoever changes it afterwards is noticed.
        detectors: Who looked.
        threshold: How sure they had to be.
        regions: What was found.
        weights: SHA-256 of the weights of those that had learned, by name.
    """
    record: dict[str, Any] = {
        "format": FORMAT,
        "master": {
            "file": info.path.name,
            "sha256": sha256,
            "width": info.width,
            "height": info.height,
            "page": info.page,
        },
        "mask": {"sha256": mask},
        "detectors": list(detectors),
        "weights": dict(weights),
        "threshold": threshold,
        "heritage": heritage.__version__,
        "status": "proposed",
        "regions": [
            {
                "number": region.number,
                "box": [region.box.y0, region.box.x0, region.box.y1, region.box.x1],
                "area": region.area,
                "class": region.kind.name,
                "confidence": region.confidence,
                "detector": region.detector,
            }
            for region in regions
        ],
    }
    return canonical_json(record)
