"""Encoded RGB of a profile as L*, a*, b*, and back: where the yellow of paper is measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from heritage.restore.profiles import RELATIVE_COLORIMETRIC

AGED = 6.0
"""Chroma that is left to paper and highlights in any case: hardly any was made whiter."""
TAKEN = 0.7
"""Part of the chroma beyond it that is taken for yellowing."""
_YELLOW = (45.0, 115.0)  # hue angles, degrees, of what lignin, size and varnish turn to
_LIKE_WHITE = 45.0  # chroma beyond which a "white" is a colour of the picture


def to_lab(rgb: Sequence[float], icc: bytes | None) -> tuple[float, float, float]:
    """L* (0..100), a*, b* relative to the white of the profile; without one, sRGB is taken."""
    import imagecodecs

    source = icc if icc is not None else imagecodecs.cms_profile("srgb")
    found = _transform(rgb, source, imagecodecs.cms_profile("lab4"), "rgb", "lab")
    return float(found[0]), float(found[1]), float(found[2])


def from_lab(lab: Sequence[float], icc: bytes | None) -> tuple[float, float, float]:
    """The inverse of ``to_lab``, in 0..1."""
    import imagecodecs

    target = icc if icc is not None else imagecodecs.cms_profile("srgb")
    found = np.clip(_transform(lab, imagecodecs.cms_profile("lab4"), target, "lab", "rgb"), 0, 1)
    return float(found[0]), float(found[1]), float(found[2])


def less_yellow(rgb: Sequence[float], icc: bytes | None) -> tuple[float, float, float] | None:
    """What a yellowed white may once have been, of the same lightness; None if it is not yellow.

    Raises:
        imagecodecs.CmsError: The profile cannot be used.
    """
    light, a, b = to_lab(rgb, icc)
    chroma, hue = math.hypot(a, b), math.degrees(math.atan2(b, a))
    if not _YELLOW[0] <= hue <= _YELLOW[1] or not AGED < chroma < _LIKE_WHITE:
        return None
    share = (AGED + (1 - TAKEN) * (chroma - AGED)) / chroma
    return from_lab((light, a * share, b * share), icc)


def _transform(
    values: Sequence[float], source: bytes, target: bytes, space: str, into: str
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    import imagecodecs

    pixel = np.array(values, np.float32).reshape(1, 1, 3)
    found = imagecodecs.cms_transform(
        pixel,
        source,
        target,
        colorspace=space,
        outcolorspace=into,
        outdtype="float32",
        intent=RELATIVE_COLORIMETRIC,
    )
    return np.asarray(found, np.float32).reshape(3)
