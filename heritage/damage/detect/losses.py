"""Losses: even patches of what lies under the paint, or of nothing."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from heritage.damage.classes import DamageClass
from heritage.damage.detect.finding import Finding, Picture
from heritage.damage.detect.ridges import Grey, confidence_of, grey_of, level

_CELL = 4  # pixels per side that are looked at as one
_LARGEST = 31  # diameter in cells; what is wider is taken for a part of the picture
_LEAST = 50  # grey levels by which a loss stands out
_EVEN = 12  # grey levels that may lie between neighbouring cells of it
_TIMES = 1.5
_SEEN = 30  # grey levels from which on a patch counts as one of several
_REGION = 45  # cells
_ALONE = 0.12  # share of a region that one loss and a few more take up
_BUSY = 21  # cells: where the surroundings are busy, more is needed


class Losses:
    """Finds bright or dark patches up to 120 pixels wide that are more even than their borders.

    Careful to a fault: a white collar is one, too, but for its folds.
    """

    name = "losses"
    context = 256
    weights: str | None = None

    def detect(self, picture: Picture) -> Finding:
        """Find them in a window, float32 (H, W, 3) in 0..1, that begins at a multiple of 4.

        The context of a window is a multiple of 4, and so are the rows where cores begin.
        """
        grey = grey_of(picture)
        cells = _cells(grey)
        bright, dark = _patches(cells, grey, dark=False), _patches(cells, grey, dark=True)
        confidence = np.maximum(bright, dark)
        kinds = np.where(dark > bright, DamageClass.PUNCTURE, DamageClass.MATERIAL_LOSS)
        classes = np.where(confidence > 0, kinds, DamageClass.NONE).astype(np.uint8)
        return Finding(confidence, classes)


def _cells(grey: Grey) -> Grey:
    """Means of squares of pixels, uint8."""
    rows, columns = (-n % _CELL for n in grey.shape)
    whole = cv2.copyMakeBorder(grey, 0, rows, 0, columns, cv2.BORDER_REPLICATE)
    height, width = (n // _CELL for n in whole.shape)
    sums = whole.reshape(height, _CELL, width, _CELL).astype(np.uint16).sum(axis=(1, 3))
    return np.asarray(sums // _CELL**2, np.uint8)


def _patches(cells: Grey, grey: Grey, dark: bool) -> npt.NDArray[np.float32]:
    how = cv2.MORPH_BLACKHAT if dark else cv2.MORPH_TOPHAT
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_LARGEST, _LARGEST))
    out = np.asarray(cv2.morphologyEx(cells, how, disc), np.uint8)
    square = np.ones((3, 3), np.uint8)
    span = np.asarray(cv2.morphologyEx(cells, cv2.MORPH_GRADIENT, square), np.uint8)
    # Inside it is even; from there it reaches as far as it stands out, up to three cells.
    core = np.where(span <= _EVEN, out, np.uint8(0))
    patch = np.minimum(out, cv2.dilate(core, np.ones((7, 7), np.uint8)))
    needed = np.float32(_LEAST) + np.float32(_TIMES) * level(span, _BUSY)
    others = level(np.asarray(out >= _SEEN).view(np.uint8), _REGION)
    alone = np.clip(np.float32(_ALONE) / (others + np.float32(1e-3)), 0.1, 1.0)
    strength = patch.astype(np.float32) * alone / needed
    large = strength.repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    return confidence_of(large[: grey.shape[0], : grey.shape[1]])
