"""How regions, changes and fills are drawn, for eyes with any kind of colour vision.

Everything here is in pixels of the screen, and follows from a pixel's place alone, so that
neighbouring tiles fit together.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.review.pictures.frames import Frame

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

# Okabe and Ito, "Color Universal Design" (2008): vermilion and sky blue.
STANDS: Final = (213, 94, 0)
UNDONE: Final = (86, 180, 233)
INSIDE: Final = 0.30  # opacity of a region, and of its outline
OUTLINE: Final = 0.95
FAINTEST: Final = 0.35  # share of it that specks keep, however far away

LINE: Final = (-1.0, -0.6, 0.6, 1.0, 0.0, 0.0)
"""One line of the hatching and the gap to the next, pixel by pixel: a dark flank and a light one,
so that it is seen on any tone."""
STRENGTH: Final = 28.0  # levels by which a flank differs from the fill

HEAT: Final = 96.0  # levels of difference at which the heat is opaque


def regions(stands: Floats, undone: Floats) -> Bytes:
    """A sheet with the regions filled lightly and outlined.

    Args:
        stands: (h, w) share of each pixel that lies in regions that stand, 0..1, one pixel more
            on every side than what is wanted.
        undone: The same of regions that are undone.

    Returns:
        (h - 2, w - 2, 4) uint8, RGBA.
    """
    share = np.minimum(stands + undone, 1)
    there = (share > 0).astype(np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    outline = (there - cv2.erode(there, cross)).astype(bool)
    seen = FAINTEST + (1 - FAINTEST) * np.minimum(2 * share, 1)
    opacity = np.where(outline, OUTLINE, INSIDE) * seen * there
    sheet = np.zeros((*share.shape, 4), np.uint8)
    sheet[..., :3] = np.where((undone > stands)[..., None], UNDONE, STANDS)
    sheet[..., 3] = np.rint(opacity * 255)
    sheet[there == 0] = 0
    return sheet[1:-1, 1:-1]


def heat(before: Bytes, after: Bytes) -> Bytes:
    """A sheet that glows where two pictures differ, (h, w, 4) uint8, RGBA."""
    levels = cv2.absdiff(before, after).max(axis=2)
    share = np.minimum(levels / np.float32(HEAT), 1)
    scale = np.arange(256, dtype=np.uint8)[:, None]
    colours = np.asarray(cv2.applyColorMap(scale, cv2.COLORMAP_INFERNO)).reshape(256, 3)
    sheet = np.zeros((*levels.shape, 4), np.uint8)
    # The darkest part of the scale would be taken for the picture's own shadows.
    index = np.rint(115 + 130 * share).astype(np.intp)
    sheet[..., :3] = colours[index, ::-1]
    sheet[..., 3] = np.rint(255 * np.sqrt(share))
    sheet[levels == 0] = 0
    return sheet


def hatched(picture: Bytes, filled: Floats, frame: Frame) -> Bytes:
    """A picture whose filled areas are hatched by fine vertical lines.

    From afar the tone of the fill stays what it is: a line has as much light as dark.

    Args:
        picture: (h, w, 3) uint8.
        filled: (h, w) share of each pixel that is filled, 0..1.
        frame: What is shown; lines go on from one tile to the next.

    Returns:
        (h, w, 3) uint8.
    """
    first = frame.left / nominal(frame)
    place = (first + np.arange(frame.width)) % len(LINE)
    line = np.interp(place, np.arange(len(LINE) + 1), (*LINE, LINE[0]))
    wave = (STRENGTH * line).astype(np.float32)
    drawn = picture + wave[None, :, None] * filled[..., None]
    return np.asarray(np.clip(np.rint(drawn), 0, 255), np.uint8)


def nominal(frame: Frame) -> float:
    """Pixels of the raster in one of the screen, as they are in all tiles of this zoom.

    At the edge of a picture a tile is rounded up to whole pixels of the screen.
    """
    zoom = 2.0 ** round(math.log2(frame.ratio))
    high, wide = (frame.bottom - frame.top) / zoom, (frame.right - frame.left) / zoom
    fits = -1 < high - frame.height <= 1e-6 and -1 < wide - frame.width <= 1e-6
    return float(zoom) if fits else frame.across
