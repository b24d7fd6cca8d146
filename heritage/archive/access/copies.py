"""Copies of a signed picture that are made to be looked at: a pyramid, and a JPEG for anybody.

Both are 8-bit sRGB, upright, and say in themselves what they are. The archival picture stays the
signed TIFF: access copies are lossy, and can be made anew from it at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio.shutil
from PIL import Image

from heritage.archive.access.caption import SMALLEST, captioned, font_for
from heritage.archive.access.flat import Flat, fitting_mask, flattened
from heritage.archive.access.rasters import BLOCK, Bytes, pieces, resized, srgb
from heritage.archive.dossier import Dossier
from heritage.errors import BadSetting
from heritage.restore.storage import storage, sync, sync_folder, write_atomically
from heritage.review.iiif.request import largest
from heritage.review.pictures.areas import shown
from heritage.review.pictures.frames import Frame
from heritage.review.pictures.marks import hatched

JPEG_SIDE: Final = 65_500
"""Longest side of a JPEG that libjpeg writes."""
PACKET: Final = 65_000
"""Bytes of XMP that fit into one segment of a JPEG (XMP specification, part 3, 1.1.3.1)."""
IMAGE_DESCRIPTION: Final = 0x010E


@dataclass(frozen=True)
class AccessOptions:
    """How access copies look.

    Args:
        caption: Whether a band below the JPEG says what it is, for all to read.
        tratteggio: Whether the fills are hatched by fine vertical lines, so that they are
            recognised from near and not seen from afar (Brandi, "Teoria del restauro", 1963).
        quality: Of JPEG compression, 1 to 100.
        longest: Longest side of the JPEG, without the band, in pixels.

    Raises:
        BadSetting: If a number is out of range.
    """

    caption: bool = False
    tratteggio: bool = False
    quality: int = 90
    longest: int = 4096

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise BadSetting(f"the quality of access copies is {self.quality}, not 1 to 100")
        if not 1 <= self.longest <= JPEG_SIDE:
            words = f"the longest side of access copies is {self.longest}"
            raise BadSetting(f"{words} pixels, not 1 to {JPEG_SIDE}")


def write_cog(
    source: Path,
    target: Path,
    dossier: Dossier,
    mask: Path,
    page: int = 0,
    options: AccessOptions | None = None,
    xmp: bytes | None = None,
) -> None:
    """A pyramidal TIFF for viewers, laid out as a Cloud Optimized GeoTIFF without a place on earth.

    Tiles of 512 pixels, JPEG in YCbCr, smaller versions by means; the directories come first, so
    that a viewer finds any tile after one short read, over HTTP as on a disk. GDAL keeps colour
    differences at half resolution here; the JPEG and IIIF tiles keep them whole.

    Args:
        source: The signed picture; only read.
        target: The file to make; what is there under this name is replaced.
        dossier: Says what the picture is.
        mask: Which pixels a machine filled, of the source's size.
        page: Which page of the source, from 0.
        options: How it looks; there is no caption in a pyramid.
        xmp: A packet to be embedded.

    Raises:
        MasterRefused: If the source cannot be read faithfully.
        MaskRefused: If fills are to be hatched and the mask is not of its size.
        StorageFailed: If a file cannot be read, or the disk does not take it.
    """
    options = options or AccessOptions()
    hatch = mask if options.tratteggio else None
    tags = {"TIFFTAG_IMAGEDESCRIPTION": _description(dossier, options)}
    with flattened(source, page, target.parent, hatch, tags) as flat, storage(target.parent):
        if xmp is not None:
            with rasterio.open(flat.path, "r+") as file:
                file.update_tags(ns="xml:XMP", **{"xml:XMP": xmp.decode()})
        made = flat.path.with_name("cog.tif")
        rasterio.shutil.copy(
            flat.path, made, driver="COG", compress="JPEG", quality=options.quality,
            overview_quality=options.quality, blocksize=BLOCK, bigtiff="IF_SAFER",
            overviews="IGNORE_EXISTING", overview_resampling="AVERAGE",
        )  # fmt: skip
        sync(made)
        made.replace(target)
        sync_folder(target.parent)


def write_jpeg(
    source: Path,
    target: Path,
    dossier: Dossier,
    mask: Path,
    page: int = 0,
    options: AccessOptions | None = None,
    xmp: bytes | None = None,
) -> None:
    """A picture that any program opens.

    Args:
        source: The signed picture; only read.
        target: The file to make; what is there under this name is replaced.
        dossier: Says what the picture is.
        mask: Which pixels a machine filled, of the source's size.
        page: Which page of the source, from 0.
        options: How it looks.
        xmp: A packet to be embedded, at most ``PACKET`` bytes.

    Raises:
        BadSetting: If the caption has letters that no font has, or the packet is too long.
        MasterRefused: If the source cannot be read faithfully.
        MaskRefused: If fills are to be hatched and the mask is not of its size.
        StorageFailed: If a file cannot be read, or the disk does not take it.
    """
    options = options or AccessOptions()
    if xmp is not None and len(xmp) > PACKET:
        raise BadSetting(f"XMP of {len(xmp)} bytes does not fit into a JPEG, {PACKET} do", target)
    if options.caption:
        font_for(_words(dossier, options), SMALLEST)  # before hours of work, not after
    with flattened(source, page, target.parent) as flat:
        wide, high = largest(flat.width, flat.height, options.longest)
        picture = resized(flat.dataset, high, wide)
        if options.tratteggio:
            _hatch(picture, flat, mask)
        more = _density(flat, wide / flat.width)
    if options.caption:
        picture = captioned(picture, _words(dossier, options))
    if xmp is not None:
        more["xmp"] = xmp
    more["exif"] = _exif(_description(dossier, options))
    data = encoded(picture, options.quality, more)
    with storage(target.parent):
        write_atomically(target, data)


def encoded(pixels: Bytes, quality: int, more: Mapping[str, Any] | None = None) -> bytes:
    """A JPEG of (h, w, 3) sRGB that says so; colours are kept at full resolution.

    Args:
        pixels: The picture.
        quality: 1 to 100.
        more: What Pillow takes besides, such as ``exif`` and ``xmp``.
    """
    stream = BytesIO()
    # Never optimized: for that libjpeg needs the whole file in a buffer whose size Pillow guesses,
    # and guesses too small for pictures full of grain.
    Image.fromarray(pixels).save(
        stream, "JPEG", quality=quality, subsampling=0, icc_profile=srgb(), **(more or {})
    )
    return stream.getvalue()


def _words(dossier: Dossier, options: AccessOptions) -> str:
    """What the picture is, for the caption."""
    if not options.tratteggio:
        return dossier.statement
    return f"{dossier.statement} The filled places are hatched by fine vertical lines."


def _description(dossier: Dossier, options: AccessOptions) -> str:
    """What the file is, inside of it."""
    return f"{_words(dossier, options)} This file is a compressed copy for viewing."


def _hatch(picture: Bytes, flat: Flat, path: Path) -> None:
    """Lines as fine as the copy's own pixels allow, however much smaller it is."""
    height, width = picture.shape[:2]
    with closing(fitting_mask(path, flat.info)) as mask:
        for screen, piece in pieces(flat.height, flat.width, height, width):
            box = piece.box(flat.height, flat.width)
            stored = flat.upright.stored(box)
            if not mask.any(stored):
                continue
            there = flat.upright.turned(mask.read(stored))[..., None].astype(np.float32)
            filled = shown(there, piece.shifted(box.y0, box.x0))[..., 0]
            frame = Frame.of(screen, screen.height, screen.width)
            picture[screen.slices] = hatched(picture[screen.slices], filled, frame)


def _exif(description: str) -> bytes:
    exif = Image.Exif()
    exif[IMAGE_DESCRIPTION] = description.encode()
    return exif.tobytes()


def _density(flat: Flat, scale: float) -> dict[str, Any]:
    """The original's scale on the copy, as whole as a JPEG can say it."""
    found = tuple(round(one * scale) for one in flat.per_inch or ())
    return {"dpi": found} if found and all(1 <= one <= 65535 for one in found) else {}
