"""Where a mask's regions are, seen from near and from afar, at the cost of the damage alone."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from heritage.damage.masks import TILE, open_mask
from heritage.damage.policy.numbering import runs_in
from heritage.damage.runs import Runs, components, runs_of
from heritage.geometry import Box
from heritage.review.pictures.overview import FINEST

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Keys = NDArray[np.int64]

BAND: Final = TILE  # rows whose runs are cut into blocks at once


@dataclass(frozen=True, eq=False)
class Blocks:
    """What of each region lies in each block of ``scale`` x ``scale`` pixels that it touches.

    Attributes:
        scale: Side of the blocks, in pixels of the master.
        across: Blocks side by side.
        regions: Regions of the mask.
        keys: (n,) int64, ascending: number of the block times ``regions + 1``, plus the region.
        counts: (n,) int32, its pixels there.
        deltas: (n, channels) float32, sums over them of what the completion adds; or none known.
    """

    scale: int
    across: int
    regions: int
    keys: Keys
    counts: NDArray[np.int32]
    deltas: Floats | None = None

    def coarser(self) -> Blocks:
        """The same in blocks twice as large."""
        block, region = np.divmod(self.keys, self.regions + 1)
        row, column = np.divmod(block, self.across)
        across = -(-self.across // 2)
        keys = (row // 2 * across + column // 2) * (self.regions + 1) + region
        order = np.argsort(keys, kind="stable")
        first = _firsts(keys[order])
        counts = np.add.reduceat(self.counts[order], first)
        assert self.deltas is not None
        deltas = np.add.reduceat(self.deltas[order], first, axis=0)
        return Blocks(self.scale * 2, across, self.regions, keys[order][first], counts, deltas)

    def gathered(self, scale: int, box: Box, undone: Bools | None) -> tuple[Floats, ...]:
        """Sums over larger blocks.

        Args:
            scale: Side of the blocks, ``self.scale`` times a power of two.
            box: Which of them.
            undone: (regions + 1,) whether a region is; None: none is.

        Returns:
            Pixels of regions that stand (h, w, 1), of those undone (h, w, 1), and, if known, what
            the former add (h, w, channels).
        """
        factor = scale // self.scale
        row = self.across * (self.regions + 1)
        cut = np.searchsorted(self.keys, [box.y0 * factor * row, box.y1 * factor * row])
        here = slice(int(cut[0]), int(cut[1]))
        block, region = np.divmod(self.keys[here], self.regions + 1)
        y, x = np.divmod(block, self.across)
        x //= factor
        inside = (x >= box.x0) & (x < box.x1)
        place = ((y // factor - box.y0) * box.width + x - box.x0)[inside]
        counts = self.counts[here][inside]
        gone = np.zeros(len(place), np.bool_) if undone is None else undone[region[inside]]
        size = box.area

        def total(chosen: Bools, weights: NDArray[Any]) -> Floats:
            sums = np.bincount(place[chosen], weights[chosen], size)
            return sums.astype(np.float32).reshape(box.height, box.width)

        found = total(~gone, counts)[..., None], total(gone, counts)[..., None]
        if self.deltas is None:
            return found
        deltas = self.deltas[here][inside]
        return *found, np.dstack([total(~gone, column) for column in deltas.T])


class Damage:
    """A restoration's mask, open to be looked at. Thread-safe.

    Regions have the numbers that ``heritage.damage.regions.find_regions`` gives them.

    Args:
        path: The mask.

    Raises:
        MaskRefused: If it is no mask as they are kept here.
        StorageFailed: If it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.mask = open_mask(path)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the file."""
        self.mask.close()

    @property
    def regions(self) -> int:
        """How many there are."""
        return int(self._index[1].max(initial=0))

    def numbers(self, box: Box) -> NDArray[np.int32]:
        """The region of every pixel in a box, (h, w); 0 where none is.

        The first time the whole mask is read, which takes a while.
        """
        _, number = self._index
        damaged = self.mask.read(box)
        row, start, stop = runs_of(damaged)
        span = self.mask.width + 1
        wanted = (row.astype(np.int64) + box.y0) * span + start + box.x0
        run = np.searchsorted(self._starts, wanted, side="right") - 1
        found = np.zeros(damaged.shape, np.int32)
        found[damaged] = np.repeat(number[run], stop - start)
        return found

    def undone(self, box: Box, chosen: Bools | None) -> Bools:
        """Which pixels of a box belong to regions that are undone, (h, w).

        Args:
            box: Which.
            chosen: (regions + 1,) whether a region is undone; None: none is.
        """
        if chosen is None:
            return np.zeros((box.height, box.width), np.bool_)
        return np.asarray(chosen[self.numbers(box)])

    def blocks(self) -> Blocks:
        """What lies in each of the finest blocks; the first time the whole mask is read."""
        runs, numbers = self._index
        across, regions = -(-self.mask.width // FINEST), self.regions
        keys, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
        bands = np.searchsorted(runs.row, np.arange(0, self.mask.height + BAND, BAND))
        for first, last in pairwise(bands):
            if last > first:
                some, many = _cut(runs, numbers, slice(first, last), across, regions)
                keys.append(some)
                counts.append(many)
        return Blocks(FINEST, across, regions, np.concatenate(keys), np.concatenate(counts))

    @property
    def _index(self) -> tuple[Runs, NDArray[np.int32]]:
        """The runs of the mask and the region of each, found once."""
        with self._lock:
            return self._found

    @cached_property
    def _starts(self) -> Keys:
        """Where each run begins, counted over all rows."""
        runs, _ = self._index
        return runs.row.astype(np.int64) * (self.mask.width + 1) + runs.start

    @cached_property
    def _found(self) -> tuple[Runs, NDArray[np.int32]]:
        runs = runs_in(self.mask)
        return runs, components(runs) + np.int32(1)


def _cut(
    runs: Runs, numbers: NDArray[np.int32], band: slice, across: int, regions: int
) -> tuple[Keys, NDArray[np.int32]]:
    """The runs of a band of rows, cut where blocks end and summed by block and region."""
    start, stop = runs.start[band], runs.stop[band]
    first, last = start // FINEST, (stop - 1) // FINEST
    many = last - first + 1
    run = np.repeat(np.arange(len(start)), many)
    column = first[run] + np.arange(len(run)) - np.repeat(np.cumsum(many) - many, many)
    pixels = np.minimum(stop[run], (column + 1) * FINEST) - np.maximum(start[run], column * FINEST)
    block = (runs.row[band] // FINEST).astype(np.int64)[run] * across + column
    keys = block * (regions + 1) + numbers[band][run]
    order = np.argsort(keys, kind="stable")
    firsts = _firsts(keys[order])
    return keys[order][firsts], np.add.reduceat(pixels[order], firsts).astype(np.int32)


def _firsts(ascending: Keys) -> NDArray[np.intp]:
    """Where in an ascending array each value is first."""
    return np.flatnonzero(np.diff(ascending, prepend=-1))
