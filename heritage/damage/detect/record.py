"""The files of a search: the mask and the record of its regions; whole or not there at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

import heritage
from heritage.damage.detect.proposal import FoundRegion, Proposal
from heritage.damage.detect.spool import Spool
from heritage.damage.mask_import import CACHE_BYTES, LAYOUT
from heritage.damage.mask_source import ungeoreferenced
from heritage.errors import StorageFailed
from heritage.restore.canonical import canonical_json
from heritage.tiff import MasterInfo

FORMAT = 1
"""Of damage records."""


@contextmanager
def partial_of(target: Path) -> Iterator[Path]:
    """A name beside ``target`` to write under; what is still there in the end is removed."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def write_mask(path: Path, spool: Spool, proposal: Proposal, height: int, width: int) -> int:
    """Write the mask as masks are kept here: tiled, empty tiles left out, 0 or 255.

    Args:
        path: The file.
        spool: What was found.
        proposal: Its regions.
        height: Rows of the master.
        width: Columns.

    Returns:
        The number of damaged pixels.

    Raises:
        StorageFailed: The disk does not take it.
    """
    import rasterio
    from rasterio.windows import Window

    pixels = 0
    try:
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
            with ungeoreferenced():
                mask = rasterio.open(path, "w", height=height, width=width, **LAYOUT)
            with mask:
                for tile in spool.tiles():
                    stays, _ = proposal.kept(tile)
                    n = int(np.count_nonzero(stays))
                    if n:
                        rows, columns = stays.shape
                        window = Window(tile.x, tile.y, columns, rows)
                        mask.write(stays.astype(np.uint8) * 255, 1, window=window)
                    pixels += n
    except rasterio.errors.RasterioError as error:
        words = f"the mask cannot be written here ({error}); is the disk full?"
        raise StorageFailed(words, path.parent) from error
    return pixels


def damage_json(
    info: MasterInfo,
    sha256: str,
    detectors: Sequence[str],
    threshold: float,
    regions: Sequence[FoundRegion],
    weights: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The record of a search, in canonical JSON; ``box`` is y0, x0, y1, x1."""
    record: dict[str, Any] = {
        "format": FORMAT,
        "master": {
            "file": info.path.name,
            "sha256": sha256,
            "width": info.width,
            "height": info.height,
        },
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
