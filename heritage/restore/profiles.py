"""CMYK and Lab to the working RGB and back, through LittleCMS.

The working RGB of such masters is ROMM RGB (ISO 22028-2, "ProPhoto", gamma 1.8, D50): it holds
every surface colour, so that a saturated ink next to a lacuna is not clipped on its way to the
network.
Everything here is 16 bit or float; nothing is ever rounded to 8 bits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray

LabEncoding = Literal["cielab", "icclab"]
Floats = NDArray[np.float32]
# Measured inks and pigments: what conservators compare is the colour itself, not a rendering of it.
RELATIVE_COLORIMETRIC = 1
D50 = [0.3457, 0.3585, 1.0]
ROMM_PRIMARIES = [0.7347, 0.2653, 1.0, 0.1596, 0.8404, 1.0, 0.0366, 0.0001, 1.0]


@lru_cache(maxsize=1)
def romm_rgb() -> bytes:
    """The ICC profile of the working RGB."""
    return bytes(
        imagecodecs.cms_profile("rgb", whitepoint=D50, primaries=ROMM_PRIMARIES, gamma=1.8)
    )


@lru_cache(maxsize=1)
def _lab() -> bytes:
    return bytes(imagecodecs.cms_profile("lab4"))


def usable_for_cmyk(icc: bytes | None) -> bool:
    """Whether a profile turns CMYK into colours and colours into CMYK."""
    if icc is None:
        return False
    try:
        rgb_to_cmyk(cmyk_to_rgb(np.zeros((1, 1, 4), np.float32), icc), icc)
    except (imagecodecs.CmsError, ValueError):
        return False
    return True


def cmyk_to_rgb(ink: Floats, icc: bytes) -> Floats:
    """Colours of ink amounts.

    Args:
        ink: (..., 4), 0 = no ink, 1 = full ink.
        icc: The master's CMYK profile.

    Returns:
        (..., 3) float32 in 0..1.
    """
    levels = np.rint(np.clip(ink, 0, 1) * np.float32(65535)).astype(np.uint16)
    return np.clip(_transform(levels, icc, romm_rgb(), "cmyk", "rgb", "float32"), 0, 1)


def rgb_to_cmyk(rgb: Floats, icc: bytes) -> Floats:
    """Ink amounts, 0..1, of colours, separated as the profile separates them."""
    ink = _transform(np.clip(rgb, 0, 1), romm_rgb(), icc, "rgb", "cmyk", "uint16")
    return ink.astype(np.float32) / np.float32(65535)


def plain_cmyk_to_rgb(ink: Floats) -> Floats:
    """Colours of ink amounts where no profile says more: each ink swallows its complement."""
    ink = np.clip(ink, 0, 1)
    return np.asarray((1 - ink[..., :3]) * (1 - ink[..., 3:4]), np.float32)


def plain_rgb_to_cmyk(rgb: Floats) -> Floats:
    """The inverse with full grey replacement: as much black as the darkest ink allows."""
    rgb = np.clip(rgb, 0, 1)
    white = rgb.max(axis=-1, keepdims=True)
    ink = 1 - rgb / np.where(white > 0, white, 1)
    return np.concatenate([np.where(white > 0, ink, 0), 1 - white], axis=-1).astype(np.float32)


def lab_to_rgb(lab: Floats) -> Floats:
    """Colours of L* (0..100), a*, b*: (..., 3) float32 in 0..1."""
    return np.clip(_transform(lab, _lab(), romm_rgb(), "lab", "rgb", "float32"), 0, 1)


def rgb_to_lab(rgb: Floats) -> Floats:
    """L* (0..100), a*, b* of colours."""
    return _transform(np.clip(rgb, 0, 1), romm_rgb(), _lab(), "rgb", "lab", "float32")


def decode_lab(stored: NDArray[np.generic], encoding: LabEncoding) -> Floats:
    """L*, a*, b* of integers as TIFF stores them.

    CIELab (photometric 8): L* unsigned over the full scale, a* and b* in two's complement, in units
    of 1 (8 bit) or 1/256 (16 bit; TIFF Technical Note 4). ICCLab (photometric 9): a* and b* offset
    by 128; in 16 bit L* = 100 is 0xFF00 (ICC.1:2001, table 26).
    """
    wide = stored.dtype.itemsize == 2
    unit = 256.0 if wide else 1.0
    unsigned = stored.view(np.uint16 if wide else np.uint8).astype(np.float64)
    scale = 65535.0 if wide else 255.0
    if encoding == "icclab":
        chroma = unsigned[..., 1:3] / unit - 128
        scale = 65280.0 if wide else 255.0
    else:
        signed = stored[..., 1:3].view(np.int16 if wide else np.int8)
        chroma = signed.astype(np.float64) / unit
    light = unsigned[..., :1] * (100 / scale)
    return np.concatenate([light, chroma], axis=-1).astype(np.float32)


def encode_lab(
    lab: Floats, encoding: LabEncoding, dtype: np.dtype[np.generic]
) -> NDArray[np.generic]:
    """Integers of L*, a*, b*; the inverse of ``decode_lab``."""
    wide = dtype.itemsize == 2
    unit, full = (256.0, 65535) if wide else (1.0, 255)
    scale = 65280.0 if wide and encoding == "icclab" else float(full)
    light = np.clip(np.rint(lab[..., :1].astype(np.float64) * (scale / 100)), 0, full)
    chroma = np.rint(lab[..., 1:3].astype(np.float64) * unit)
    half = int(128 * unit)
    chroma = np.clip(chroma, -half, half - 1)
    if encoding == "icclab":
        chroma = chroma + half
    levels = np.concatenate([light, chroma], axis=-1).astype(np.int64)
    return (levels & full).astype(np.uint16 if wide else np.uint8).view(dtype)


def _transform(
    pixels: NDArray[np.generic], profile: bytes, target: bytes, space: str, into: str, dtype: str
) -> Floats:
    """One LittleCMS transform of (..., n) pixels; it wants an image, so it gets one row."""
    flat = np.ascontiguousarray(pixels).reshape(1, -1, pixels.shape[-1])
    result = imagecodecs.cms_transform(
        flat,
        profile,
        target,
        colorspace=space,
        outcolorspace=into,
        outdtype=dtype,
        intent=RELATIVE_COLORIMETRIC,
    )
    return np.asarray(result).reshape(*pixels.shape[:-1], -1)
