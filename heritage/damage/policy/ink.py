"""Which regions touch ink: strokes darker than the paper around them, right beside the damage."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from heritage.damage.masks import TILE, MaskReader
from heritage.damage.policy.numbering import Numbering
from heritage.geometry import Box
from heritage.restore.colour import WorkingSpace
from heritage.tiff import Master

NEAR = 3
"""Ink at most this many pixels from a region touches it."""

RIM = 1
"""Pixels around damage that are not looked at: there, scans blur a dark hole into the paper."""

ENOUGH = 4
"""Pixels of ink that must be so near."""

SIDES = (51, 201)
"""Sides of the windows that tell the local threshold: for thin pens, and for thick initials."""

K = 0.2
"""How far below the local mean the threshold lies; of Sauvola and Pietikäinen."""

RANGE = 0.5
"""The largest standard deviation there can be, R of Sauvola and Pietikäinen, for values in 0..1."""

_MARGIN = max(SIDES) // 2

Floats = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]


def is_ink(picture: Floats, damaged: Bool) -> Bool:
    """Where ink is, by the local thresholds of Sauvola and Pietikäinen.

    J. Sauvola, M. Pietikäinen, "Adaptive document image binarization", Pattern Recognition 33
    (2000), equation 5: T = m (1 + k (s / R - 1)), with mean and deviation of the undamaged pixels.
    The darkest colour channel is looked at, so that red and blue ink count.

    Args:
        picture: (h, w, 3) float32, sRGB-encoded in 0..1.
        damaged: (h, w) bool; damaged pixels are neither ink nor paper.
    """
    import cv2

    grey = picture.min(axis=-1).astype(np.float64)
    known = (~damaged).astype(np.float64)
    ink = np.zeros(damaged.shape, np.bool_)
    for side in SIDES:

        def total(values: npt.NDArray[np.float64], side: int = side) -> npt.NDArray[np.float64]:
            box = (side, side)
            border = cv2.BORDER_CONSTANT
            summed = cv2.boxFilter(values, cv2.CV_64F, box, normalize=False, borderType=border)
            return np.asarray(summed, np.float64)

        n = np.maximum(total(known), 1)
        mean = total(grey * known) / n
        spread = np.sqrt(np.maximum(total(grey * grey * known) / n - mean * mean, 0))
        ink |= grey < mean * (1 + K * (spread / RANGE - 1))
    return ink & ~damaged


def touching_ink(
    master: Master,
    space: WorkingSpace,
    mask: MaskReader,
    numbering: Numbering,
    wanted: Collection[int],
) -> frozenset[int]:
    """Those of the ``wanted`` regions that touch ink; reads only windows of the master near them.

    Args:
        master: The open master.
        space: How its samples become RGB.
        mask: The open mask of everything that was found.
        numbering: Its regions.
        wanted: Numbers of the regions in question.
    """
    asked = np.zeros(len(numbering.areas), np.bool_)
    asked[list(wanted)] = True
    counts = np.zeros(len(asked), np.int64)
    for y in range(0, mask.height, TILE):
        for x in range(0, mask.width, TILE):
            core = Box(y, x, y + TILE, x + TILE).clipped(mask.height, mask.width)
            if mask.any(core.grown(NEAR).clipped(mask.height, mask.width)):
                _count(master, space, mask, numbering, asked, core, counts)
    return frozenset(np.flatnonzero(counts >= ENOUGH).tolist())


def _count(
    master: Master,
    space: WorkingSpace,
    mask: MaskReader,
    numbering: Numbering,
    asked: Bool,
    core: Box,
    counts: npt.NDArray[np.int64],
) -> None:
    """Add to each region the pixels of ink in ``core`` that are near it."""
    import cv2

    near = core.grown(NEAR)
    inside = near.clipped(mask.height, mask.width)
    numbers = np.zeros((near.height, near.width), np.int32)
    found = numbering.read(inside)
    numbers[inside.within(near)] = np.where(asked[found], found, 0)
    if not numbers.any():
        return
    window = core.grown(_MARGIN).clipped(mask.height, mask.width)
    native = master.read(window)
    around = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
    damaged = cv2.dilate(mask.read(window).view(np.uint8), around).view(np.bool_)
    unknown = np.asarray(damaged | space.unusable(native), np.bool_)
    rgb = np.asarray(space.to_rgb(native), np.float32)
    y, x = np.nonzero(is_ink(np.where(unknown[..., None], 0, rgb), unknown)[core.within(window)])
    reach = range(-NEAR, NEAR + 1)
    steps = [(dy, dx) for dy in reach for dx in reach if dy * dy + dx * dx <= NEAR * NEAR]
    beside = np.stack([numbers[y + NEAR + dy, x + NEAR + dx] for dy, dx in steps], axis=1)
    beside.sort(axis=1)
    # A region that is seen in several directions counts once for each pixel of ink.
    first = np.ones(beside.shape, np.bool_)
    first[:, 1:] = beside[:, 1:] != beside[:, :-1]
    np.add.at(counts, beside[first & (beside > 0)], 1)
