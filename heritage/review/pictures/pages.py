"""Reading rectangles of a page of a TIFF for display: rows where it can be, else whole tiles.

Of an uncompressed page only the bytes that are shown are read. It is read, not mapped into memory:
a file that is cut short while somebody looks at it must not end the process.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from heritage.geometry import Box
from heritage.review.pictures.areas import Samples
from heritage.review.pictures.memory import ByteCache
from heritage.tiff.codec import WHOLE_BYTES
from heritage.tiff.grid import Cell
from heritage.tiff.picture import Picture

GENEROUS = 4
"""Rows are read whole if no more than this many times what is needed is read."""


class PageReader:
    """Reads rectangles of one page. Thread-safe.

    Args:
        picture: The open page; closed by whoever opened it.
        cache: Keeps decoded tiles or strips.
        owner: Under this number.
    """

    def __init__(self, picture: Picture, cache: ByteCache, owner: int) -> None:
        self._owner = owner
        self.picture = picture
        self.info = picture.info
        self._cache = cache
        self.by_rows = picture.raw_rows and picture.info.bits in WHOLE_BYTES

    def read(self, box: Box) -> Samples:
        """The stored samples in a box of the page, (h, w, samples).

        Raises:
            MasterRefused: If a tile or strip is damaged.
            StorageFailed: If the file cannot be read.
        """
        out = np.empty((box.height, box.width, self.info.samples), self.picture.codec.dtype)
        if self.by_rows:
            for segment, part in self._segments(box):
                for plane in range(self.picture.grid.planes):
                    own = slice(plane, plane + 1) if self.picture.grid.planes > 1 else slice(None)
                    out[part.within(box)][..., own] = self._rows(segment, plane, part)
            return out
        for cell in self.picture.grid.cells_in(box):
            part = cell.box.intersection(box)
            out[part.within(box)] = self.cell(cell)[part.within(cell.box)]
        return out

    def cell(self, cell: Cell) -> Samples:
        """A decoded tile, strip or band of one, padding included; not to be written to."""
        key = self._owner, self.picture.directory.at, cell.segment, cell.top
        return self._cache.get(key, lambda: (self.picture.joined(cell),))[0]

    def _segments(self, box: Box) -> Iterator[tuple[int, Box]]:
        grid = self.picture.grid
        for y in range(box.y0 // grid.segment_height, -(-box.y1 // grid.segment_height)):
            for x in range(box.x0 // grid.segment_width, -(-box.x1 // grid.segment_width)):
                segment = y * grid.across + x
                yield segment, grid.segment_box(segment).intersection(box)

    def _rows(self, segment: int, plane: int, part: Box) -> Samples:
        picture, grid = self.picture, self.picture.grid
        number = segment + plane * grid.per_plane
        codec, outer = picture.codec, grid.segment_box(segment)
        if not picture.table.counts[number]:
            shape = part.height, part.width, codec.samples
            return np.full(shape, picture.page.nodata, codec.dtype)
        pixel = codec.samples * codec.bits // 8
        row = grid.segment_width * pixel
        at = int(picture.table.offsets[number]) + (part.y0 - outer.y0) * row
        if grid.segment_width <= GENEROUS * part.width:
            data = picture.read(at, part.height * row)
            rows = codec.unpack(data, part.height, grid.segment_width)
            return rows[:, part.x0 - outer.x0 : part.x1 - outer.x0]
        at += (part.x0 - outer.x0) * pixel
        size = part.width * pixel
        pieces = [picture.read(at + y * row, size) for y in range(part.height)]
        return codec.unpack(b"".join(pieces), part.height, part.width)
