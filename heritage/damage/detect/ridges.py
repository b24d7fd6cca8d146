"""Thin dark or bright lines: what cracks and scratches have in common.

All arithmetic is on whole numbers of bounded reach, so that it comes out the same wherever a
window begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from heritage.damage.detect.finding import Picture

Grey = npt.NDArray[np.uint8]

SURROUND = 31
"""Side of the square whose mean response is the local level of texture, in pixels."""

UNIT = 64
"""Evidence of 1 in whole numbers."""


def grey_of(picture: Picture) -> Grey:
    """Luma (ITU-R BT.601) as uint8 (H, W).

    Args:
        picture: float32 (H, W, 3) in 0..1.
    """
    bytes_ = cv2.convertScaleAbs(picture, alpha=255.0)
    return np.asarray(cv2.cvtColor(np.asarray(bytes_, np.uint8), cv2.COLOR_RGB2GRAY), np.uint8)


def hats(grey: Grey, widths: Sequence[int], dark: bool) -> Grey:
    """How much darker (or brighter) thin things are than what surrounds them, uint8 (H, W).

    The largest black-hat (or top-hat) over discs of several diameters: a disc finds what is
    narrower than itself (Giakoumis et al., "Digital Image Processing Techniques for the Detection
    and Removal of Cracks in Digitized Paintings", IEEE Transactions on Image Processing 15(1),
    2006; several widths after Cornelis et al., "Crack Detection and Inpainting for Virtual
    Restoration of Paintings", Signal Processing 93(3), 2013).

    Args:
        grey: uint8 (H, W).
        widths: Diameters in pixels, odd.
        dark: Dark things, else bright ones.
    """
    how = cv2.MORPH_BLACKHAT if dark else cv2.MORPH_TOPHAT
    best = np.zeros_like(grey)
    for width in widths:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
        np.maximum(best, np.asarray(cv2.morphologyEx(grey, how, disc), np.uint8), out=best)
    return best


def evidence(response: Grey, least: int, times: float) -> Grey:
    """A response in units of what is needed there to stand out, ``UNIT`` is just enough.

    Args:
        response: Of ``hats``.
        least: Grey levels that are always needed.
        times: How often the mean of the surroundings is needed.
    """
    needed = np.maximum(np.float32(times) * level(response, SURROUND), np.float32(least))
    scaled = np.float32(UNIT) * response.astype(np.float32) / needed
    return np.asarray(np.minimum(scaled, np.float32(255)), np.uint8)


def along_lines(response: Grey, length: int, directions: int = 12) -> list[Grey]:
    """What remains of a response along straight lines of some length, by direction.

    Openings by line segments (Soille and Talbot, "Directional
    Morphological Filtering", IEEE PAMI 23(11), 2001), after closing gaps of two pixels.

    Args:
        response: uint8 (H, W).
        length: In pixels, odd.
        directions: How many of them.
    """
    square = np.ones((3, 3), np.uint8)
    bridged = np.asarray(cv2.dilate(response, square), np.uint8)
    return [
        np.asarray(cv2.morphologyEx(bridged, cv2.MORPH_OPEN, line), np.uint8)
        for line in _lines(length, directions)
    ]


@lru_cache(maxsize=8)
def _lines(length: int, directions: int) -> list[Grey]:
    made = []
    middle = length // 2
    for number in range(directions):
        angle = np.pi * number / directions
        dx, dy = round(middle * np.cos(angle)), round(middle * np.sin(angle))
        line = np.zeros((2 * abs(dy) + 1, 2 * abs(dx) + 1), np.uint8)
        start = (0, 0) if dy >= 0 and dx >= 0 else (2 * abs(dx), 0)
        end = (line.shape[1] - 1 - start[0], line.shape[0] - 1)
        cv2.line(line, start, end, 1)
        made.append(line)
    return made


def total(response: Grey, side: int) -> npt.NDArray[np.int32]:
    """Sum of a response over a square, int32 (H, W)."""
    summed = cv2.boxFilter(response, cv2.CV_32S, (side, side), normalize=False)
    return np.asarray(summed, np.int32)


def level(response: Grey, side: int) -> npt.NDArray[np.float32]:
    """Mean of a response over a square, float32 (H, W)."""
    return total(response, side).astype(np.float32) / np.float32(side * side)


def confidence_of(strength: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Evidence, 1 where it is just enough, as a confidence in 0..1 that is 0.5 there.

    A logistic curve in the logarithm of the evidence: s^3 / (1 + s^3).
    """
    cubed = np.minimum(strength, np.float32(16)) ** 3
    return np.asarray(cubed / (1 + cubed), np.float32)
