"""Writing masks as they are kept here: tiled, compressed, empty tiles left out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from heritage.damage.mask_source import ungeoreferenced
from heritage.errors import StorageFailed

TILE = 512
"""Side of a mask's tiles."""

CACHE_BYTES = 64 << 20
"""What GDAL may keep of a mask while it is read or written."""

LAYOUT: dict[str, Any] = {
    "driver": "GTiff", "count": 1, "dtype": "uint8", "tiled": True, "blockxsize": TILE,
    "blockysize": TILE, "compress": "deflate", "zlevel": 6, "sparse_ok": True,
    "bigtiff": "IF_SAFER",
}  # fmt: skip

Piece = tuple[int, int, npt.NDArray[np.uint8]]
"""Row and column where it lies, and its pixels: 0, or 255 where damaged."""


def write_mask(path: Path, height: int, width: int, pieces: Iterable[Piece]) -> int:
    """Write a mask piece by piece; pieces without damage cost nothing.

    Args:
        path: The file; it grows under this name, so give one that nobody looks at.
        height: Rows of the master.
        width: Columns.
        pieces: Whole tiles, or bands of them, each once.

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
            ungeoreferenced()
            mask = rasterio.open(path, "w", height=height, width=width, **LAYOUT)
            with mask:
                for top, left, piece in pieces:
                    found = int(np.count_nonzero(piece))
                    if found:
                        mask.write(piece, 1, window=Window(left, top, *piece.shape[::-1]))
                    pixels += found
    except (rasterio.errors.RasterioError, OSError) as error:
        words = f"the mask cannot be written here ({error}); is the disk full?"
        raise StorageFailed(words, path.parent) from error
    return pixels
