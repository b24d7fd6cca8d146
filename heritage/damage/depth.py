"""How deep damage is: distances from damaged pixels to the nearest known one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from heritage.damage.mask_source import Bool
from heritage.damage.masks import MaskReader
from heritage.damage.runs import Ints
from heritage.geometry import Box

PIXELS = 4 << 20
"""Largest raster whose distances are computed at once."""

Floats = npt.NDArray[np.float32]


def distances(damage: Bool) -> Floats:
    """For each damaged pixel its distance to the nearest known one, 0 elsewhere.

    Where no pixel is known at all, the distance is the array's diagonal. Pixels beyond the array
    are not known.
    """
    import cv2

    if damage.all():
        return np.full(damage.shape, np.hypot(*damage.shape), np.float32)
    return np.asarray(
        cv2.distanceTransform(damage.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5), np.float32
    )


def depth_of_tile(
    read: Callable[[Box], Bool], damage: Bool, tile: Box, halo: int, height: int, width: int
) -> Floats:
    """Distances within ``tile``, exact up to ``halo``; anything larger means "at least that deep".

    Args:
        read: The mask.
        damage: The mask in ``tile``.
        tile: Where.
        halo: How far outside the tile known pixels are looked for.
        height: Rows of the raster.
        width: Columns of the raster.
    """
    edges = (damage[0], damage[-1], damage[:, 0], damage[:, -1])
    if not any(edge.any() for edge in edges):
        return distances(damage)
    around = tile.grown(halo).clipped(height, width)
    return distances(read(around))[tile.within(around)]


def deep_radius(row: Ints, start: Ints, stop: Ints, box: Box, mask: MaskReader) -> float:
    """The radius of a region too deep for its tiles to tell, from its runs.

    Its box is reduced until it has at most 4 megapixels; a reduced pixel counts as damaged only
    where all of it is, so that the radius is never overestimated by more than the reduced pixel.

    Args:
        row: Rows of the region's runs, ascending.
        start: First columns.
        stop: Columns after the last.
        box: Around the region.
        mask: Whose raster edges are not known pixels.
    """
    around = box.grown(1).clipped(mask.height, mask.width)
    scale = 1
    while (around.height // scale) * (around.width // scale) > PIXELS:
        scale *= 2
    bands = [
        _reduced(
            row, start, stop, Box(top, around.x0, min(top + scale, around.y1), around.x1), scale
        )
        for top in range(around.y0, around.y1, scale)
    ]
    depth = float(distances(np.stack(bands)).max())
    return depth * scale


def _reduced(row: Ints, start: Ints, stop: Ints, band: Box, scale: int) -> Bool:
    """Which reduced pixels of a band one reduced row high are damaged throughout: (w,) bool."""
    first, last = np.searchsorted(row, [band.y0, band.y1])
    own = slice(int(first), int(last))
    turns = np.zeros((band.height, band.width + 1), np.int8)
    np.add.at(turns, (row[own] - band.y0, start[own] - band.x0), 1)
    np.add.at(turns, (row[own] - band.y0, stop[own] - band.x0), -1)
    damage = np.cumsum(turns, axis=1, dtype=np.int8)[:, : band.width].astype(np.bool_).all(axis=0)
    edges = np.arange(0, band.width, scale)
    return np.logical_and.reduceat(damage, edges)
