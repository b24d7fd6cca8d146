"""Which part of a picture is shown, and on how many pixels of the screen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from heritage.geometry import Box

PIECE = 512
"""Side of the pieces in which a frame is made, in pixels of the screen."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle of a raster, whose edges may lie between pixels, and the size it is shown at.

    Attributes:
        top: First row.
        left: First column.
        bottom: Row after the last.
        right: Column after the last.
        height: Rows on the screen.
        width: Columns on the screen.
    """

    top: float
    left: float
    bottom: float
    right: float
    height: int
    width: int

    @classmethod
    def of(cls, box: Box, height: int, width: int) -> Frame:
        """A box at a size."""
        return cls(float(box.y0), float(box.x0), float(box.y1), float(box.x1), height, width)

    @property
    def down(self) -> float:
        """Rows of the raster that go into one of the screen."""
        return (self.bottom - self.top) / self.height

    @property
    def across(self) -> float:
        """Columns of the raster that go into one of the screen."""
        return (self.right - self.left) / self.width

    @property
    def ratio(self) -> float:
        """How much smaller it is shown, in the direction in which it shrinks most.

        Tiles at the edge of a picture are seldom a whole number of screen pixels: a little is
        let through, so that they are made as their neighbours are.
        """
        return max(self.down, self.across) * 1.001

    @property
    def area(self) -> float:
        """Pixels of the raster."""
        return (self.bottom - self.top) * (self.right - self.left)

    def box(self, height: int, width: int) -> Box:
        """The whole pixels of a raster of that size which it touches."""
        y0 = min(max(math.floor(self.top + 1e-6), 0), height - 1)
        x0 = min(max(math.floor(self.left + 1e-6), 0), width - 1)
        y1 = max(min(math.ceil(self.bottom - 1e-6), height), y0 + 1)
        x1 = max(min(math.ceil(self.right - 1e-6), width), x0 + 1)
        return Box(y0, x0, y1, x1)

    def scaled(self, down: float, across: float) -> Frame:
        """The same part of a raster that is smaller by these factors."""
        return Frame(
            self.top / down,
            self.left / across,
            self.bottom / down,
            self.right / across,
            self.height,
            self.width,
        )

    def shifted(self, y: float, x: float) -> Frame:
        """Seen from another origin."""
        return Frame(
            self.top - y, self.left - x, self.bottom - y, self.right - x, self.height, self.width
        )

    def part(self, screen: Box) -> Frame:
        """What some pixels of the screen show; they may lie outside of it."""
        return Frame(
            self.top + screen.y0 * self.down,
            self.left + screen.x0 * self.across,
            self.top + screen.y1 * self.down,
            self.left + screen.x1 * self.across,
            screen.height,
            screen.width,
        )

    def pieces(self) -> Iterator[tuple[Box, Frame]]:
        """Pieces that together are the frame, with their places on the screen."""
        for y in range(0, self.height, PIECE):
            for x in range(0, self.width, PIECE):
                screen = Box(y, x, min(y + PIECE, self.height), min(x + PIECE, self.width))
                yield screen, self.part(screen)
