"""No colour step at the mask's border: what a fill is off by there is carried smoothly inward.

The idea is that of seamless cloning (Perez, Gangnet and Blake 2003, "Poisson Image Editing"): the
difference along the border continues into the hole as a membrane. Here the difference is not taken
pixel by pixel, which would print the surroundings' texture into the fill, but between averages
along narrow bands on both sides, each extended to the border so that a gradient across it is no
step; and where the picture itself changes much, the difference counts for little.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heritage.damage.depth import distances
from heritage.geometry import Box
from heritage.restore.guide import enlarge
from heritage.restore.levels import reduce_known

Bool = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

BAND = 4.0
"""Depth of the bands compared, in pixels; two of them on each side."""

ALONG = 4.0
"""Along how much of the border the bands are averaged (standard deviation), in pixels."""

WIDE = 32.0
"""Along how much of the border steps are averaged, the surer ones counting more, in pixels."""

FLOOR = 1 / 255
"""A step that is visible nowhere."""

MASKING, SLOPE = 0.3, 0.5
"""How unsure a step is for the surroundings' deviation, and for what changes across the bands."""

_ENOUGH = 0.02


def settle_border(fill: Floats, picture: Floats, hole: Bool) -> Floats:
    """Take a fill's colour step at the hole's border out of it.

    Steps well above what the surroundings' own texture hides are removed, smaller ones are left,
    and a hole too thin for two bands (about 16 pixels) is left as it is. Meant for fills that see a
    hole
    whole: where the hole runs out of the array there is no border to compare.

    Args:
        fill: (h, w, c), the inpainter's answer.
        picture: (h, w, c), whose pixels outside the hole are known.
        hole: (h, w).

    Returns:
        (h, w, c) float32, equal to ``fill`` outside the hole.
    """
    if hole.all() or not hole.any():
        return fill
    step, doubt = _steps(fill, picture, hole)
    border = doubt[..., 0] < np.inf
    if not border.any():
        return fill
    trust = np.asarray(1 / (doubt * doubt), np.float32)
    weight = np.maximum(_blurred(trust, WIDE), np.float32(1e-12))
    smooth = _blurred(np.asarray(trust * step, np.float32), WIDE) / weight
    share = _blurred(border.astype(np.float32)[..., None], WIDE)
    likely = smooth * smooth / (smooth * smooth + share / weight + np.float32(1e-12))
    kept = np.where(border[..., None], smooth * likely, np.float32(0))
    carried = membrane(kept.astype(np.float32), border.astype(np.float32))
    return np.where(hole[..., None], fill + carried, fill)


def _steps(fill: Floats, picture: Floats, hole: Bool) -> tuple[Floats, Floats]:
    """The step at each border pixel and how doubtful it is: infinitely where bands are missing."""
    inside, outside = distances(hole), distances(~hole)
    known, known_change, enough_known = _at_border(picture, outside)
    filled, filled_change, enough_filled = _at_border(fill, inside)
    border = (inside > 0) & (inside < 2) & enough_known & enough_filled
    doubt = FLOOR + MASKING * _deviation(picture, outside) + SLOPE * (known_change + filled_change)
    step = np.where(border[..., None], known - filled, np.float32(0))
    return step, np.where(border[..., None], doubt, np.float32(np.inf))


def _at_border(values: Floats, distance: Floats) -> tuple[Floats, Floats, Bool]:
    """Values extended to the border from two bands beside it, their change, and where they are."""
    near, some_near = _average(values, (distance > 0) & (distance <= BAND))
    far, some_far = _average(values, (distance > BAND) & (distance <= 2 * BAND))
    # The bands' middles lie half and one and a half bands away; a line through them meets the
    # border half as far beyond the nearer one as they are from each other.
    both = (some_near > _ENOUGH) & (some_far > _ENOUGH)
    edge = np.asarray(near + (near - far) / 2, np.float32)
    return edge, np.abs(near - far), both


def _deviation(values: Floats, distance: Floats) -> Floats:
    band = (distance > 0) & (distance <= 2 * BAND)
    mean, _ = _average(values, band)
    square, _ = _average(values * values, band)
    return np.sqrt(np.maximum(square - mean * mean, 0))


def _average(values: Floats, where: Bool) -> tuple[Floats, Floats]:
    """The Gaussian average over the pixels ``where`` holds, and how large a share they are."""
    share = _blurred(where.astype(np.float32)[..., None], ALONG)
    total = _blurred(np.where(where[..., None], values, np.float32(0)), ALONG)
    mean = np.asarray(total / np.maximum(share, np.float32(1e-6)), np.float32)
    return mean, share[..., 0]


def _blurred(values: Floats, sigma: float) -> Floats:
    import cv2

    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32).reshape(values.shape)


def membrane(values: Floats, known: Floats) -> Floats:
    """Continue values smoothly from where they are known to everywhere, coarse to fine.

    Pull-push interpolation (Gortler et al. 1996, "The Lumigraph"): halve until everything is known,
    then enlarge again, keeping what is known at each scale.

    Args:
        values: (h, w, c), used where ``known`` is above 0.
        known: (h, w), above 0 at one pixel at least.

    Returns:
        (h, w, c) float32, equal to ``values`` where known.
    """
    h, w = known.shape
    if known.all() or max(h, w) == 1:
        return values
    coarse, share = reduce_known(values, known)
    below = membrane(coarse, (share > 0).astype(np.float32))
    height, width = share.shape
    above = enlarge(below, Box(0, 0, height, width), Box(0, 0, h, w))
    return np.where(known[..., None] > 0, values, above)
