"""Areas that are never filled: painted as a mask, or drawn as polygons."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from heritage.damage.masks import import_mask, open_mask
from heritage.errors import MaskRefused
from heritage.geometry import Box

Bool = npt.NDArray[np.bool_]
Ring = npt.NDArray[np.float64]
POLYGONS = (".geojson", ".json")
"""How the names of files of polygons end."""


class Protected(Protocol):
    """Says of any rectangle which pixels are protected."""

    def read(self, box: Box) -> Bool:
        """The protected pixels in ``box``, (h, w) bool."""
        ...


@dataclass(frozen=True)
class Polygons:
    """Polygons in pixels of the master: x to the right, y down, from the first pixel's corner.

    A pixel is protected where its centre lies inside a polygon; of rings in one polygon the
    even-odd rule tells inside from holes. Where windows are cut does not matter.

    Attributes:
        polygons: Of each polygon the rings, (n, 2) float64, x and y.
    """

    polygons: tuple[tuple[Ring, ...], ...]

    def read(self, box: Box) -> Bool:
        """The protected pixels in ``box``, (h, w) bool."""
        protected = np.zeros((box.height, box.width), np.bool_)
        for rings in self.polygons:
            if not any(_reaches(ring, box) for ring in rings):
                continue
            crossed = np.zeros((box.height, box.width + 1), np.int32)
            for ring in rings:
                _cross(crossed, ring, box)
            protected |= np.cumsum(crossed[:, :-1], axis=1) % 2 == 1
        return protected


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


@contextmanager
def open_protected(path: Path, folder: Path, height: int, width: int) -> Iterator[Protected]:
    """Open a file of protected areas.

    Args:
        path: A mask as any other, or polygons as GeoJSON (``.geojson`` or ``.json``).
        folder: On whose disk a mask is kept meanwhile.
        height: Rows of the master.
        width: Columns.

    Raises:
        MaskRefused: It is neither, or does not fit the master.
    """
    if path.suffix.lower() in POLYGONS:
        yield read_polygons(path, height, width)
        return
    with tempfile.TemporaryDirectory(dir=folder, prefix=".protect-") as kept:
        target = Path(kept) / "protect.tif"
        import_mask(path, target, height, width)
        with open_mask(target) as mask:
            yield mask


def read_polygons(path: Path, height: int, width: int) -> Polygons:
    """Read GeoJSON polygons in pixels of a master.

    Raises:
        MaskRefused: It is no such file, has no polygon, or one wholly outside of the master.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        polygons = tuple(tuple(map(_ring, rings)) for rings in _polygons(content))
    except FileNotFoundError:
        raise MaskRefused("there is no such file of protected areas", path) from None
    except OSError as error:
        raise MaskRefused(f"protected areas cannot be read ({error.strerror})", path) from error
    except (ValueError, RecursionError) as error:
        raise MaskRefused(f"is no GeoJSON of polygons in pixels: {error}", path) from error
    if not polygons:
        raise MaskRefused("has no polygon; draw one, or leave out the protected areas", path)
    for number, rings in enumerate(polygons, 1):
        (x0, y0), (x1, y1) = rings[0].min(axis=0), rings[0].max(axis=0)
        if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
            words = f"polygon {number} lies outside of the master of {width} x {height} pixels"
            raise MaskRefused(f"{words}; x counts to the right and y down from its corner", path)
    return Polygons(polygons)


def _polygons(content: object) -> Iterator[Sequence[Any]]:
    """The rings of every polygon in a GeoJSON object."""
    if not isinstance(content, dict):
        raise ValueError("an object with a type was expected")
    kind = content.get("type")
    if kind == "FeatureCollection":
        for feature in _listed(content.get("features"), "features"):
            yield from _polygons(feature)
    elif kind == "Feature":
        yield from _polygons(content.get("geometry"))
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


def _ring(points: object) -> Ring:
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
