"""Cracks: thin, dark, drawn out, and not what a brush or a pen did."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

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
    total,
)

Field = npt.NDArray[np.float32]

REACH = 88
"""No further from a pixel lies anything that counts: discs, lines and squares after one another."""

_WIDTHS = (3, 5, 9)
_LENGTH = 31
_REGION = 61  # pixels in which cracks are told from brushwork
_LEAST = 24  # grey levels
_TIMES = 1.3


@dataclass(frozen=True)
class Lines:
    """What is known of the thin lines around every pixel.

    Attributes:
        dark: Evidence of thin dark things, ``UNIT`` is just enough, uint8 (H, W).
        lines: What of it is drawn out.
        bright: Evidence of thin bright things that are drawn out.
        more: How many times as many dark lines as bright ones there are around, float32 (H, W).
        spread: How evenly dark lines around run in all directions: 0, all in one, to 1.
    """

    dark: Grey
    lines: Grey
    bright: Grey
    more: Field
    spread: Field


def lines_of(grey: Grey) -> Lines:
    """Look for thin lines in uint8 (H, W)."""
    dark = evidence(hats(grey, _WIDTHS, dark=True), _LEAST, _TIMES)
    bright = evidence(hats(grey, _WIDTHS, dark=False), _LEAST, _TIMES)
    ways = along_lines(dark, _LENGTH)
    lines = reduce(np.maximum, ways)
    others = reduce(np.maximum, along_lines(bright, _LENGTH))
    more = (level(lines, _REGION) + 1) / (level(others, _REGION) + 1)
    return Lines(dark, lines, others, more, _spread(ways))


class Cracks:
    """Finds dark craquelure.

    Brushwork, hatching and fabric have bright lines beside the dark ones, and as many; cracks have
    not. Writing and fabric run in one direction, cracks in many. So dark lines count by how much
    more of them there are than of bright ones, and by how many directions share them.
    """

    name = "cracks"
    context = REACH
    weights: str | None = None

    def detect(self, picture: Picture) -> Finding:
        """Find them in a window, float32 (H, W, 3) in 0..1."""
        seen = lines_of(grey_of(picture))
        weight = np.clip(seen.more / 3, 0.1, 1.25) * np.clip(2 * seen.spread, 0.25, 1.0)
        support = np.minimum(seen.lines, seen.dark).astype(np.float32) / np.float32(UNIT)
        confidence = confidence_of(support * weight.astype(np.float32))
        classes = np.where(confidence > 0, np.uint8(DamageClass.CRACKS), np.uint8(0))
        return Finding(confidence, classes)


def _spread(ways: list[Grey]) -> Field:
    most = least = total(ways[0], _REGION)
    for way in ways[1:]:
        summed = total(way, _REGION)
        most, least = np.maximum(most, summed), np.minimum(least, summed)
    span, whole = (most - least).astype(np.float32), (most + _REGION**2).astype(np.float32)
    return np.asarray(1 - span / whole, np.float32)
