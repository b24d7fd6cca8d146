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
    """

    number: int
    box: Box
    area: int
    radius: float


@dataclass(frozen=True, eq=False)
class Regions(Sequence[Region]):
    """Regions of a mask, kept as arrays: a mask of specks has millions of them.

    Attributes:
        boxes: (n, 4) int32: y0, x0, y1, x1.
        areas: (n,) int64, pixels.
        radii: (n,) float32, pixels.
        numbers: (n,) int32.
    """

    boxes: Ints
    areas: npt.NDArray[np.int64]
    radii: npt.NDArray[np.float32]
    numbers: Ints

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
        return Region(int(self.numbers[index]), box, area, radius)

    def __iter__(self) -> Iterator[Region]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


def find_regions(mask: MaskReader) -> Regions:
    """The connected components of a mask (pixels touching by side or corner belong together).

    Memory and time are proportional to the damage, not to the raster.
    """
    runs = joined(_runs(mask))
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
    return Regions(boxes, areas, radii, np.arange(1, count + 1, dtype=np.int32))


def _boxes(runs: Runs, label: Ints, count: int) -> Ints:
    boxes = np.zeros((count, 4), np.int32)
    boxes[:, :2] = np.iinfo(np.int32).max
    np.minimum.at(boxes[:, 0], label, runs.row)
    np.minimum.at(boxes[:, 1], label, runs.start)
    np.maximum.at(boxes[:, 2], label, runs.row + 1)
    np.maximum.at(boxes[:, 3], label, runs.stop)
    return boxes


def _runs(mask: MaskReader) -> Runs:
    found = [_runs_of_tile(mask, tile) for tile in mask.blocks()]
    if not found:
        none = np.zeros(0, np.int32)
        return Runs(none, none, none, np.zeros(0, np.float32))
    row, start, stop, depth = (np.concatenate(column) for column in zip(*found, strict=True))
    return Runs(row, start, stop, depth)


def _runs_of_tile(mask: MaskReader, tile: Box) -> tuple[Ints, Ints, Ints, npt.NDArray[np.float32]]:
    damage = mask.read(tile)
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
