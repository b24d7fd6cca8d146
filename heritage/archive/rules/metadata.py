"""Checks of what a TIFF says beside its pixels: resolution, ICC profile, XMP, texts and date.

Source of the profile's header: ICC.1:2022, table 17.
"""

from __future__ import annotations

import re
import struct
from datetime import datetime
from typing import Final

from lxml import etree

from heritage.archive.rules.subject import Remark, Remarks, Subject
from heritage.archive.xml import parse
from heritage.tiff.structure import Directory, Tag

RESOLUTION, UNIT, DATE, XMP, ICC, TEXT_TYPE, RATIONAL = (282, 283), 296, 306, 700, 34675, 2, 5
UNITS: Final = {1: "none", 2: "inch", 3: "centimetre"}
PER_INCH: Final = {2: 1.0, 3: 2.54}
ICC_HEADER: Final = 128
ICC_COLOURS: Final = {
    0: b"GRAY", 1: b"GRAY", 2: b"RGB ", 3: b"RGB ", 5: b"CMYK", 6: b"RGB ", 8: b"Lab ", 9: b"Lab ",
}  # fmt: skip
XMP_BYTES: Final = 8 << 20
"""Larger packets are not looked into."""
TEXT_BYTES: Final = 1 << 20


def metadata(subject: Subject) -> Remarks:
    """All of these checks."""
    for directory in subject.pictures():
        yield from _resolution(subject, directory)
        yield from _icc(subject, directory)
        yield from _xmp(subject, directory)
        yield from _texts(subject, directory)


def _resolution(subject: Subject, directory: Directory) -> Remarks:
    rules, stated = subject.rules, dict[int, tuple[int, int]]()
    unit = subject.first(directory, UNIT, 2)
    if unit is not None and UNITS.get(unit) not in rules.units:
        yield Remark(
            "resolution", f"is {UNITS.get(unit, unit)}, which is not allowed", directory, UNIT
        )
    for code in RESOLUTION:
        tag = directory.tags.get(code)
        if tag is None or tag.type != RATIONAL or tag.count != 1:
            continue
        top, bottom = struct.unpack(subject.structure.format.order + "II", subject.raw(tag))
        if not top or not bottom:
            yield Remark("resolution", f"is {top}/{bottom}: no resolution", directory, code)
            continue
        stated[code] = top, bottom
    if len(stated) == 2 and rules.square_pixels:
        (top, bottom), (down, under) = (stated[code] for code in RESOLUTION)
        if top * under != down * bottom:
            words = f"pixels are not square: {top / bottom:g} by {down / under:g} in a unit"
            yield Remark("square_pixels", words, directory)
    if rules.least_ppi is not None and subject.full_size(directory):
        scale = PER_INCH.get(unit or 0)
        found = min((top / bottom * scale for top, bottom in stated.values() if scale), default=0.0)
        if found < rules.least_ppi:
            said = f"states {found:g} pixels per inch" if found else "states no pixels per inch"
            yield Remark("resolution", f"{said}, needed are {rules.least_ppi:g}", directory)


def _icc(subject: Subject, directory: Directory) -> Remarks:
    tag = directory.tags.get(ICC)
    if tag is None or not tag.size:
        return
    header = subject.reader.read(tag.value_at, min(tag.size, ICC_HEADER))
    if len(header) < ICC_HEADER or header[36:40] != b"acsp":
        yield Remark("icc_profile", "holds no ICC profile", directory, ICC, tag.value_at)
        return
    size = int.from_bytes(header[:4], "big")
    # Writers fill up to a multiple of four.
    if not size <= tag.size < size + 4:
        words = f"holds {tag.size} bytes, its profile says {size}"
        yield Remark("icc_profile", words, directory, ICC, tag.value_at)
        return
    wanted = ICC_COLOURS.get(-1 if (kind := subject.first(directory, 262)) is None else kind)
    found = header[16:20]
    if wanted is not None and found != wanted:
        said, needed = (text.decode("latin-1").strip() for text in (found, wanted))
        words = f"is a profile for {said}, the picture needs one for {needed}"
        yield Remark("icc_colour", words, directory, ICC, tag.value_at)


def _xmp(subject: Subject, directory: Directory) -> Remarks:
    tag = directory.tags.get(XMP)
    if tag is None or not 0 < tag.size <= XMP_BYTES:
        return
    raw = subject.raw(tag).rstrip(b"\0")
    if b"<!DOCTYPE" in raw:
        yield Remark("xmp", "declares a document type", directory, XMP, tag.value_at)
        return
    try:
        parse(raw)
    except (etree.XMLSyntaxError, ValueError) as error:
        words = f"is no well-formed XML ({str(error).splitlines()[0][:120]})"
        yield Remark("xmp", words, directory, XMP, tag.value_at)


def _texts(subject: Subject, directory: Directory) -> Remarks:
    for code, tag in directory.tags.items():
        if tag.type != TEXT_TYPE or not 0 < tag.size <= TEXT_BYTES:
            continue
        raw = subject.raw(tag)
        if not raw.isascii():
            words = "holds characters that are not 7-bit ASCII"
            yield Remark("text", words, directory, code, tag.value_at)
        elif raw[-1]:
            yield Remark("text", "does not end with a NUL byte", directory, code, tag.value_at)
        if code == DATE and not _is_date(raw, tag):
            words = f"is {raw.rstrip(bytes(1))[:40]!r}, not 'YYYY:MM:DD HH:MM:SS'"
            yield Remark("date", words.replace("b'", "'"), directory, code, tag.value_at)


def _is_date(raw: bytes, tag: Tag) -> bool:
    # Another length is told of the tag's number of values.
    if tag.count != 20:
        return True
    text = raw[:19]
    if not re.fullmatch(rb"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", text):
        return False
    try:
        datetime.strptime(text.decode("ascii"), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return False
    return True
