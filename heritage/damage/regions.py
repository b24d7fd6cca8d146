"""The regions of a mask: its 8-connected components, numbered in the order one reads a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from heritage.damage.depth import deep_radius, depth_of_tile
from heritage.damage.masks import MaskReader
from heritage.damage.runs import Ints, Runs, components, joined, runs_of
from heritage.geometry import Box

BLOCK = 32
"""Side of the blocks in which damage is counted to tell how much around a region is known."""

HALO = 64
"""How far around a tile the distance to known pixels is looked for, in pixels."""


@dataclass(frozen=True, slots=True)
class Region:
    """One connected piece of damage: what staff approve or reject.

    Attributes:
        number: From 1, in the order of the regions' first pixels, row by row.
        box: The smallest rectangle around it.
        area: Its pixels.
        radius: How deep it is: the largest distance of one of its pixels to the nearest known pixel
            (pixels outside the raster are not known). Within 2 % up to 64 pixels; of deeper regions
            whose box exceeds 4 megapixels it is measured at a reduced scale and then at most three
            reduced pixels too small.
        known: How much of its surroundings is known, 0..1: of its box and 64 pixels around it,
            outwards to whole blocks of 32.
    """

    number: int
    box: Box
    area: int
    radius: float
    known: float = 1.0


@dataclass(frozen=True, eq=False)
class Regions(Sequence[Region]):
    """Regions of a mask, kept as arrays: a mask of specks has millions of them.

    Attributes:
        boxes: (n, 4) int32: y0, x0, y1, x1.
        areas: (n,) int64, pixels.
        radii: (n,) float32, pixels.
        numbers: (n,) int32.
        known: (n,) float32, shares.
    """

    boxes: Ints
    areas: npt.NDArray[np.int64]
    radii: npt.NDArray[np.float32]
    numbers: Ints
    known: npt.NDArray[np.float32]

    @classmethod
    def of(cls, regions: Iterable[Region]) -> Regions:
        """The same regions as arrays."""
        if isinstance(regions, Regions):
            return regions
        listed = list(regions)
        boxes = [(r.box.y0, r.box.x0, r.box.y1, r.box.x1) for r in listed]
        return cls(
            np.array(boxes, np.int32).reshape(-1, 4),
            np.array([r.area for r in listed], np.int64),
            np.array([r.radius for r in listed], np.float32),
            np.array([r.number for r in listed], np.int32),
            np.array([r.known for r in listed], np.float32),
        )

    def __len__(self) -> int:
        return len(self.areas)

    @overload
    def __getitem__(self, index: int) -> Region: ...
    @overload
    def __getitem__(self, index: slice) -> list[Region]: ...
    def __getitem__(self, index: int | slice) -> Region | list[Region]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        box = Box(*self.boxes[index].tolist())
        area, radius = int(self.areas[index]), float(self.radii[index])
        known = float(self.known[index])
        return Region(int(self.numbers[index]), box, area, radius, known)

    def __iter__(self) -> Iterator[Region]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


def find_regions(mask: MaskReader) -> Regions:
    """The connected components of a mask (pixels touching by side or corner belong together).

    Memory and time are proportional to the damage, not to the raster.
    """
    counts = np.zeros((-(-mask.height // BLOCK), -(-mask.width // BLOCK)), np.int32)
    runs = joined(_runs(mask, counts))
    label = components(runs)
    count = int(label.max()) + 1 if len(label) else 0
    boxes = _boxes(runs, label, count)
    areas = np.bincount(label, runs.stop - runs.start, count).astype(np.int64)
    radii = np.zeros(count, np.float32)
    np.maximum.at(radii, label, runs.depth)
    for deep in np.flatnonzero(radii > HALO).tolist():
        own = label == deep
        box = Box(*boxes[deep].tolist())
        measured = deep_radius(runs.row[own], runs.start[own], runs.stop[own], box, mask)
        radii[deep] = max(measured, float(HALO))
    numbers = np.arange(1, count + 1, dtype=np.int32)
    return Regions(boxes, areas, radii, numbers, _known(boxes, counts, mask))


def _known(boxes: Ints, counts: Ints, mask: MaskReader) -> npt.NDArray[np.float32]:
    """Share of known pixels around each box, from the damage in each block."""
    sums = np.zeros((counts.shape[0] + 1, counts.shape[1] + 1), np.int64)
    np.cumsum(np.cumsum(counts, axis=0), axis=1, out=sums[1:, 1:])
    low = np.maximum(boxes[:, :2].astype(np.int64) - HALO, 0) // BLOCK
    high = np.minimum(-(-(boxes[:, 2:].astype(np.int64) + HALO) // BLOCK), counts.shape)
    (y0, x0), (y1, x1) = low.T, high.T
    damaged = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
    rows = np.minimum(y1 * BLOCK, mask.height) - y0 * BLOCK
    columns = np.minimum(x1 * BLOCK, mask.width) - x0 * BLOCK
    shares: npt.NDArray[np.float32] = (1 - damaged / (rows * columns)).astype(np.float32)
    return shares


def _boxes(runs: Runs, label: Ints, count: int) -> Ints:
    boxes = np.zeros((count, 4), np.int32)
    boxes[:, :2] = np.iinfo(np.int32).max
    np.minimum.at(boxes[:, 0], label, runs.row)
    np.minimum.at(boxes[:, 1], label, runs.start)
    np.maximum.at(boxes[:, 2], label, runs.row + 1)
    np.maximum.at(boxes[:, 3], label, runs.stop)
    return boxes


def _runs(mask: MaskReader, counts: Ints) -> Runs:
    """All runs; ``counts`` receives the damaged pixels of each block."""
    found = [_runs_of_tile(mask, tile, counts) for tile in mask.blocks()]
    if not found:
        none = np.zeros(0, np.int32)
        return Runs(none, none, none, np.zeros(0, np.float32))
    row, start, stop, depth = (np.concatenate(column) for column in zip(*found, strict=True))
    return Runs(row, start, stop, depth)


def _runs_of_tile(
    mask: MaskReader, tile: Box, counts: Ints
) -> tuple[Ints, Ints, Ints, npt.NDArray[np.float32]]:
    damage = mask.read(tile)
    edges = (np.arange(0, size, BLOCK) for size in damage.shape)
    folded = damage.view(np.uint8)
    for axis, first in enumerate(edges):
        folded = np.add.reduceat(folded, first, axis=axis, dtype=np.int32)
    y, x = tile.y0 // BLOCK, tile.x0 // BLOCK
    counts[y : y + folded.shape[0], x : x + folded.shape[1]] = folded
    row, start, stop = runs_of(damage)
    if len(row) == 0:
        return row, start, stop, np.zeros(0, np.float32)
    depth = depth_of_tile(mask.read, damage, tile, HALO, mask.height, mask.width)
    # Between the even positions lie the runs, between the odd ones what is known.
    ends = np.column_stack([row * tile.width + start, row * tile.width + stop]).ravel()
    if ends[-1] == depth.size:
        ends = ends[:-1]
    deepest = np.maximum.reduceat(depth.ravel(), ends)[::2]
    return row + tile.y0, start + tile.x0, stop + tile.x0, deepest
