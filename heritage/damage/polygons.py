"""Polygons in pixels of a master: read from GeoJSON, and made into pixels of any rectangle."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heritage.geometry import Box

Bool = npt.NDArray[np.bool_]
Ring = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Polygons:
    """Polygons in pixels of the master: x to the right, y down, from the first pixel's corner.

    A pixel belongs to them where its centre lies inside a polygon; of rings in one polygon the
    even-odd rule tells inside from holes. Where windows are cut does not matter.

    Attributes:
        polygons: Of each polygon the rings, (n, 2) float64, x and y.
    """

    polygons: tuple[tuple[Ring, ...], ...]

    def read(self, box: Box) -> Bool:
        """The pixels in ``box`` that belong to any of them, (h, w) bool."""
        inside = np.zeros((box.height, box.width), np.bool_)
        for rings in self.polygons:
            if not any(_reaches(ring, box) for ring in rings):
                continue
            crossed = np.zeros((box.height, box.width + 1), np.int32)
            for ring in rings:
                _cross(crossed, ring, box)
            inside |= np.cumsum(crossed[:, :-1], axis=1) % 2 == 1
        return inside


def _reaches(ring: Ring, box: Box) -> bool:
    (x0, y0), (x1, y1) = ring.min(axis=0), ring.max(axis=0)
    return bool(x0 < box.x1 and x1 > box.x0 and y0 < box.y1 and y1 > box.y0)


def _cross(crossed: npt.NDArray[np.int32], ring: Ring, box: Box) -> None:
    """Count, in each row, each edge of a ring at the first pixel whose centre lies right of it."""
    ends = np.stack([ring, np.roll(ring, -1, axis=0)], axis=1)
    order = np.argsort(ends[:, :, 1], axis=1, kind="stable")
    ends = np.take_along_axis(ends, order[..., None], axis=1)  # from the top to the bottom
    first = np.maximum(np.ceil(ends[:, 0, 1] - 0.5), box.y0)
    last = np.minimum(np.ceil(ends[:, 1, 1] - 0.5), box.y1)
    for edge in np.flatnonzero(first < last).tolist():
        (x0, y0), (x1, y1) = ends[edge]
        rows = np.arange(int(first[edge]), int(last[edge]))
        at = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
        columns = np.clip(np.ceil(at - 0.5), box.x0, box.x1).astype(np.int64) - box.x0
        crossed[rows - box.y0, columns] += 1  # one crossing in each row


def polygons_of(content: object) -> Iterator[Sequence[Any]]:
    """The rings of every polygon in a GeoJSON object; ``ValueError`` where it is none."""
    if not isinstance(content, dict):
        raise ValueError("an object with a type was expected")
    kind = content.get("type")
    if kind == "FeatureCollection":
        for feature in _listed(content.get("features"), "features"):
            yield from polygons_of(feature)
    elif kind == "Feature":
        yield from polygons_of(content.get("geometry"))
    elif kind == "Polygon":
        yield _listed(content.get("coordinates"), "coordinates")
    elif kind == "MultiPolygon":
        for rings in _listed(content.get("coordinates"), "coordinates"):
            yield _listed(rings, "rings")
    else:
        raise ValueError(f"{kind!r} is neither Polygon nor MultiPolygon")


def _listed(value: object, what: str) -> Sequence[Any]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"a list of {what} was expected")
    return value


def ring_of(points: object) -> Ring:
    """A ring from a list of [x, y]; ``ValueError`` where it is none."""
    corners = []
    for point in _listed(points, "corners"):
        pair = _listed(point, "x and y")[:2]
        if len(pair) < 2 or not all(type(n) in (int, float) and math.isfinite(n) for n in pair):
            raise ValueError(f"{point!r} is no x and y")
        if max(map(abs, pair)) > 1e9:
            raise ValueError(f"{point!r} is too far away")
        corners.append(pair)
    if len({(x, y) for x, y in corners}) < 3:
        raise ValueError("a ring has fewer than three corners")
    return np.array(corners, np.float64)
