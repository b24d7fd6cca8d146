"""Overlapping windows over regions too large for one, on as many levels as they are deep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heritage.damage.runs import Ints
from heritage.geometry import Box
from heritage.restore.levels import (
    Bool,
    ReadMask,
    level_mask,
    level_size,
    reduced_box,
)
from heritage.restore.windows import Window, box_fits, cuts, window_box

_BLOCK = 1536
"""Side of the squares in which large regions are told from small ones, in pixels."""

_CHUNK = 512
_MARGIN = 2
"""Pixels of a coarser level around a window's core that its guide is interpolated from."""


@dataclass(frozen=True, slots=True)
class Field:
    """Large regions whose boxes overlap: tiled together, on one grid.

    Attributes:
        box: Around all of them, at full scale.
        deep: Whether one is deeper than a window's context reaches.
    """

    box: Box
    deep: bool


@dataclass(frozen=True, slots=True)
class Raster:
    """The mask at full scale and the measures of the windows over it."""

    read: ReadMask
    height: int
    width: int
    size: int
    context: int
    overlap: int

    def size_at(self, level: int) -> tuple[int, int]:
        """Rows and columns of a level."""
        return level_size(self.height, self.width, level)

    def fits(self, box: Box, level: int) -> bool:
        """Whether a full-scale box fits into one window of a level, with context."""
        return box_fits(reduced_box(box, level), *self.size_at(level), self.size, self.context)


def fields(boxes: Ints, deep: Bool) -> list[Field]:
    """Unite large regions whose boxes overlap, and again until none do.

    Args:
        boxes: (n, 4) of the large regions.
        deep: (n,) whether each is deep.
    """
    while True:
        label, count = _overlapping(boxes)
        if count == len(boxes):
            break
        united = np.zeros((count, 4), np.int32)
        united[:, :2] = np.iinfo(np.int32).max
        np.minimum.at(united[:, :2], label, boxes[:, :2])
        np.maximum.at(united[:, 2:], label, boxes[:, 2:])
        deepest = np.zeros(count, np.bool_)
        np.logical_or.at(deepest, label, deep)
        boxes, deep = united, deepest
    return [Field(Box(*b), bool(d)) for b, d in zip(boxes.tolist(), deep.tolist(), strict=True)]


def _overlapping(boxes: Ints) -> tuple[npt.NDArray[np.int32], int]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, other = [], []
    for i, (y0, x0, y1, x1) in enumerate(boxes.tolist()):
        rest = boxes[i + 1 :]
        meets = (rest[:, 0] < y1) & (rest[:, 2] > y0) & (rest[:, 1] < x1) & (rest[:, 3] > x0)
        found = np.flatnonzero(meets) + i + 1
        one.append(np.full(len(found), i))
        other.append(found)
    pairs = (np.concatenate(one), np.concatenate(other)) if one else (np.zeros(0), np.zeros(0))
    graph = coo_array((np.ones(len(pairs[0]), np.bool_), pairs), shape=(len(boxes), len(boxes)))
    count, label = connected_components(graph, directed=False)
    return label, int(count)


def tile(field: Field, raster: Raster) -> list[Window]:
    """The windows over a field on all its levels, unnumbered (0), finest level first."""
    top = 0
    if field.deep:
        while not raster.fits(field.box, top):
            top += 1
    found = [_level(field, raster, 0, _large_pixels(field.box, raster))]
    for level in range(1, top + 1):
        wanted = [reduced_box(w.core).grown(_MARGIN) for w in found[-1]]
        coarser = _level(field, raster, level, _wanted_pixels(wanted, raster, level))
        if not coarser:
            break
        found.append(coarser)
    return [
        Window(0, w.level, w.box, w.core, (), w.level < len(found) - 1, w.fade)
        for windows in found
        for w in windows
    ]


def _level(
    field: Field, raster: Raster, level: int, pixels: Iterable[tuple[Box, Bool]]
) -> list[Window]:
    height, width = raster.size_at(level)
    around = reduced_box(field.box, level)
    if level:
        around = around.grown(_MARGIN * level).clipped(height, width)
    measures = (raster.size, raster.context)
    rows = cuts(around.y0, around.y1, height, *measures, raster.overlap)
    columns = cuts(around.x0, around.x1, width, *measures, raster.overlap)
    windows = []
    for (i, j), core in sorted(_extents(rows, columns, pixels).items()):
        fade = (
            i > 0 and core.y0 == rows[i][0],
            i < len(rows) - 1 and core.y1 == rows[i][1],
            j > 0 and core.x0 == columns[j][0],
            j < len(columns) - 1 and core.x1 == columns[j][1],
        )
        box = window_box(core, height, width, *measures)
        windows.append(Window(0, level, box, core, (), False, fade))
    return windows


def _extents(
    rows: list[tuple[int, int]],
    columns: list[tuple[int, int]],
    pixels: Iterable[tuple[Box, Bool]],
) -> dict[tuple[int, int], Box]:
    """The box around the pixels in each cell of the grid that has any."""
    extents: dict[tuple[int, int], Box] = {}
    for block, wanted in pixels:
        for i, (y0, y1) in enumerate(rows):
            if y1 <= block.y0 or block.y1 <= y0:
                continue
            for j, (x0, x1) in enumerate(columns):
                if x1 <= block.x0 or block.x1 <= x0:
                    continue
                cell = Box(y0, x0, y1, x1).intersection(block)
                found = _extent(wanted[cell.within(block)], cell)
                if found is not None:
                    before = extents.get((i, j), found)
                    extents[i, j] = found.union(before)
    return extents


def _extent(wanted: Bool, cell: Box) -> Box | None:
    rows = np.flatnonzero(wanted.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(wanted.any(axis=0))
    y0, x0 = cell.y0 + int(rows[0]), cell.x0 + int(columns[0])
    return Box(y0, x0, cell.y0 + int(rows[-1]) + 1, cell.x0 + int(columns[-1]) + 1)


def _squares(box: Box, step: int) -> Iterator[Box]:
    for y in range(box.y0, box.y1, step):
        for x in range(box.x0, box.x1, step):
            yield Box(y, x, min(y + step, box.y1), min(x + step, box.x1))


def _large_pixels(box: Box, raster: Raster) -> Iterator[tuple[Box, Bool]]:
    """The pixels in ``box`` of regions that do not fit into a window, square by square."""
    import cv2

    for square in _squares(box, _BLOCK):
        if not raster.read(square).any():
            continue
        # A small region that reaches into the square lies whole in the square grown by a window.
        around = square.grown(raster.size + 1).clipped(raster.height, raster.width)
        damage = raster.read(around).view(np.uint8)
        _, label, stats, _ = cv2.connectedComponentsWithStats(damage, connectivity=8)
        large = _large(np.asarray(stats, np.int32), around, raster)
        if large.any():
            yield square, large[label[square.within(around)]]


def _large(stats: npt.NDArray[np.int32], around: Box, raster: Raster) -> Bool:
    """Which labels do not fit into a window with their context."""
    x0, y0 = stats[:, 0] + around.x0, stats[:, 1] + around.y0
    y1, x1 = y0 + stats[:, 3], x0 + stats[:, 2]
    margin = raster.context
    rows = np.minimum(y1 + margin, raster.height) - np.maximum(y0 - margin, 0)
    columns = np.minimum(x1 + margin, raster.width) - np.maximum(x0 - margin, 0)
    large: Bool = (rows > raster.size) | (columns > raster.size)
    # What is cut by the rectangle looked at and reaches into the square is longer than a window.
    large |= (y0 == around.y0) & (around.y0 > 0) | (y1 == around.y1) & (around.y1 < raster.height)
    large |= (x0 == around.x0) & (around.x0 > 0) | (x1 == around.x1) & (around.x1 < raster.width)
    large[0] = False
    return large


def _wanted_pixels(wanted: list[Box], raster: Raster, level: int) -> Iterator[tuple[Box, Bool]]:
    """The damage of a level inside the boxes that the finer level asks a guide for."""
    height, width = raster.size_at(level)
    boxes = np.array([(b.y0, b.x0, b.y1, b.x1) for b in wanted], np.int32)
    y0, x0 = np.maximum(boxes[:, :2].min(axis=0), 0).tolist()
    y1, x1 = boxes[:, 2:].max(axis=0).tolist()
    for square in _squares(Box(y0, x0, min(y1, height), min(x1, width)), _CHUNK):
        meets = (boxes[:, 0] < square.y1) & (boxes[:, 2] > square.y0)
        meets &= (boxes[:, 1] < square.x1) & (boxes[:, 3] > square.x0)
        if not meets.any():
            continue
        damage = level_mask(raster.read, level, square, raster.height, raster.width)
        if damage.any():
            asked = np.zeros_like(damage)
            for one in boxes[meets].tolist():
                asked[Box(*one).intersection(square).within(square)] = True
            yield square, damage & asked
