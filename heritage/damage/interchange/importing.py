"""Take back what people corrected elsewhere, as a mask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from heritage.damage.interchange.shapes import shapes_of
from heritage.damage.mask_writing import TILE, Piece, write_mask
from heritage.damage.masks import import_mask
from heritage.damage.polygons import Polygons, polygons_of, ring_of
from heritage.errors import MaskRefused
from heritage.geometry import Box
from heritage.restore.storage import partial_of, storage, sync

DRAWN = (".json", ".geojson", ".jsonld")
"""How the names of files of shapes end; anything else is a mask of pixels."""


def import_correction(path: Path, height: int, width: int, destination: Path) -> int:
    """Write a corrected mask as it is kept; it appears whole.

    Args:
        path: GeoJSON or Web Annotations in pixels of the master, or a mask as TIFF or PNG.
        height: Rows of the master.
        width: Columns.
        destination: The mask, replaced if it is there.

    Returns:
        Damaged pixels; a file without any shape is a mask without damage.

    Raises:
        MaskRefused: It is none of these, or does not fit the master.
        StorageFailed: If the mask cannot be written.
    """
    with storage(destination.parent):
        destination.parent.mkdir(parents=True, exist_ok=True)
        with partial_of(destination) as partial:
            if path.suffix.lower() in DRAWN:
                drawn = _pieces(_read(path, height, width), height, width)
                pixels = write_mask(partial, height, width, drawn)
            else:
                pixels = import_mask(path, partial, height, width).pixels
            sync(partial)
            partial.replace(destination)
    return pixels


def _read(path: Path, height: int, width: int) -> Polygons:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        geojson = isinstance(content, dict) and content.get("type") in (
            "FeatureCollection", "Feature", "Polygon", "MultiPolygon",
        )  # fmt: skip
        if not geojson:
            polygons = tuple(shapes_of(content, height, width))
        elif content.get("features") == []:
            polygons = ()
        else:
            polygons = tuple(tuple(map(ring_of, rings)) for rings in polygons_of(content))
    except FileNotFoundError:
        raise MaskRefused("there is no such file", path) from None
    except OSError as error:
        raise MaskRefused(f"cannot be read ({error.strerror})", path) from error
    except (ValueError, RecursionError, OverflowError) as error:
        words = f"is neither GeoJSON nor Web Annotations that can be used: {error}"
        raise MaskRefused(" ".join(words.split()), path) from error
    for number, rings in enumerate(polygons, 1):
        (x0, y0), (x1, y1) = rings[0].min(axis=0), rings[0].max(axis=0)
        if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
            words = f"shape {number} lies outside of the master of {width} x {height} pixels"
            raise MaskRefused(words, path)
    return Polygons(polygons)


def _pieces(polygons: Polygons, height: int, width: int) -> Iterator[Piece]:
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            box = Box(y, x, min(y + TILE, height), min(x + TILE, width))
            yield y, x, polygons.read(box).astype(np.uint8) * 255
