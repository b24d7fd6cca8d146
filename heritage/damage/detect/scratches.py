"""Scratches: long, thin, straight, dark or bright, and alone."""

from __future__ import annotations

from functools import reduce

import cv2
import numpy as np

from heritage.damage.classes import DamageClass
from heritage.damage.detect.finding import Confidence, Finding, Picture
from heritage.damage.detect.ridges import (
    UNIT,
    Grey,
    along_lines,
    confidence_of,
    evidence,
    grey_of,
    hats,
    level,
)

_WIDTHS = (3, 5)
_LEAST = 24  # grey levels
_TIMES = 4.0
_LENGTH = 31  # in pixels of half the size
_DIRECTIONS = 20
_REGION = 61  # likewise
_ALONE = 0.025  # share of a region that one line takes up, and a little more


class Scratches:
    """Finds what is thin and straight for some 80 pixels, and has no others beside it.

    Hatching, rigging and ruled lines are many; a scratch is one or a few. Lines are followed at
    half the size, where a scratch that wanders a little is straight.
    """

    name = "scratches"
    context = 144
    weights: str | None = None

    def detect(self, picture: Picture) -> Finding:
        """Find them in a window, float32 (H, W, 3) in 0..1, that begins in an even row and column.

        The context of a window is even, and so are the rows and columns where cores begin.
        """
        grey = grey_of(picture)
        found = np.maximum(_alone(grey, dark=True), _alone(grey, dark=False))
        classes = np.where(found > 0, np.uint8(DamageClass.SCRATCH), np.uint8(0))
        return Finding(found, classes)


def _alone(grey: Grey, dark: bool) -> Confidence:
    """Confidence that a pixel lies on a lone straight line."""
    height, width = grey.shape
    thin = evidence(hats(grey, _WIDTHS, dark), _LEAST, _TIMES)
    even = cv2.copyMakeBorder(thin, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    half = np.maximum(
        np.maximum(even[::2, ::2], even[1::2, ::2]), np.maximum(even[::2, 1::2], even[1::2, 1::2])
    )
    lines = reduce(np.maximum, along_lines(half, _LENGTH, _DIRECTIONS))
    share = level(np.asarray(half >= UNIT).view(np.uint8), _REGION)
    weight = np.clip(np.float32(_ALONE) / (share + np.float32(1e-3)), 0.1, 1.0)
    strength = (lines.astype(np.float32) * weight).repeat(2, axis=0).repeat(2, axis=1)
    support = np.minimum(strength[:height, :width], thin.astype(np.float32))
    return confidence_of(support / np.float32(UNIT))
