"""From a master's amounts to sRGB for a screen, through its embedded profile."""

from __future__ import annotations

from io import BytesIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from heritage.restore.profiles import RELATIVE_COLORIMETRIC
from heritage.review.pictures.areas import Samples
from heritage.review.pictures.samples import LAB_UNIT, SampleForm
from heritage.review.pictures.view import Levels

Bytes = NDArray[np.uint8]

_SPACES = {"grey": ("GRAY", "L"), "rgb": ("RGB", "RGB"), "cmyk": ("CMYK", "CMYK")}
_MODES = {"palette": "rgb"}


class Display:
    """Shows one master's amounts on an sRGB screen. Thread-safe.

    Colours are matched relative to the white of the paper, as they were measured: that is what
    conservators compare. RGB and grey without a profile are taken as sRGB, and CMYK by the plain
    formula R = (1 - C)(1 - K), as everywhere else in this system.

    Args:
        form: Of the amounts.
    """

    def __init__(self, form: SampleForm) -> None:
        self._form = form
        self._colour = _MODES.get(form.info.colour, form.info.colour)
        self._transform = _transform(form.info.icc, self._colour)
        self._greys: Bytes | None = None
        if self._transform is not None and self._colour == "grey":
            self._greys = _through(self._transform, "L", np.arange(256, dtype=np.uint8)[None, :])[0]

    def rgb(self, amounts: Samples, levels: Levels | None = None) -> Bytes:
        """Colours of amounts.

        Args:
            amounts: (h, w, channels), as ``SampleForm.of`` gives them.
            levels: Which tones are stretched; None for all of them.

        Returns:
            (h, w, 3) uint8, sRGB.
        """
        table = (levels or Levels()).table(self._form.full)
        if self._colour == "lab":
            return _lab(amounts, table, self._form.full)
        if self._colour == "cmyk":
            # Less ink is lighter.
            small = 255 - table[self._form.full - amounts]
        else:
            small = amounts if levels is None and self._form.full == 255 else table[amounts]
        if self._transform is None:
            return _plain(small)
        if self._greys is not None:
            greys: Bytes = self._greys[small[..., 0]]
            return greys
        return _through(self._transform, _SPACES[self._colour][1], small)


def _through(transform: ImageCms.ImageCmsTransform, mode: str, pixels: Bytes) -> Bytes:
    image = Image.frombytes(mode, (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    shown = ImageCms.applyTransform(image, transform)
    assert shown is not None
    return np.asarray(shown)


def _plain(small: Bytes) -> Bytes:
    """Of samples that no profile explains."""
    if small.shape[2] == 1:
        return np.repeat(small, 3, axis=2)
    if small.shape[2] == 3:
        return small
    light = 255 - small.astype(np.uint16)
    return ((light[..., :3] * light[..., 3:] + 127) // 255).astype(np.uint8)


def _lab(amounts: Samples, table: Bytes, full: int) -> Bytes:
    """Of Lab, in 16 bits all the way: 8 would show steps in a smooth ground."""
    exact = amounts.astype(np.uint32)
    if full == 255:
        exact *= 257
    else:  # from LAB_UNIT steps a unit to the 257 of ICC.1:2010, table 12
        exact[..., 1:] = (exact[..., 1:] * 257 + 128) // LAB_UNIT
    if not np.array_equal(table, Levels().table(full)):
        exact[..., 0] = table[amounts[..., 0]].astype(np.uint32) * 257
    shown = imagecodecs.cms_transform(
        np.minimum(exact, 65535).astype(np.uint16),
        imagecodecs.cms_profile("lab4"),
        imagecodecs.cms_profile("srgb"),
        colorspace="lab",
        outcolorspace="rgb",
        outdtype="uint8",
        intent=RELATIVE_COLORIMETRIC,
    )
    return np.asarray(shown)


def _transform(icc: bytes | None, colour: str) -> ImageCms.ImageCmsTransform | None:
    """Through a profile; None where there is none, or none for this kind of samples."""
    if icc is None or colour not in _SPACES:
        return None
    space, mode = _SPACES[colour]
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        if profile.profile.xcolor_space.strip() != space:
            return None
        screen = ImageCms.createProfile("sRGB")
        intent = ImageCms.Intent(RELATIVE_COLORIMETRIC)
        # Of 256 greys a table is made; all else is interpolated, as finely as can be.
        grey = colour == "grey"
        flags = ImageCms.Flags.NOOPTIMIZE if grey else ImageCms.Flags.HIGHRESPRECALC
        return ImageCms.buildTransform(profile, screen, mode, "RGB", intent, flags)
    except (ImageCms.PyCMSError, OSError):
        return None
