"""Checks of a TIFF's bones: order of entries, places, and who lies over whom.

Source: TIFF Revision 6.0 (Adobe, 1992), section 2 (ascending entries, word boundaries) and section
7 (no duplicate pointers).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heritage.archive.rules.fields import tag_name
from heritage.archive.rules.subject import MOST_VALUES, Remark, Remarks, Subject
from heritage.tiff.space import block_sizes
from heritage.tiff.structure import DATA_TAGS, INTEGER_TYPES, SUB_IFDS, Directory

Ints = NDArray[np.int64]


class Claim(NamedTuple):
    """Bytes of the file that somebody points to."""

    starts: Ints
    sizes: Ints
    name: str
    directory: Directory | None
    tag: int | None


def skeleton(subject: Subject) -> Remarks:
    """All of these checks."""
    yield from _format(subject)
    yield from _pages(subject)
    for directory in _directories(subject):
        yield from _entries(directory)
        yield from _places(directory)
    yield from _repeated(subject)
    yield from _overlaps([*_claims(subject)])


def _directories(subject: Subject) -> Iterator[Directory]:
    """Every directory once, wherever it is pointed to from."""
    seen = set[int]()
    for one in subject.structure.directories():
        if one.at not in seen:
            seen.add(one.at)
            yield one


def _format(subject: Subject) -> Remarks:
    form, rules = subject.structure.format, subject.rules
    if form.byteorder not in rules.byte_orders:
        yield Remark("format", f"the file is {form.byteorder}-endian", offset=0)
    if form.bigtiff and not rules.bigtiff:
        yield Remark("format", "the file is BigTIFF, which not every reader opens", offset=2)


def _pages(subject: Subject) -> Remarks:
    pages, most = subject.structure.pages, subject.rules.most_pages
    if most is not None and len(pages) > most:
        at = pages[most].at
        yield Remark("pages", f"the file has {len(pages)} pages, more than {most}", offset=at)
    if subject.rules.sub_images:
        return
    for page in pages:
        count = sum(code == SUB_IFDS for code, _ in page.children)
        if count or SUB_IFDS in page.tags:
            yield Remark("pages", "points to sub-images", page, SUB_IFDS)


def _entries(directory: Directory) -> Remarks:
    codes = [*directory.tags]
    for before, after in pairwise(codes):
        if after < before:
            yield Remark(
                "entry_order", f"stands after tag {before}; entries must ascend", directory, after
            )
            return


def _places(directory: Directory) -> Remarks:
    if directory.at % 2:
        yield Remark(
            "even_offsets", f"the directory begins at the odd byte {directory.at}", directory
        )
    odd = [tag for tag in directory.tags.values() if not tag.inline and tag.value_at % 2]
    if odd:
        more = f", and those of {len(odd) - 1} others" if len(odd) > 1 else ""
        words = f"has a value at the odd byte {odd[0].value_at}{more}"
        yield Remark("even_offsets", words, directory, odd[0].code, odd[0].value_at)


def _repeated(subject: Subject) -> Remarks:
    known: dict[int, Directory] = {}
    for one in subject.structure.directories():
        other = known.setdefault(one.at, one)
        if other is not one:
            yield Remark("shared_data", f"is the same directory as {other.name}", one)


def _claims(subject: Subject) -> Iterator[Claim]:
    header = 16 if subject.structure.format.bigtiff else 8
    yield _one(0, header, "the header", None, None)
    for directory in _directories(subject):
        yield _one(directory.at, directory.size, "the directory itself", directory, None)
        for tag in directory.tags.values():
            if not tag.inline:
                name = f"the value of {tag_name(tag.code)}"
                yield _one(tag.value_at, tag.size, name, directory, tag.code)
        yield from _data(subject, directory)


def _one(at: int, size: int, name: str, directory: Directory | None, tag: int | None) -> Claim:
    return Claim(np.array([at], np.int64), np.array([size], np.int64), name, directory, tag)


def _data(subject: Subject, directory: Directory) -> Iterator[Claim]:
    tags, end = directory.tags, subject.structure.bytes
    for where, length in DATA_TAGS:
        if where not in tags or length not in tags or tags[where].count != tags[length].count:
            continue
        usable = {tags[where].type, tags[length].type} <= INTEGER_TYPES
        if not usable or tags[where].count > MOST_VALUES:
            continue
        starts = np.minimum(subject.reader.values(tags[where]), end).astype(np.int64)
        sizes = block_sizes(directory, subject.reader, where, length)
        # What reaches past the end is told of as such.
        sizes = np.where((starts > 0) & (starts + sizes <= end), sizes, 0)
        kind = {324: "a tile", 273: "a strip", 288: "a gap that is said to be free"}
        yield Claim(starts, sizes, kind.get(where, "JPEG data"), directory, where)


def _overlaps(claims: list[Claim]) -> Remarks:
    """Told once for each two directories, however many of their parts lie over each other."""
    starts = np.concatenate([claim.starts for claim in claims])
    sizes = np.concatenate([claim.sizes for claim in claims])
    owners = np.repeat(np.arange(len(claims)), [len(claim.starts) for claim in claims])
    there = sizes > 0
    starts, sizes, owners = starts[there], sizes[there], owners[there]
    order = np.lexsort((-sizes, starts))
    starts, sizes, owners = starts[order], sizes[order], owners[order]
    stops = np.maximum.accumulate(starts + sizes)
    # Who reaches furthest so far: where the running maximum last rose.
    rises = np.concatenate([[True], stops[1:] > stops[:-1]])
    furthest = np.maximum.accumulate(np.where(rises, np.arange(len(starts)), 0))
    found: dict[tuple[int, int, bool], list[Remark]] = {}
    for later in (np.flatnonzero(starts[1:] < stops[:-1]) + 1).tolist():
        earlier = int(furthest[later - 1])
        same = bool(starts[later] == starts[earlier] and sizes[later] == sizes[earlier])
        one, other = claims[int(owners[earlier])], claims[int(owners[later])]
        places = sorted(-1 if c.directory is None else c.directory.at for c in (one, other))
        found.setdefault((places[0], places[1], same), []).append(
            _told(one, other, same, int(starts[later]))
        )
    for first, *others in found.values():
        more = f", and {len(others)} more" if others else ""
        yield replace(first, sentence=first.sentence + more)


def _told(one: Claim, other: Claim, same: bool, at: int) -> Remark:
    above = one if other.directory is None else other
    below = other if above is one else one
    elsewhere = below.directory is not None and below.directory is not above.directory
    where = f" of {below.directory.name}" if elsewhere and below.directory else ""
    words = f"{above.name} at byte {at} {'is also' if same else 'lies over'} {below.name}{where}"
    if same and one is other:
        words = f"{above.name} at byte {at} is pointed to more than once"
    return Remark("shared_data" if same else "overlap", words, above.directory, None, at)
