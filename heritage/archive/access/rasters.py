"""Temporary files of 8-bit sRGB through GDAL, read and written by windows.

Nothing here grows with a picture: parts are as large as can be held, and GDAL's cache is bounded.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import ImageCms
from rasterio._err import CPLE_BaseError
from rasterio.windows import Window

from heritage.damage.mask_source import ungeoreferenced
from heritage.errors import StorageFailed
from heritage.geometry import Box
from heritage.review.pictures.areas import shown
from heritage.review.pictures.frames import PIECE, Frame

if TYPE_CHECKING:
    from rasterio import DatasetReader
    from rasterio.io import DatasetWriter

Bytes = NDArray[np.uint8]

CACHE: Final = 64 << 20
"""Bytes that GDAL keeps of all files."""
BLOCK: Final = 512
"""Side of a tile, in pixels."""
AT_ONCE: Final = 2048
"""Side of the part of a picture that is held while it is made smaller, in pixels."""
DATED: Final = slice(24, 36)
"""Where an ICC profile says when it was made (ICC.1:2022, section 7.2.10)."""


@lru_cache(maxsize=1)
def srgb() -> bytes:
    """The sRGB profile, the same bytes at any time: its date is that of ICC version 4.4."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[DATED] = np.array([2022, 5, 1, 0, 0, 0], ">u2").tobytes()
    return bytes(made)


@contextmanager
def gdal(folder: Path) -> Iterator[None]:
    """Within this, GDAL keeps to its share of memory, and its faults are told in one sentence.

    Raises:
        StorageFailed: In place of what GDAL raises: of our own files it only fails to write.
    """
    try:
        with rasterio.Env(GDAL_CACHEMAX=CACHE, GDAL_PAM_ENABLED="NO"):
            ungeoreferenced()
            yield
    except (rasterio.errors.RasterioError, CPLE_BaseError) as error:
        words = f"the access copy cannot be written here ({error}); is the disk full?"
        raise StorageFailed(words, folder) from error


def create(path: Path, height: int, width: int) -> DatasetWriter:
    """A new temporary file for an sRGB picture, open for writing windows."""
    return rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=3, dtype="uint8",
        tiled=True, blockxsize=BLOCK, blockysize=BLOCK, interleave="pixel", photometric="RGB",
        BIGTIFF="YES", SOURCE_ICC_PROFILE=base64.b64encode(srgb()).decode(),
    )  # fmt: skip


def read_window(dataset: DatasetReader, box: Box) -> Bytes:
    """A part of an open file, (h, w, 3)."""
    return np.ascontiguousarray(np.moveaxis(dataset.read(window=_window(box)), 0, 2))


def write_window(dataset: DatasetWriter, box: Box, pixels: Bytes) -> None:
    """Put (h, w, 3) pixels into an open file."""
    dataset.write(np.moveaxis(pixels, 2, 0), window=_window(box))


def pieces(
    height: int, width: int, small_height: int, small_width: int
) -> Iterator[tuple[Box, Frame]]:
    """Parts of a smaller version with what they show, none of which is larger than can be held.

    Args:
        height: Rows of the picture.
        width: Columns of the picture.
        small_height: Rows of the smaller version.
        small_width: Columns of the smaller version.
    """
    whole = Frame.of(Box(0, 0, height, width), small_height, small_width)
    side = max(1, min(PIECE, int(AT_ONCE / whole.ratio)))
    for y in range(0, small_height, side):
        for x in range(0, small_width, side):
            screen = Box(y, x, min(y + side, small_height), min(x + side, small_width))
            yield screen, whole.part(screen)


def resized(dataset: DatasetReader, height: int, width: int) -> Bytes:
    """An open file at a smaller size, (height, width, 3): means of what each pixel covers."""
    out = np.empty((height, width, 3), np.uint8)
    for screen, piece in pieces(dataset.height, dataset.width, height, width):
        box = piece.box(dataset.height, dataset.width)
        out[screen.slices] = shown(read_window(dataset, box), piece.shifted(box.y0, box.x0))
    return out


def _window(box: Box) -> Window:
    return Window(box.x0, box.y0, box.width, box.height)
