"""Where the pixels of a page lie: tiles, strips, and bands of rows inside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from heritage.geometry import Box


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """The part of a page that is read and written at once.

    Attributes:
        segment: Index of its tile or strip in the first plane.
        top: First row of the cell inside that tile or strip.
        rows: Stored rows, padding included.
        columns: Stored columns, padding included.
        box: The pixels of the page that it holds, without padding.
    """

    segment: int
    top: int
    rows: int
    columns: int
    box: Box


@dataclass(frozen=True, slots=True)
class Grid:
    """How a page is cut into tiles or strips, and those into bands where that can be done.

    Attributes:
        height: Rows of the page.
        width: Columns of the page.
        segment_height: Rows of a tile or strip.
        segment_width: Columns of a tile, or the width.
        tiled: Tiles are stored with their padding, the last strip is stored short.
        planes: 1, or the number of samples when each has planes of its own.
        band_height: Rows of a cell; less than ``segment_height`` only where the rows of a
            segment can be reached one by one (no compression).
    """

    height: int
    width: int
    segment_height: int
    segment_width: int
    tiled: bool
    planes: int
    band_height: int

    @property
    def across(self) -> int:
        """Segments side by side."""
        return -(-self.width // self.segment_width)

    @property
    def down(self) -> int:
        """Segments one below the other."""
        return -(-self.height // self.segment_height)

    @property
    def per_plane(self) -> int:
        """Segments of one plane."""
        return self.across * self.down

    @property
    def segments(self) -> int:
        """Segments of all planes."""
        return self.per_plane * self.planes

    def stored_rows(self, segment: int) -> int:
        """Rows that a tile or strip has in the file."""
        if self.tiled:
            return self.segment_height
        top = segment % self.per_plane // self.across * self.segment_height
        return min(self.segment_height, self.height - top)

    def segment_box(self, segment: int) -> Box:
        """The pixels of the page that a tile or strip holds."""
        down, across = divmod(segment % self.per_plane, self.across)
        y0, x0 = down * self.segment_height, across * self.segment_width
        return Box(
            y0,
            x0,
            min(y0 + self.segment_height, self.height),
            min(x0 + self.segment_width, self.width),
        )

    def cells(self) -> Iterator[Cell]:
        """All cells, segment by segment."""
        return self.cells_in(Box(0, 0, self.height, self.width))

    def cells_in(self, box: Box) -> Iterator[Cell]:
        """The cells that hold pixels of ``box``, which lies inside the page."""
        for down in range(box.y0 // self.segment_height, -(-box.y1 // self.segment_height)):
            for across in range(box.x0 // self.segment_width, -(-box.x1 // self.segment_width)):
                yield from self._bands(down * self.across + across, box)

    def _bands(self, segment: int, box: Box) -> Iterator[Cell]:
        outer = self.segment_box(segment)
        if self.band_height >= self.segment_height:
            yield Cell(segment, 0, self.stored_rows(segment), self.segment_width, outer)
            return
        first = max(box.y0 - outer.y0, 0) // self.band_height
        last = -(-(min(box.y1, outer.y1) - outer.y0) // self.band_height)
        for band in range(first, last):
            top = band * self.band_height
            rows = min(self.band_height, outer.height - top)
            y0 = outer.y0 + top
            part = Box(y0, outer.x0, y0 + rows, outer.x1)
            yield Cell(segment, top, rows, self.segment_width, part)
