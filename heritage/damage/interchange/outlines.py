"""Outlines of regions along the edges of their pixels: from runs to rings, and nothing lost."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from heritage.damage.runs import Ints

Points = npt.NDArray[np.int64]
Edge = tuple[int, int, int, int]  # from x, y to x, y


def rings_of(row: Ints, start: Ints, stop: Ints) -> list[Points]:
    """The outline of one region and those of its holes, each (n, 2): x and y of its corners.

    The first is the outline; with the even-odd rule they cover the region's pixels and no others.
    Where pixels touch at a corner only, the outline passes through it, and holes end there.

    Args:
        row: Of each run of the region, in raster order.
        start: Its first column.
        stop: The column after its last.
    """
    following: dict[tuple[int, int], list[Edge]] = {}
    for edge in _edges(row, start, stop):
        following.setdefault(edge[:2], []).append(edge)
    rings = []
    for corner in list(following):
        while following[corner]:
            rings.append(_walk(following, following[corner].pop()))
    rings.sort(key=_area, reverse=True)  # holes run the other way round: their area is negative
    return rings


def _edges(row: Ints, start: Ints, stop: Ints) -> Iterable[Edge]:
    """Edges between the region and what is around it; the region lies to their right."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for y, x0, x1 in zip(row.tolist(), start.tolist(), stop.tolist(), strict=True):
        rows.setdefault(y, []).append((x0, x1))
        yield (x1, y, x1, y + 1)
        yield (x0, y + 1, x0, y)
    for y, own in rows.items():
        for x0, x1 in _without(own, rows.get(y - 1, [])):
            yield (x0, y, x1, y)
        for x0, x1 in _without(own, rows.get(y + 1, [])):
            yield (x1, y + 1, x0, y + 1)


def _without(
    own: list[tuple[int, int]], others: list[tuple[int, int]]
) -> Iterable[tuple[int, int]]:
    """What of sorted spans no other sorted span covers."""
    after = 0
    for x0, x1 in own:
        at = x0
        while after < len(others) and others[after][1] <= x0:
            after += 1
        look = after
        while look < len(others) and others[look][0] < x1:
            if others[look][0] > at:
                yield (at, others[look][0])
            at = max(at, others[look][1])
            look += 1
        if at < x1:
            yield (at, x1)


def _walk(following: dict[tuple[int, int], list[Edge]], first: Edge) -> Points:
    """Follow edges from one to the next until the first one comes again."""
    corners = [first[:2]]
    edge = first
    while edge[2:] != first[:2]:
        ways = following[edge[2:]]
        n = 0 if len(ways) == 1 else max(range(2), key=lambda k: _turn(edge, ways[k]))
        following_edge = ways.pop(n)
        if _turn(edge, following_edge):
            corners.append(following_edge[:2])
        edge = following_edge
    if not _turn(edge, first):
        corners.pop(0)
    return np.array(corners, np.int64)


def _turn(edge: Edge, other: Edge) -> int:
    """How far an edge turns towards the left of another, where y counts down: -1, 0 or 1."""
    ax, ay = edge[2] - edge[0], edge[3] - edge[1]
    bx, by = other[2] - other[0], other[3] - other[1]
    return int(np.sign(ay * bx - ax * by))


def _area(ring: Points) -> int:
    """Twice the area inside a ring; positive where it runs clockwise on the screen."""
    x, y = ring[:, 0], ring[:, 1]
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
