"""Damage as horizontal runs of pixels, and the connected components those runs form.

Memory is proportional to the number of runs, never to the raster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of damaged pixels in raster order: columns ``start <= x < stop`` of row ``row``.

    Attributes:
        row: (n,) int64.
        start: (n,) int64.
        stop: (n,) int64.
        depth: (n,) float32, for each run its largest distance to a known pixel.
    """

    row: Ints
    start: Ints
    stop: Ints
    depth: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.row)


def runs_of(damage: npt.NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
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
    return rows, starts - rows * (w + 1), stops - rows * (w + 1)


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


def components(runs: Runs) -> npt.NDArray[np.int32]:
    """Number the 8-connected components: (n,) int32 from 0, in the order of their first run."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(runs)
    if n == 0:
        return np.zeros(0, np.int32)
    below, above = _touching(runs)
    graph = coo_array((np.ones(len(below), np.bool_), (below, above)), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    _, first = np.unique(label, return_index=True)
    renumbered = np.empty(len(first), np.int32)
    renumbered[np.argsort(first, kind="stable")] = np.arange(len(first), dtype=np.int32)
    return renumbered[label]


def _touching(runs: Runs) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Pairs of runs in neighbouring rows that share a side or a corner."""
    span = int(runs.stop.max()) + 2
    row_above = (runs.row - 1) * span
    # Runs are disjoint and sorted, so those of the row above that touch are neighbours of each other.
    low = np.searchsorted(runs.row * span + runs.stop, row_above + runs.start, side="left")
    high = np.searchsorted(runs.row * span + runs.start, row_above + runs.stop, side="right")
    count = np.maximum(high - low, 0)
    below = np.repeat(np.arange(len(runs), dtype=np.int32), count)
    within = np.arange(len(below)) - np.repeat(np.cumsum(count) - count, count)
    return below, (np.repeat(low, count) + within).astype(np.int32)
