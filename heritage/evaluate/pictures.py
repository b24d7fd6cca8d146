"""Reading the pictures and masks that a comparison is made of, and saying what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from heritage.errors import HeritageError, MaskRefused
from heritage.evaluate.metrics import Mask

Pixels = NDArray[np.uint8]

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
SMALLEST = 32  # pixels a side; smaller than that the feature network sees nothing
_WHITE = 127  # brighter than that is damage


class PictureRefused(HeritageError):
    """A picture that cannot be compared on."""


def read_picture(path: Path) -> Pixels:
    """A picture as (H, W, 3) of 8 bits.

    Raises:
        PictureRefused: If it is none, or too small.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB"):
                raise PictureRefused("has more than 8 bits; make an 8-bit copy to compare on", path)
            picture = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise PictureRefused(
            "cannot be read as a JPEG, PNG or TIFF of 8 bits; make such a copy", path
        ) from error
    if min(picture.shape[:2]) < SMALLEST:
        raise PictureRefused(f"is smaller than {SMALLEST} pixels a side; leave it out", path)
    return picture


def read_mask(path: Path) -> Mask:
    """A mask as (H, W), True where it is white.

    Raises:
        MaskRefused: If it cannot be read.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("L")) > _WHITE
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise MaskRefused("cannot be read as a PNG or TIFF of 8 bits", path) from error


def by_stem(folder: Path) -> dict[str, Path]:
    """Pictures in a folder by their names without suffix, sorted.

    Raises:
        PictureRefused: If it is no folder, or two pictures have one name.
    """
    if not folder.is_dir():
        raise PictureRefused("is no folder", folder)
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise PictureRefused(f"has the same name as {found[path.stem].name}; rename one", path)
        found[path.stem] = path
    return found
