"""Ordinary picture files (JPEG, PNG) as pixels."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from heritage.errors import HeritageError

Picture = NDArray[np.uint8]
"""(H, W, 3)."""

# What Pillow raises about files that are damaged or are no pictures.
_FAULTS: Final = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    struct.error,
    Image.DecompressionBombError,
)


class PictureUnreadable(HeritageError):
    """A training picture that is damaged, or of a kind that cannot be read."""


def size_of(path: Path) -> tuple[int, int]:
    """Height and width of a picture file; its pixels are not decoded.

    Raises:
        PictureUnreadable: If it is none.
    """
    try:
        with Image.open(path) as image:
            _check(image, path)
            return image.height, image.width
    except _FAULTS as error:
        raise _unreadable(path, error) from error


def decode(path: Path) -> Picture:
    """A picture file as uint8 RGB (H, W, 3), values as they are encoded.

    Transparency is dropped, 16-bit greys keep their upper 8 bits, CMYK is converted by the plain
    formula.

    Raises:
        PictureUnreadable: If it is damaged, or of a kind that has no colours.
    """
    pixels = _decoded(path, "RGB")
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels


def decode_grey(path: Path) -> NDArray[np.uint8]:
    """A picture file as grey, uint8 (H, W).

    Raises:
        PictureUnreadable: If it is damaged, or holds floating-point values.
    """
    return _decoded(path, "L")


def _decoded(path: Path, mode: str) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            _check(image, path)
            if image.mode.startswith("I"):  # which Pillow would cut off at 255
                return (np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
            return np.array(image.convert(mode))  # a copy, which may be written to
    except _FAULTS as error:
        raise _unreadable(path, error) from error


def enlarged(pixels: NDArray[Any], smallest: int) -> NDArray[Any]:
    """Pixels (H, W, 3) whose shorter side has at least so many pixels, by cubic interpolation."""
    height, width = enlarged_size(pixels.shape[0], pixels.shape[1], smallest)
    if (height, width) == pixels.shape[:2]:
        return pixels
    larger = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_CUBIC)
    return larger if larger.dtype == np.uint8 else np.clip(larger, 0, 1)


def enlarged_size(height: int, width: int, smallest: int) -> tuple[int, int]:
    """Height and width after ``enlarged``."""
    side = min(height, width)
    if side >= smallest:
        return height, width
    scale = smallest / side
    return max(smallest, round(height * scale)), max(smallest, round(width * scale))


def levels(pixels: NDArray[Any]) -> Picture:
    """Pixels in 0..255, rounded, of uint8 or of float32 in 0..1."""
    if pixels.dtype == np.uint8:
        return pixels
    return np.rint(pixels * np.float32(255)).astype(np.uint8)


def _check(image: Image.Image, path: Path) -> None:
    if image.mode == "F":
        raise PictureUnreadable("holds floating-point values; save it as a TIFF master", path)


def _unreadable(path: Path, error: BaseException) -> PictureUnreadable:
    if isinstance(error, Image.DecompressionBombError):
        return PictureUnreadable("is too large to be decoded whole: save it as a tiled TIFF", path)
    said = str(error) or type(error).__name__
    return PictureUnreadable(f"cannot be read as a picture ({said})", path)
