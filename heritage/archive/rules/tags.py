"""Checks of which tags there are, and of their types and numbers of values.

Source of types and counts: TIFF Revision 6.0, appendix A; Adobe's technical notes of 1995 (tag 330)
and 2002; the ICC specification, annex B (tag 34675); the XMP specification, part 3 (tag 700).
"""

from __future__ import annotations

from typing import Final, Literal

from tifffile import DATATYPE

from heritage.archive.rules.fields import COLOURS, COMPRESSIONS, tag_name
from heritage.archive.rules.subject import Remark, Remarks, Subject
from heritage.tiff.structure import SUB_IFDS, Directory

PRIVATE: Final = 32768
"""Tags from here on belong to whoever has asked for them (TIFF 6.0, section 8)."""

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, IFD, LONG8, IFD8 = 1, 2, 3, 4, 5, 7, 13, 16, 18
SIZE, PLACE = (SHORT, LONG), (LONG, IFD)
Count = int | Literal["samples", "any"]

DEFINED: Final[dict[int, tuple[tuple[int, ...], Count]]] = {
    254: ((LONG,), 1),
    **dict.fromkeys((255, 259, 262, 263, 264, 265, 266, 274), ((SHORT,), 1)),
    **dict.fromkeys((256, 257, 278, 322, 323), (SIZE, 1)),
    **dict.fromkeys((258, 280, 281, 339), ((SHORT,), "samples")),
    **dict.fromkeys((269, 270, 271, 272, 285, 305, 315, 316, 333, 337, 33432), ((ASCII,), "any")),
    **dict.fromkeys((273, 279, 325), (SIZE, "any")),
    324: ((LONG,), "any"),
    **dict.fromkeys((277, 284, 290, 296, 317, 332, 334, 531), ((SHORT,), 1)),
    **dict.fromkeys((282, 283, 286, 287), ((RATIONAL,), 1)),
    **dict.fromkeys((288, 289, 292, 293), ((LONG,), "any")),
    **dict.fromkeys((297, 321, 530), ((SHORT,), 2)),
    **dict.fromkeys((291, 301, 320, 338, 342), ((SHORT,), "any")),
    306: ((ASCII,), 20),
    318: ((RATIONAL,), 2),
    319: ((RATIONAL,), 6),
    330: (PLACE, "any"),
    336: ((BYTE, SHORT), "any"),
    529: ((RATIONAL,), 3),
    532: ((RATIONAL,), 6),
    700: ((BYTE, UNDEFINED), "any"),
    # IPTC: defined as bytes, written as LONG by Adobe's programs for decades; readers take both.
    33723: ((BYTE, LONG, UNDEFINED), "any"),
    34377: ((BYTE, UNDEFINED), "any"),
    34665: (PLACE, 1),
    34675: ((UNDEFINED,), "any"),
    34853: (PLACE, 1),
}


TILES, JPEG_TAGS, YCBCR_TAGS = range(322, 326), (347, *range(512, 522)), range(529, 533)
STRIPS: Final = (273, 278, 279)


def tags(subject: Subject) -> Remarks:
    """All of these checks."""
    for directory in subject.pictures():
        yield from _types(subject, directory)
        yield from _unwanted(subject, directory)
        if subject.full_size(directory):
            yield from _wanted(subject, directory)


def _types(subject: Subject, directory: Directory) -> Remarks:
    big = subject.structure.format.bigtiff
    for code, tag in directory.tags.items():
        if code not in DEFINED:
            continue
        kinds, count = DEFINED[code]
        if big:
            kinds += (LONG8,) * (LONG in kinds) + (IFD8,) * (IFD in kinds)
        if tag.type not in kinds:
            names = " or ".join(DATATYPE(kind).name for kind in kinds)
            words = f"is of type {DATATYPE(tag.type).name} instead of {names}"
            yield Remark("tag_types", words, directory, code)
            continue
        wanted = subject.samples(directory) if count == "samples" else count
        if tag.count == 0 or (isinstance(wanted, int) and tag.count != wanted):
            least = "at least 1" if wanted == "any" else str(wanted)
            words = f"has {tag.count} values instead of {least}"
            yield Remark("tag_types", words, directory, code)


def _wanted(subject: Subject, directory: Directory) -> Remarks:
    rules, told = subject.rules, _told_already(subject, directory)
    for code in rules.required_tags:
        if code not in directory.tags and code not in told:
            yield Remark("required_tags", f"{tag_name(code)} is missing", directory, None)
    for code in rules.recommended_tags:
        if code not in directory.tags:
            yield Remark("recommended_tags", f"{tag_name(code)} is missing", directory, None)


def _told_already(subject: Subject, directory: Directory) -> frozenset[int]:
    """Tags that are there, or missing, because of something that another rule tells of."""
    rules, told = subject.rules, set[int]()
    if "tiles" not in rules.layouts and 324 in directory.tags:
        told |= {*TILES, *STRIPS}
    if "ycbcr" not in rules.colours and subject.first(directory, 262) == COLOURS["ycbcr"]:
        told |= {*YCBCR_TAGS}
    for name in ("jpeg", "old-jpeg"):
        same = subject.first(directory, 259, 1) == COMPRESSIONS[name]
        told |= {*JPEG_TAGS} if same and name not in rules.compressions else set()
    if not rules.extra_samples:
        told.add(338)
    if not rules.sub_images:
        told.add(SUB_IFDS)
    return frozenset(told)


def _unwanted(subject: Subject, directory: Directory) -> Remarks:
    rules, told = subject.rules, _told_already(subject, directory)
    for code in sorted(directory.tags.keys() - told):
        if code in rules.forbidden_tags:
            yield Remark("allowed_tags", "is forbidden", directory, code)
        elif code in rules.named_tags:
            if code in rules.discouraged_tags:
                yield Remark("discouraged", "is better avoided", directory, code)
        elif code >= PRIVATE and not rules.private_tags:
            yield Remark("private_tags", "is a private tag that is not allowed", directory, code)
        elif code < PRIVATE and rules.allowed_tags is not None:
            yield Remark("allowed_tags", "is not among the allowed tags", directory, code)
