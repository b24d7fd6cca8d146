"""Cracks: thin, dark, drawn out, and not what a brush or a pen did."""

from __future__ import annotations

from functools import reduce

import numpy as np

from heritage.damage.classes import DamageClass
from heritage.damage.detect.finding import Finding, Picture
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

_WIDTHS = (3, 5, 9)
_LENGTH = 31
_REGION = 61  # pixels in which cracks are told from brushwork
_LEAST = 24
_TIMES = 1.3


class Cracks:
    """Finds dark craquelure.

    Brushwork, hatching and fabric have bright lines beside the dark ones, and as many; cracks have
    not. Writing and fabric run in one direction, cracks in many. So dark lines count by how much
    more of them there are than of bright ones, and by how many directions share them.
    """

    name = "cracks"
    context = 80

    def detect(self, picture: Picture) -> Finding:
        """Find them in a window, float32 (H, W, 3) in 0..1."""
        grey = grey_of(picture)
        dark = evidence(hats(grey, _WIDTHS, dark=True), _LEAST, _TIMES)
        bright = evidence(hats(grey, _WIDTHS, dark=False), _LEAST, _TIMES)
        ways = along_lines(dark, _LENGTH)
        lines = reduce(np.maximum, ways)
        other = reduce(np.maximum, along_lines(bright, _LENGTH))
        more = (level(lines, _REGION) + 1) / (level(other, _REGION) + 1)
        spread = _spread(ways)
        weight = np.clip(more / 3, 0.1, 1.25) * np.clip(2 * spread, 0.25, 1.0)
        support = np.minimum(lines, dark).astype(np.float32) / np.float32(UNIT)
        confidence = confidence_of(support * weight.astype(np.float32))
        classes = np.where(confidence > 0, np.uint8(DamageClass.CRACKS), np.uint8(0))
        return Finding(confidence, classes)


def _spread(ways: list[Grey]) -> np.ndarray:
    """How evenly lines of a region run in all directions: 0, all in one, to 1."""
    levels = np.stack([level(way, _REGION) for way in ways])
    return 1 - (levels.max(axis=0) - levels.min(axis=0)) / (levels.max(axis=0) + 1)
