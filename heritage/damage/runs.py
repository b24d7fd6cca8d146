"""Damage as horizontal runs of pixels, and the connected components those runs form.

Memory is proportional to the number of runs, never to the raster.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of damaged pixels in raster order: columns ``start <= x < stop`` of row ``row``.

    Attributes:
        row: (n,) int32.
        start: (n,) int32.
        stop: (n,) int32.
        depth: (n,) float32, for each run its largest distance to a known pixel.
    """

    row: Ints
    start: Ints
    stop: Ints
    depth: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.row)


def runs_of(damage: Bool) -> tuple[Ints, Ints, Ints]:
    """Row, start and stop of every run of True in a (h, w) array, in raster order."""
    h, w = damage.shape
    framed = np.zeros((h, w + 1), np.bool_)
    framed[:, :w] = damage
    # In the flattened array the empty last column keeps runs of neighbouring rows apart.
    flat = framed.ravel()
    turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        turns = np.concatenate([[0], turns])
    starts, stops = turns[::2], turns[1::2]
    rows = starts // (w + 1)
    begins = rows * (w + 1)
    return (
        rows.astype(np.int32),
        (starts - begins).astype(np.int32),
        (stops - begins).astype(np.int32),
    )


def gathered(tiles: Iterable[tuple[int, int, Bool]]) -> Runs:
    """The runs of a raster from its tiles; their depths are not known and 0.

    Args:
        tiles: First row, first column and damage (h, w) of each.
    """
    found = []
    for y, x, damage in tiles:
        row, start, stop = runs_of(damage)
        found.append((row + y, start + x, stop + x))
    if not found:
        none = np.zeros(0, np.int32)
        return Runs(none, none, none, np.zeros(0, np.float32))
    row, start, stop = (
        np.concatenate(column).astype(np.int32) for column in zip(*found, strict=True)
    )
    return joined(Runs(row, start, stop, np.zeros(len(row), np.float32)))


def joined(runs: Runs) -> Runs:
    """The same damage with runs that touch end to end in one row (cut by tiles) made one."""
    order = np.lexsort((runs.start, runs.row))
    row, start, stop = runs.row[order], runs.start[order], runs.stop[order]
    opens = np.ones(len(row), np.bool_)
    opens[1:] = (row[1:] != row[:-1]) | (start[1:] != stop[:-1])
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(row)) - 1
    depth = np.maximum.reduceat(runs.depth[order], first) if len(first) else runs.depth
    return Runs(row[first], start[first], stop[last], depth)


def components(runs: Runs) -> Ints:
    """Number the 8-connected components: (n,) int32 from 0, in the order of their first run."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(runs)
    if n == 0:
        return np.zeros(0, np.int32)
    pair = _touching(runs)
    graph = coo_array((np.ones(len(pair[0]), np.bool_), pair), shape=(n, n))
    count, label = connected_components(graph, directed=False)
    first = np.full(count, n, np.int32)
    np.minimum.at(first, label, np.arange(n, dtype=np.int32))
    renumbered = np.empty(count, np.int32)
    renumbered[np.argsort(first)] = np.arange(count, dtype=np.int32)
    return np.asarray(renumbered[label])


def _touching(runs: Runs) -> tuple[Ints, Ints]:
    """Pairs of runs in neighbouring rows that share a side or a corner."""
    span = int(runs.stop.max()) + 2
    row = runs.row.astype(np.int64) * span
    # Runs are disjoint and sorted, so those of the row above that touch are neighbours.
    low = np.searchsorted(row + runs.stop, row - span + runs.start, side="left").astype(np.int32)
    high = np.searchsorted(row + runs.start, row - span + runs.stop, side="right").astype(np.int32)
    count = np.maximum(high - low, 0)
    below = np.repeat(np.arange(len(runs), dtype=np.int32), count)
    within = np.arange(len(below), dtype=np.int32) - np.repeat(np.cumsum(count) - count, count)
    return below, (np.repeat(low, count) + within).astype(np.int32)
