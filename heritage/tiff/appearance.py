"""What the tags of a page say about its pixels, checked, as a ``MasterInfo``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
import tifffile

from heritage.errors import MasterRefused
from heritage.tiff.acceptance import accept
from heritage.tiff.codec import can_encode
from heritage.tiff.info import MasterInfo
from heritage.tiff.loss import is_lossy
from heritage.tiff.parsing import StructureReader
from heritage.tiff.structure import SUB_IFDS, Directory, Structure

USUAL_TYPES: Final = {
    **dict.fromkeys((256, 257, 278, 322, 323), (3, 4)),
    **dict.fromkeys((258, 259, 262, 266, 274, 277, 284, 296, 317, 320, 338, 339), (3,)),
    **dict.fromkeys((282, 283), (5,)),
    **dict.fromkeys((273, 279, 324, 325), (3, 4, 16)),
}
"""TIFF 6.0, section 8: the types that baseline tags may have (16 in BigTIFF)."""
UNITS: Final = {1: "none", 2: "inch", 3: "centimetre"}


def describe(
    structure: Structure,
    reader: StructureReader,
    directory: Directory,
    page: tifffile.TiffPage,
    index: int,
) -> MasterInfo:
    """What the page is.

    Args:
        structure: Of the file.
        reader: Reads tag values.
        directory: The page, as we read it.
        page: The same page, as tifffile reads it.
        index: Its number, from 0.

    Raises:
        MasterRefused: If it is of a kind that cannot be restored faithfully.
    """
    path = structure.path
    colour, colour_samples = accept(reader, directory, page)
    tiled = bool(page.is_tiled)
    planar = int(page.planarconfig) == 2 and page.samplesperpixel > 1
    height = page.tilelength if tiled else page.rowsperstrip
    photometric = int(page.photometric)
    subimages = sum(
        1 for one in structure.directories() for code, _ in one.children if code == SUB_IFDS
    )
    return MasterInfo(
        path=path,
        bytes=structure.bytes,
        page=index,
        pages=len(structure.pages),
        subimages=subimages,
        width=page.imagewidth,
        height=page.imagelength,
        samples=page.samplesperpixel,
        colour_samples=colour_samples,
        colour=colour,
        white_is_zero=photometric == 0,
        lab_encoding=_lab(photometric),
        dtype=np.dtype(page.dtype).newbyteorder("=").name,
        bits=int(page.bitspersample),
        palette=_palette(reader, directory, page) if colour == "palette" else None,
        photometric=tifffile.PHOTOMETRIC(photometric).name,
        compression=_compression_name(page),
        predictor=int(page.predictor),
        planar=planar,
        tiled=tiled,
        segment_height=int(height),
        segment_width=int(page.tilewidth if tiled else page.imagewidth),
        byteorder=structure.format.byteorder,
        bigtiff=structure.format.bigtiff,
        lossy=is_lossy(int(page.compression), b""),
        rewritable=can_encode(page),
        icc=_icc(reader, directory),
        orientation=_orientation(reader, directory),
        resolution=_resolution(reader, directory),
        segments=_segments(page, int(height), tiled, planar),
        notes=tuple(_notes(structure, directory, subimages)),
    )


def _lab(photometric: int) -> Literal["cielab", "icclab"] | None:
    return {8: "cielab", 9: "icclab"}.get(photometric)  # type: ignore[return-value]


def _compression_name(page: tifffile.TiffPage) -> str:
    try:
        return tifffile.COMPRESSION(int(page.compression)).name
    except ValueError:
        return str(int(page.compression))


def _palette(reader: StructureReader, directory: Directory, page: tifffile.TiffPage) -> bytes:
    tag, entries = directory.tags.get(320), 1 << int(page.bitspersample)
    if tag is None or tag.type != 3 or tag.count != 3 * entries:
        raise MasterRefused("its colour table is missing or of the wrong length", reader.path)
    return reader.values(tag).reshape(3, entries).T.astype("<u2").tobytes()


def _icc(reader: StructureReader, directory: Directory) -> bytes | None:
    tag = directory.tags.get(34675)
    return None if tag is None or not tag.size else reader.read(tag.value_at, tag.size)


def _orientation(reader: StructureReader, directory: Directory) -> int:
    tag = directory.tags.get(274)
    value = int(reader.values(tag)[0]) if tag is not None and tag.count == 1 else 1
    return value if 1 <= value <= 8 else 1


def _resolution(reader: StructureReader, directory: Directory) -> tuple[float, float, str] | None:
    numbers = []
    for code in (282, 283):
        tag = directory.tags.get(code)
        if tag is None or tag.type != 5 or tag.count != 1:
            return None
        raw = reader.read(tag.value_at, tag.size)
        top, bottom = np.frombuffer(raw, reader.format.order + "u4").tolist()
        numbers.append(top / bottom if bottom else 0.0)
    unit = directory.tags.get(296)
    code = int(reader.values(unit)[0]) if unit is not None and unit.count == 1 else 2
    return numbers[0], numbers[1], UNITS.get(code, "none")


def _segments(page: tifffile.TiffPage, height: int, tiled: bool, planar: bool) -> int:
    down = -(-page.imagelength // height)
    across = -(-page.imagewidth // page.tilewidth) if tiled else 1
    return int(down * across * (page.samplesperpixel if planar else 1))


def _notes(structure: Structure, directory: Directory, subimages: int) -> Iterator[str]:
    for code, kinds in USUAL_TYPES.items():
        if code in directory.tags and directory.tags[code].type not in kinds:
            name = tifffile.TIFF.TAGS.get(code, "")
            yield f"its tag {code} ({name}) is stored in an unusual way; some readers may ignore it"
    if subimages:
        yield f"of its {subimages} sub-images, smaller versions follow the picture where it changes"
    if len(structure.pages) > 1:
        yield f"its {len(structure.pages) - 1} other pages are kept, unless smaller versions of it"
