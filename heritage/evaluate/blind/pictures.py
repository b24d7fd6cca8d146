"""Pictures as the page shows them: bare pixels, so that no file tells whose they are."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from heritage.evaluate.blind.errors import EvaluationUnreadable

OUTLINE = (255, 0, 200, 255)
"""Colour of the hole's outline: one that paintings and papers do not have."""

Pixels = NDArray[np.uint8]


def read_pixels(path: Path) -> Pixels:
    """Read a picture as (H, W, 3) uint8, without profile or other tags.

    Raises:
        EvaluationUnreadable: If it cannot be read.
    """
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError) as error:
        reason = f"cannot be read as a picture ({error}); evaluate again"
        raise EvaluationUnreadable(reason, path) from None


def read_hole(path: Path) -> NDArray[np.bool_]:
    """Read a mask as (H, W) bool, true where the hole is."""
    return np.asarray(read_pixels(path).any(axis=2))


def outline(hole: NDArray[np.bool_]) -> Pixels:
    """The line around a hole as (H, W, 4) uint8, transparent elsewhere.

    It runs outside the hole, one pixel wide, so that it hides nothing of a fill.
    """
    grown = cv2.dilate(hole.astype(np.uint8), np.ones((3, 3), np.uint8))
    line = np.zeros((*hole.shape, 4), np.uint8)
    line[(grown > 0) & ~hole] = OUTLINE
    return line


def centre(hole: NDArray[np.bool_]) -> tuple[float, float]:
    """Where to look first: the hole pixel nearest to the middle of the hole, as shares of 0 to 1.

    Returns:
        Across and down; the middle of the picture if there is no hole.
    """
    rows, columns = np.nonzero(hole)
    if rows.size == 0:
        return 0.5, 0.5
    distance = (rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2
    nearest = int(distance.argmin())
    height, width = hole.shape
    return (int(columns[nearest]) + 0.5) / width, (int(rows[nearest]) + 0.5) / height


def png(pixels: Pixels) -> bytes:
    """Encode as PNG without compression.

    All pictures of one size then have the same number of bytes, so that not even the length of a
    transfer tells a smooth fill from a rich one.
    """
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=0)
    return stream.getvalue()
