"""What guidelines for digitisation ask, item by item: what a file can prove, and what it cannot.

Everything that describes the imaging system (tone, colour, sharpness, geometry) is measured on a
picture of a test target. A finished file has none: such items are named, and not claimed.

Sources: Federal Agencies Digital Guidelines Initiative, Technical Guidelines for Digitizing
Cultural Heritage Materials, third edition, May 2023; H. van Dormolen, Metamorfoze Preservation
Imaging Guidelines, Image Quality, version 1.0, January 2012; ISO 19264-1:2021, Photography -
Archiving systems - Imaging systems quality analysis - Part 1: Reflective originals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any, Final

from PIL import ImageCms

from heritage.tiff import MasterInfo

FADGI: Final = "FADGI Technical Guidelines, 3rd edition (May 2023)"
METAMORFOZE: Final = "Metamorfoze Preservation Imaging Guidelines 1.0 (January 2012)"
ISO: Final = "ISO 19264-1:2021"
TARGET: Final = "needs a picture of a test target taken by the same system; not claimed"

NOT_CLAIMED: Final[dict[str, tuple[str, ...]]] = {
    FADGI: (
        "Tone Response (OECF)",
        "White Balance",
        "Lightness Uniformity",
        "Color Accuracy",
        "Color Channel Misregistration",
        "SFR10 (Sampling Efficiency)",
        "Reproduction Scale Accuracy",
        "Sharpening",
        "Noise",
    ),
    METAMORFOZE: (
        "Exposure",
        "Gain modulation",
        "White balance",
        "Noise",
        "Illumination",
        "Color accuracy",
        "Obtained sampling rate",
        "MTF and sampling efficiency",
        "Sharpening",
        "Color misregistration",
        "Geometric distortion",
    ),
    ISO: (
        "Tone reproduction (OECF)",
        "Gain modulation",
        "Dynamic range",
        "Noise",
        "Banding",
        "Defect pixels",
        "White balance",
        "Colour reproduction",
        "Colour misregistration",
        "Sampling rate",
        "Resolution",
        "MTF",
        "Sharpening",
        "Acutance",
        "Illuminance non-uniformity",
        "Chrominance non-uniformity",
        "Distortion",
        "Reproduction scale",
    ),
}
"""Items that only a target can show."""

# Names as profiles write them, letters and digits only.
FADGI_SPACES: Final = ("srgb", "adobergb1998", "prophoto", "ecirgbv2", "graygamma22")
METAMORFOZE_SPACES: Final = ("ecirgbv2", "adobergb1998")
PER_INCH: Final = {"inch": 1.0, "centimetre": 2.54}


@dataclass(frozen=True)
class Item:
    """One thing that is proven, not so, or not claimed.

    Args:
        standard: Who asks for it.
        item: What is asked.
        proven: True where the files prove it; False where they prove the contrary; None where
            nothing is claimed.
        measured: What was found, as JSON carries it.
        sentence: All this in words.
    """

    standard: str
    item: str
    proven: bool | None
    measured: Any
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """For ``quality.json``."""
        return asdict(self)


def claims(info: MasterInfo) -> Iterator[Item]:
    """What the guidelines ask, of a file.

    Args:
        info: The restored file, where it is unchanged from the master.
    """
    yield from _fadgi(info)
    yield from _metamorfoze(info)
    named = profile_name(info.icc)
    said = f"the colour encoding is told by an embedded ICC profile ({named})"
    yield _claim(
        ISO, "Colour encoding", named is not None, named, said, "no ICC profile is embedded"
    )
    for standard, items in NOT_CLAIMED.items():
        for item in items:
            yield Item(standard, item, None, None, f"{item}: {TARGET}")


def _fadgi(info: MasterInfo) -> Iterator[Item]:
    yield _claim(FADGI, "Master File Format", True, "TIFF", "the file is a TIFF", "")
    lossless = f"the pixels are stored without loss ({info.compression})"
    lossy = f"the compression ({info.compression}) loses detail, or may"
    yield _claim(FADGI, "File Compression", not info.lossy, info.compression, lossless, lossy)
    yield _depth(FADGI, "Bit Depth", info)
    yield _space(FADGI, "Color Space", info, FADGI_SPACES)
    yield _resolution(FADGI, "Resolution", info)


def _metamorfoze(info: MasterInfo) -> Iterator[Item]:
    plain = info.compression == "NONE"
    other = f"the file is a TIFF, compressed ({info.compression}); the guidelines ask for none"
    yield _claim(METAMORFOZE, "File format", plain, info.compression, "uncompressed TIFF", other)
    yield _depth(METAMORFOZE, "Bit depth", info)
    yield _space(METAMORFOZE, "Color space", info, METAMORFOZE_SPACES)
    yield _resolution(METAMORFOZE, "Claimed sampling rate", info)


def _claim(
    standard: str, item: str, holds: bool, measured: object, said: str, otherwise: str
) -> Item:
    if holds:
        return Item(standard, item, True, measured, said)
    return Item(standard, item, None, measured, f"{otherwise}; not claimed")


def _depth(standard: str, item: str, info: MasterInfo) -> Item:
    usual = info.bits in (8, 16) and info.dtype.startswith("uint")
    other = f"{info.bits} bits a sample ({info.dtype}) are not 8 or 16 bits"
    return _claim(standard, item, usual, info.bits, f"{info.bits} bits a sample", other)


def _space(standard: str, item: str, info: MasterInfo, spaces: tuple[str, ...]) -> Item:
    name = profile_name(info.icc)
    if name is None:
        return _claim(standard, item, False, None, "", "no ICC profile is embedded")
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    known = any(space in plain for space in spaces)
    said = f"the embedded ICC profile calls itself {name!r}"
    other = f"{said}, which is none of the colour spaces that are listed"
    return _claim(standard, item, known, name, said, other)


def _resolution(standard: str, item: str, info: MasterInfo) -> Item:
    scale = None if info.resolution is None else PER_INCH.get(info.resolution[2])
    if info.resolution is None or scale is None or not info.resolution[0]:
        return _claim(standard, item, False, None, "", "the tags state no pixels per inch")
    ppi = [round(value * scale, 2) for value in info.resolution[:2]]
    said = (
        f"the tags state {ppi[0]:g} x {ppi[1]:g} pixels per inch; what level that serves depends "
        "on the kind of object, and whether it is true only a target shows"
    )
    return Item(standard, item, True, ppi, said)


def profile_name(icc: bytes | None) -> str | None:
    """What an ICC profile calls itself; None where there is none that can be read."""
    if icc is None:
        return None
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(icc))).strip()
    except (OSError, ImageCms.PyCMSError):
        return None
