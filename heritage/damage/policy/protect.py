"""Areas that are never filled: painted as a mask, or drawn as polygons."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from heritage.damage.masks import import_mask, open_mask
from heritage.damage.polygons import Polygons, polygons_of, ring_of
from heritage.errors import MaskRefused
from heritage.geometry import Box

Bool = npt.NDArray[np.bool_]
POLYGONS = (".geojson", ".json")
"""How the names of files of polygons end."""

BESIDE = (*POLYGONS, ".tif", ".tiff", ".png")
"""How those end that are found beside a master."""


class Protected(Protocol):
    """Says of any rectangle which pixels are protected."""

    def read(self, box: Box) -> Bool:
        """The protected pixels in ``box``, (h, w) bool."""
        ...


def find_protected(master: Path) -> Path | None:
    """The areas beside ``master``: ``NAME.protect`` with one of ``BESIDE``, in this order."""
    for suffix in BESIDE:
        beside = master.with_name(f"{master.stem}.protect{suffix}")
        if beside.is_file():
            return beside
    return None


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
        polygons = tuple(tuple(map(ring_of, rings)) for rings in polygons_of(content))
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
