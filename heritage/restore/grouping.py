"""Which small regions share a window, so that a thousand specks do not cost a thousand windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heritage.damage.runs import Ints
from heritage.geometry import Box
from heritage.restore.windows import STEP, fits, side

_BIN = 64
"""Specks within a square of this side always share: their windows would overlap in any case."""

_OVERHEAD = STEP * STEP
"""What a window costs besides its pixels, in pixels."""


@dataclass(frozen=True, slots=True)
class Room:
    """The raster and what fits into a window of it."""

    height: int
    width: int
    size: int
    context: int

    def cost(self, y0: int, x0: int, y1: int, x1: int) -> int:
        """Pixels an inpainter must work through for a window around that core."""
        rows = side(y0, y1, self.height, self.size, self.context)
        return rows * side(x0, x1, self.width, self.size, self.context) + _OVERHEAD

    def holds(self, y0: int, x0: int, y1: int, x1: int) -> bool:
        """Whether that core and its context fit into one window."""
        return fits(y0, y1, self.height, self.size, self.context) and fits(
            x0, x1, self.width, self.size, self.context
        )


Rectangle = tuple[int, int, int, int]


def group(boxes: Ints, room: Room) -> list[Box]:
    """Cores that between them hold each of ``boxes`` whole, few and small.

    Boxes are put on shelves from the top, each shelf is walked from left to right, and a box joins
    the open group whose window it makes least costlier, unless a window of its own is cheaper.

    Args:
        boxes: (n, 4) y0, x0, y1, x1, each fitting into a window.
        room: The raster and the windows' size.
    """
    cores: list[Box] = []
    for shelf in _shelves(_binned(boxes, room), room):
        cores.extend(Box(*core) for core in _walk(shelf, room))
    return cores


def _binned(boxes: Ints, room: Room) -> Ints:
    """Boxes with those of specks in the same bin united, ordered by top edge, then left edge."""
    # Specks reach half a bin beyond theirs at most, so their union fits into a core.
    side_of_bin = max(1, min(_BIN, (room.size - 2 * room.context) * 2 // 3))
    speck = (boxes[:, 2:] - boxes[:, :2] <= side_of_bin // 2).all(axis=1)
    specks, others = boxes[speck], boxes[~speck]
    if len(specks):
        bins = specks[:, :2] // side_of_bin
        order = np.lexsort((bins[:, 1], bins[:, 0]))
        specks, bins = specks[order], bins[order]
        first = np.flatnonzero(np.r_[True, (bins[1:] != bins[:-1]).any(axis=1)])
        lower = np.minimum.reduceat(specks[:, :2], first)
        upper = np.maximum.reduceat(specks[:, 2:], first)
        specks = np.hstack([lower, upper])
    united = np.vstack([specks, others])
    return united[np.lexsort((united[:, 3], united[:, 2], united[:, 1], united[:, 0]))]


def _shelves(boxes: Ints, room: Room) -> list[list[Rectangle]]:
    """Cut boxes, ordered by top edge, into shelves no higher than a window's core."""
    shelves = []
    left = boxes
    while len(left):
        top = int(left[0, 0])
        longest = max(room.size - 2 * room.context, 1)
        while fits(top, top + longest + 1, room.height, room.size, room.context) and (
            top + longest < room.height
        ):
            longest += 1
        reach = max(top + longest, int(left[0, 2]))
        begun = int(np.searchsorted(left[:, 0], reach))
        here = left[:begun, 2] <= reach
        shelf = left[:begun][here]
        shelf = shelf[np.lexsort((shelf[:, 0], shelf[:, 1]))]
        shelves.append([(a, b, c, d) for a, b, c, d in shelf.tolist()])
        left = np.vstack([left[:begun][~here], left[begun:]])
    return shelves


def _walk(shelf: list[Rectangle], room: Room) -> list[Rectangle]:
    done: list[Rectangle] = []
    open_groups: list[Rectangle] = []
    for box in shelf:
        beyond = box[1] - room.size
        done += [g for g in open_groups if g[1] <= beyond]
        open_groups = [g for g in open_groups if g[1] > beyond]
        best, extra = -1, room.cost(*box)
        for place, grown in enumerate(open_groups):
            union = _union(grown, box)
            if room.holds(*union):
                more = room.cost(*union) - room.cost(*grown)
                if more <= extra:
                    best, extra = place, more
        if best < 0:
            open_groups.append(box)
        else:
            open_groups[best] = _union(open_groups[best], box)
    return done + open_groups


def _union(a: Rectangle, b: Rectangle) -> Rectangle:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
