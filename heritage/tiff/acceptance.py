"""What a page must be to be restored faithfully; all else is refused, with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import tifffile

from heritage.errors import MasterRefused
from heritage.tiff.codec import JPEG, PREDICTABLE, WHOLE_BYTES
from heritage.tiff.info import Colour
from heritage.tiff.parsing import StructureReader
from heritage.tiff.structure import Directory

COLOURS: Final[dict[int, tuple[Colour, int]]] = {
    0: ("grey", 1), 1: ("grey", 1), 2: ("rgb", 3), 3: ("palette", 1), 5: ("cmyk", 4),
    6: ("rgb", 3), 8: ("lab", 3), 9: ("lab", 3),
}  # fmt: skip
DEPTHS: Final = frozenset({*range(1, 17), 32, 64})
YCBCR: Final = 6
MICROSCOPY: Final = ("is_lsm", "is_stk", "is_ndpi", "is_eer", "is_vista", "is_philips")


def accept(
    reader: StructureReader, directory: Directory, page: tifffile.TiffPage
) -> tuple[Colour, int]:
    """Check that a page can be restored faithfully.

    Args:
        reader: Reads tag values.
        directory: The page, as we read it.
        page: The same page, as tifffile reads it.

    Returns:
        What its samples mean, and how many of them are colour.

    Raises:
        MasterRefused: If it cannot.
    """
    path = reader.path
    _agree(reader, directory, page)
    _sizes(page, path)
    colour, samples = _colour(page, path)
    _samples(reader, directory, page, path)
    _predictor(page, path)
    return colour, samples


def _agree(reader: StructureReader, directory: Directory, page: tifffile.TiffPage) -> None:
    """What we read of a tag and what tifffile makes of it must be the same."""
    expected = {
        256: page.imagewidth, 257: page.imagelength, 259: int(page.compression),
        262: int(page.photometric), 266: int(page.fillorder), 277: page.samplesperpixel,
        284: int(page.planarconfig), 317: int(page.predictor),
    }  # fmt: skip
    ojpeg = int(page.compression) == 6
    for code, theirs in expected.items():
        tag = directory.tags.get(code)
        # Old-style JPEG files say RGB and mean YCbCr; every reader knows.
        if tag is None or (ojpeg and code == 262):
            continue
        if tag.count != 1 or int(reader.values(tag)[0]) != theirs:
            raise MasterRefused(
                f"readers disagree about its tag {code}; the file is damaged", reader.path
            )


def _sizes(page: tifffile.TiffPage, path: Path) -> None:
    if not (page.imagewidth > 0 and page.imagelength > 0 and page.samplesperpixel > 0):
        raise MasterRefused("it says that its picture has no pixels", path)
    if page.imagewidth >= 2**31 or page.imagelength >= 2**31:
        raise MasterRefused("it claims an impossible size; the file is damaged", path)
    if page.imagedepth != 1 or page.tiledepth != 1:
        raise MasterRefused("it is a volume (ImageDepth), not a picture", path)
    if page.is_tiled and not (page.tilewidth > 0 and page.tilelength > 0):
        raise MasterRefused("it says that its tiles have no pixels", path)
    if not page.is_tiled and page.rowsperstrip <= 0:
        raise MasterRefused("it says that its strips have no rows", path)
    if int(page.planarconfig) not in (1, 2) or int(page.fillorder) not in (1, 2):
        raise MasterRefused("its planar configuration or bit order is unknown", path)
    if any(getattr(page, flag) for flag in MICROSCOPY):
        raise MasterRefused("it is a microscope's own kind of TIFF; export it as a plain one", path)


def _colour(page: tifffile.TiffPage, path: Path) -> tuple[Colour, int]:
    photometric = int(page.photometric)
    if photometric not in COLOURS:
        try:
            name = tifffile.PHOTOMETRIC(photometric).name
        except ValueError:
            name = str(photometric)
        raise MasterRefused(
            f"its colour interpretation ({name}) is not supported; save it as "
            "grey, RGB, CMYK or Lab",
            path,
        )
    colour, samples = COLOURS[photometric]
    if photometric == YCBCR and (int(page.compression) not in JPEG or page.planarconfig == 2):
        raise MasterRefused("YCbCr is supported with JPEG compression only; save it as RGB", path)
    if page.samplesperpixel < samples:
        raise MasterRefused(
            f"{colour} needs {samples} samples per pixel, it has {page.samplesperpixel}", path
        )
    extra = len(page.extrasamples)
    if extra > page.samplesperpixel - samples:
        raise MasterRefused(
            f"it lists {extra} extra samples but has room for "
            f"{page.samplesperpixel - samples}; the file is damaged",
            path,
        )
    inks = int(page.tags.valueof(334, samples))
    if photometric == 5 and (
        int(page.tags.valueof(332, 1)) != 1 or inks != 4 or page.samplesperpixel - extra > 4
    ):
        raise MasterRefused("its inks are not cyan, magenta, yellow and black", path)
    return colour, samples


def _samples(
    reader: StructureReader, directory: Directory, page: tifffile.TiffPage, path: Path
) -> None:
    depth = directory.tags.get(258)
    if depth is not None and depth.count not in (1, page.samplesperpixel):
        raise MasterRefused("it does not say how deep each of its samples is", path)
    if depth is not None and len(set(reader.values(depth).tolist())) > 1:
        raise MasterRefused("its samples have different bit depths", path)
    kinds = directory.tags.get(339)
    if kinds is not None and len(set(reader.values(kinds).tolist())) > 1:
        raise MasterRefused("its samples are of different kinds", path)
    bits = page.bitspersample
    if page.dtype is None or not isinstance(bits, int) or bits not in DEPTHS:
        raise MasterRefused(
            f"samples of {bits} bits, format {page.sampleformat}, are not supported", path
        )
    if np.dtype(page.dtype).kind not in "buif":
        raise MasterRefused("its samples are complex numbers", path)
    if int(page.photometric) == 3 and (np.dtype(page.dtype).kind not in "bu" or bits > 16):
        raise MasterRefused("palette colour needs whole numbers of at most 16 bits", path)


def _predictor(page: tifffile.TiffPage, path: Path) -> None:
    predictor, compression = int(page.predictor), int(page.compression)
    if predictor == 1 or compression in tifffile.TIFF.IMAGE_COMPRESSIONS:
        return
    floating = np.dtype(page.dtype).kind == "f"
    fits = compression in PREDICTABLE and int(page.bitspersample) in WHOLE_BYTES
    if predictor not in (2, 3) or not fits or (predictor == 3 and not floating):
        raise MasterRefused(
            f"predictor {predictor} does not go with its compression or samples; "
            "readers would see different pixels",
            path,
        )
