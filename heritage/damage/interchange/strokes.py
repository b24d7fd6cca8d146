"""A mask corrected by hand: strokes of brush and eraser, and polygons, drawn over it in turn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from heritage.damage.mask_writing import TILE, Piece, write_mask
from heritage.damage.masks import MaskReader, open_mask
from heritage.damage.polygons import Polygons
from heritage.errors import MaskRefused
from heritage.geometry import Box
from heritage.restore.storage import partial_of, storage, sync, sync_folder

WIDEST = 2000.0
"""Pixels of the widest brush."""

_FARTHEST = 1e9  # pixels


@dataclass(frozen=True)
class Stroke:
    """One movement of a tool.

    Args:
        adds: Whether it makes pixels damaged; else sound.
        width: Of the brush, in pixels of the master; 0 for a polygon, which is filled.
        points: (n, 2) float64, x and y in pixels from the first one's corner.
    """

    adds: bool
    width: float
    points: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        usable = self.points.ndim == 2 and self.points.shape[1:] == (2,) and len(self.points)
        if not usable or not np.isfinite(self.points).all():
            raise MaskRefused("a stroke is a list of x and y")
        if np.abs(self.points).max() > _FARTHEST or not 0 <= self.width <= WIDEST:
            raise MaskRefused(f"a stroke lies too far away, or is wider than {WIDEST:.0f} pixels")
        if self.width == 0 and len(self.points) < 3:
            raise MaskRefused("a polygon has three corners at least")

    def box(self) -> tuple[float, float, float, float]:
        """What it may touch: first row and column, last row and column."""
        reach = self.width / 2 + 1
        (x0, y0), (x1, y1) = self.points.min(axis=0), self.points.max(axis=0)
        return y0 - reach, x0 - reach, y1 + reach, x1 + reach


def correct_mask(mask: Path, strokes: Sequence[Stroke], destination: Path) -> int:
    """Draw strokes over a mask, one after the other, and write what becomes of it.

    Memory does not grow with the raster. The destination appears whole or not at all.

    Args:
        mask: As it was.
        strokes: In the order they were made.
        destination: The new mask.

    Returns:
        Damaged pixels of the new mask.

    Raises:
        MaskRefused: If nothing is damaged any more.
        StorageFailed: If it cannot be written.
    """
    with open_mask(mask) as before, partial_of(destination) as partial:
        height, width = before.height, before.width
        pixels = write_mask(partial, height, width, _pieces(before, strokes))
        if not pixels:
            raise MaskRefused("nothing is left of the mask", mask)
        with storage(destination.parent):
            sync(partial)
            partial.replace(destination)
            sync_folder(destination.parent)
    return pixels


def _pieces(before: MaskReader, strokes: Sequence[Stroke]) -> Iterator[Piece]:
    boxes = [stroke.box() for stroke in strokes]
    for tile in _tiles(before, boxes):
        drawn = before.read(tile).astype(np.uint8)
        for stroke, (y0, x0, y1, x1) in zip(strokes, boxes, strict=True):
            if y0 < tile.y1 and x0 < tile.x1 and y1 > tile.y0 and x1 > tile.x0:
                _draw(drawn, tile, stroke)
        yield tile.y0, tile.x0, drawn * np.uint8(255)


def _tiles(before: MaskReader, boxes: Sequence[tuple[float, float, float, float]]) -> list[Box]:
    """Tiles with damage, and those that strokes may reach, in raster order."""
    found = {(tile.y0 // TILE, tile.x0 // TILE) for tile in before.blocks()}
    down, across = -(-before.height // TILE), -(-before.width // TILE)
    for y0, x0, y1, x1 in boxes:
        rows = range(max(0, math.floor(y0 / TILE)), min(down, math.floor(y1 / TILE) + 1))
        columns = range(max(0, math.floor(x0 / TILE)), min(across, math.floor(x1 / TILE) + 1))
        found |= {(row, column) for row in rows for column in columns}
    return [
        Box(row * TILE, column * TILE, (row + 1) * TILE, (column + 1) * TILE).clipped(
            before.height, before.width
        )
        for row, column in sorted(found)
    ]


def _draw(drawn: npt.NDArray[np.uint8], tile: Box, stroke: Stroke) -> None:
    """Draw on a tile; what a pixel becomes depends on its place alone, not on the tile."""
    if stroke.width == 0:
        inside = Polygons(((stroke.points,),)).read(tile)
        drawn[inside] = np.uint8(stroke.adds)
        return
    ends = stroke.points[1:] if len(stroke.points) > 1 else stroke.points
    for start, end in zip(stroke.points, ends, strict=False):
        _segment(drawn, tile, stroke, start, end)


def _segment(
    drawn: npt.NDArray[np.uint8],
    tile: Box,
    stroke: Stroke,
    start: npt.NDArray[np.float64],
    end: npt.NDArray[np.float64],
) -> None:
    """Pixels whose middle is no farther from the segment than half the brush's width."""
    reach = stroke.width / 2
    low, high = np.minimum(start, end) - reach, np.maximum(start, end) + reach
    x0, y0 = (max(math.floor(low[0]), tile.x0), max(math.floor(low[1]), tile.y0))
    x1, y1 = (min(math.ceil(high[0]), tile.x1), min(math.ceil(high[1]), tile.y1))
    if x0 >= x1 or y0 >= y1:
        return
    x = np.arange(x0, x1) + 0.5 - start[0]
    y = (np.arange(y0, y1) + 0.5 - start[1])[:, None]
    along = end - start
    length = float(along @ along)
    share = np.clip((x * along[0] + y * along[1]) / length, 0, 1) if length else 0.0
    near = (x - share * along[0]) ** 2 + (y - share * along[1]) ** 2 <= reach**2
    drawn[y0 - tile.y0 : y1 - tile.y0, x0 - tile.x0 : x1 - tile.x0][near] = np.uint8(stroke.adds)
