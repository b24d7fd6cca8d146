"""Find a master's mask, import it, and read any rectangle of it without holding the rest."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from heritage.closing import Closing
from heritage.damage.mask_import import MaskInfo, import_mask
from heritage.damage.mask_source import Bool
from heritage.damage.mask_writing import TILE
from heritage.errors import MaskRefused, StorageFailed
from heritage.geometry import Box

__all__ = ["TILE", "MaskInfo", "MaskReader", "find_mask", "import_mask", "open_mask"]

CACHED_TILES = 160
"""Decoded tiles a reader keeps: 40 MiB."""

_FOREIGN = "this is not a mask as it is kept here; hand it in again as --mask"
_ADOBE_DEFLATE = 8


def find_mask(master: Path) -> Path | None:
    """The mask beside ``master``: ``NAME.mask.tif``, ``.tiff`` or ``.png``, in this order."""
    for suffix in (".tif", ".tiff", ".png"):
        beside = master.with_name(f"{master.stem}.mask{suffix}")
        if beside.is_file():
            return beside
    return None


class MaskReader(Closing):
    """An imported mask, open for reading by any number of threads.

    Tiles are decoded here rather than by GDAL, whose cache is shared by the whole process and whose
    datasets belong to one thread each: so memory stays bounded and no lock is needed. Empty tiles
    are known from the tile table and never touched.

    Attributes:
        path: The file.
        height: Rows.
        width: Columns.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.height, self.width, self._offsets, self._counts = _tile_table(path)
        self._file = os.open(path, os.O_RDONLY)
        self._open = True
        self._tile = lru_cache(maxsize=CACHED_TILES)(self._decode)

    def close(self) -> None:
        """Give the file back; reading is over."""
        if self._open:
            self._open = False
            self._tile.cache_clear()
            os.close(self._file)

    def read(self, box: Box) -> Bool:
        """The damage in ``box``: (h, w) bool, a copy.

        Raises:
            ValueError: If the box leaves the raster.
            MaskRefused: If a tile does not decode.
            StorageFailed: If the file cannot be read any more.
        """
        damage = np.zeros((box.height, box.width), np.bool_)
        for tile in self._damaged_tiles(box):
            shared = tile.intersection(box)
            marked = self._tile(tile.y0 // TILE, tile.x0 // TILE)
            damage[shared.within(box)] = marked[shared.within(tile)]
        return damage

    def any(self, box: Box) -> bool:
        """Whether a pixel in ``box`` is damaged."""
        return any(
            self._tile(tile.y0 // TILE, tile.x0 // TILE)[tile.intersection(box).within(tile)].any()
            for tile in self._damaged_tiles(box)
        )

    def blocks(self) -> Iterator[Box]:
        """The tiles with damage, in raster order, clipped to the raster."""
        return self._damaged_tiles(Box(0, 0, self.height, self.width))

    def _damaged_tiles(self, box: Box) -> Iterator[Box]:
        if not Box(0, 0, self.height, self.width).contains(box):
            raise ValueError(f"{box} leaves the mask of {self.width} x {self.height} pixels")
        y, x = box.y0 // TILE, box.x0 // TILE
        held = self._counts[y : -(-box.y1 // TILE), x : -(-box.x1 // TILE)]
        for row, column in np.argwhere(held).tolist():
            top, left = (y + row) * TILE, (x + column) * TILE
            yield Box(top, left, min(top + TILE, self.height), min(left + TILE, self.width))

    def _decode(self, row: int, column: int) -> Bool:
        count = int(self._counts[row, column])
        try:
            packed = os.pread(self._file, count, int(self._offsets[row, column]))
        except OSError as error:
            raise StorageFailed(f"the mask cannot be read ({error.strerror})", self.path) from error
        try:
            # No more than a tile is unpacked, whatever the file claims.
            samples = zlib.decompressobj().decompress(packed, TILE * TILE)
            marked: Bool = np.frombuffer(samples, np.uint8).reshape(TILE, TILE) != 0
        except (zlib.error, ValueError) as error:
            words = f"the tile at row {row * TILE}, column {column * TILE} of the mask is damaged"
            raise MaskRefused(f"{words}; hand the mask in again", self.path) from error
        marked.flags.writeable = False
        return marked


def open_mask(path: Path) -> MaskReader:
    """Open a mask that ``import_mask`` made.

    Raises:
        MaskRefused: If it is none.
        StorageFailed: If it is missing or cannot be read.
    """
    return MaskReader(path)


def _tile_table(
    path: Path,
) -> tuple[int, int, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Height, width, and where each tile lies: two (rows, columns) arrays, 0 bytes where empty."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            kept = (
                page.tilelength == page.tilewidth == TILE
                and page.samplesperpixel == 1
                and page.dtype == np.uint8
                and page.compression == _ADOBE_DEFLATE
                and page.predictor == 1
            )
            shape = (-(-page.imagelength // TILE), -(-page.imagewidth // TILE))
            if not kept or len(page.databytecounts) != shape[0] * shape[1]:
                raise MaskRefused(_FOREIGN, path)
            offsets = np.array(page.dataoffsets, np.int64).reshape(shape)
            counts = np.array(page.databytecounts, np.int64).reshape(shape)
            return page.imagelength, page.imagewidth, offsets, counts
    except tifffile.TiffFileError as error:
        raise MaskRefused(_FOREIGN, path) from error
    except OSError as error:
        raise StorageFailed(f"the mask cannot be opened ({error.strerror})", path) from error
