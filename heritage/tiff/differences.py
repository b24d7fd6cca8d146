"""Whether everything but the pixels survived: two files compared tag by tag, as archivists do.

Positions and lengths of tiles and strips may differ; what lies there, on every page that was not
restored, may not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tifffile import TIFF

from heritage.errors import StorageFailed
from heritage.geometry import Box
from heritage.tiff.codec import same_bits
from heritage.tiff.parsing import StructureReader
from heritage.tiff.picture import Picture
from heritage.tiff.pyramid import Level, levels_of, read_box
from heritage.tiff.renewal import GONE, REPLACED, YCBCR_TAGS
from heritage.tiff.space import block_sizes
from heritage.tiff.structure import (
    CHILDREN,
    DATA_TAGS,
    INTEGER_TYPES,
    POSITIONS,
    Directory,
    Structure,
    Tag,
)
from heritage.tiff.tagging import XMP


def structure_differences(
    original: Path | str, restored: Path | str, page: int, reencoded: bool, embedded: bool = False
) -> list[str]:
    """Every tag, page, sub-image and private block that differs, in words.

    Args:
        original: The master.
        restored: The file that was composed from it.
        page: The page that was restored, from 0; its pixels are not compared, nor those of its
            smaller versions that are made anew with it (see ``level_differences``).
        reencoded: Whether that page was written anew: then the tags that describe its
            compression, and what YCbCr needs, may differ too.
        embedded: Whether an XMP packet was put into that page: then it may be another, or one
            where there was none; what it says is the caller's to judge.

    Returns:
        Empty when all survived.

    Raises:
        MasterRefused: If a file is not a sound TIFF.
        StorageFailed: If a file cannot be read.
    """
    try:
        anew = _levels(original, page)
        with Path(original).open("rb") as one, Path(restored).open("rb") as other:
            comparison = _Comparison(
                StructureReader(one.fileno(), Path(original)),
                StructureReader(other.fileno(), Path(restored)),
                anew,
            )
            return list(comparison.differences(page, reencoded, embedded))
    except OSError as error:
        raise StorageFailed(f"cannot be read ({error.strerror})", error.filename) from error


def level_differences(
    original: Path | str,
    restored: Path | str,
    page: int,
    damaged: Callable[[Box], NDArray[np.bool_]],
) -> list[str]:
    """Pixels of smaller versions of a page that changed without a reason, in words.

    Args:
        original: The master.
        restored: The file that was composed from it.
        page: The page that was restored, from 0.
        damaged: The mask in a box of that page.

    Returns:
        Empty where each pixel that differs is made from a damaged one.

    Raises:
        MasterRefused: If a file is not a sound TIFF.
        StorageFailed: If a file cannot be read.
    """
    with Picture(original, page) as one, Picture(restored, page) as other, ExitStack() as opened:
        levels = [[*levels_of(picture)] for picture in (one, other)]
        for level in chain(*levels):
            opened.callback(level.picture.close)
        if len(levels[0]) != len(levels[1]):
            return ["some of its smaller versions are of another kind now"]
        pairs = zip(*levels, strict=True)
        return [word for before, after in pairs for word in _level(before, after, damaged)]


def _level(
    before: Level, after: Level, damaged: Callable[[Box], NDArray[np.bool_]]
) -> Iterator[str]:
    name = before.picture.directory.name
    sizes = [(one.picture.info.height, one.picture.info.width) for one in (before, after)]
    if sizes[0] != sizes[1]:
        yield f"{name}: changed its size"
        return
    for cell in before.picture.grid.cells():
        rows, columns = cell.box.height, cell.box.width
        was = before.picture.joined(cell)[:rows, :columns]
        now = read_box(after.picture, cell.box)
        reached = before.reached(cell.box, damaged)
        if not same_bits(np.ascontiguousarray(was[~reached]), np.ascontiguousarray(now[~reached])):
            yield f"{name}: pixels changed that are not made from damaged ones"
            return


def _levels(path: Path | str, page: int) -> frozenset[int]:
    """Where the directories lie whose pixels are made anew with those of a page."""
    with Picture(path, page) as picture:
        levels = [*levels_of(picture)]
        for level in levels:
            level.picture.close()
        return frozenset(level.picture.directory.at for level in levels)


class _Comparison:
    """Two files, read side by side."""

    def __init__(
        self, original: StructureReader, restored: StructureReader, anew: frozenset[int]
    ) -> None:
        self.original, self.restored, self.anew = original, restored, anew

    def differences(self, page: int, reencoded: bool, embedded: bool) -> Iterator[str]:
        one, other = self.original.structure(), self.restored.structure()
        yield from _formats(one, other)
        if len(one.pages) != len(other.pages):
            yield f"{len(one.pages)} pages became {len(other.pages)}"
            return
        for index, (before, after) in enumerate(zip(one.pages, other.pages, strict=True)):
            own = index == page
            excused = POSITIONS if own else frozenset()
            if own and reencoded:
                excused |= GONE | REPLACED | YCBCR_TAGS
            if own and embedded:
                excused |= {XMP}
            yield from self._directory(before, after, excused, pixels=not own)

    def _directory(
        self, before: Directory, after: Directory, excused: frozenset[int], *, pixels: bool
    ) -> Iterator[str]:
        skipped = excused | POSITIONS | frozenset(CHILDREN)
        for code in sorted((before.tags.keys() | after.tags.keys()) - skipped):
            yield from self._tag(before.name, before.tags.get(code), after.tags.get(code))
        if pixels and before.at not in self.anew:
            yield from self._data(before, after)
        yield from self._children(before, after)

    def _children(self, before: Directory, after: Directory) -> Iterator[str]:
        codes = [[code for code, _ in one.children] for one in (before, after)]
        if codes[0] != codes[1]:
            yield f"{before.name}: its sub-images, EXIF or GPS blocks are not the same in number"
            return
        for (_, one), (_, other) in zip(before.children, after.children, strict=True):
            yield from self._directory(one, other, frozenset(), pixels=True)

    def _tag(self, name: str, before: Tag | None, after: Tag | None) -> Iterator[str]:
        known = before or after
        assert known is not None
        label = f"{name}: tag {known.code} ({TIFF.TAGS.get(known.code, 'private')})"
        if before is None:
            yield f"{label} was added"
        elif after is None:
            yield f"{label} is gone"
        elif (before.type, before.count) != (after.type, after.count):
            yield f"{label} changed its type or length"
        elif self._value(self.original, before) != self._value(self.restored, after):
            yield f"{label} changed its value"

    def _value(self, reader: StructureReader, tag: Tag) -> bytes:
        return reader.read(tag.value_at, tag.size)

    def _data(self, before: Directory, after: Directory) -> Iterator[str]:
        one, other = _blocks(self.original, before), _blocks(self.restored, after)
        if [size for _, size in one] != [size for _, size in other]:
            yield f"{before.name}: its tiles or strips changed their number or lengths"
            return
        for (start, size), (now, _) in zip(one, other, strict=True):
            if _digest(self.original, start, size) != _digest(self.restored, now, size):
                yield f"{before.name}: its pixels changed"
                return


def _formats(one: Structure, other: Structure) -> Iterator[str]:
    if one.format.byteorder != other.format.byteorder:
        yield f"{one.format.byteorder}-endian became {other.format.byteorder}-endian"
    if one.format.bigtiff and not other.format.bigtiff:
        yield "BigTIFF became classic TIFF"


def _blocks(reader: StructureReader, directory: Directory) -> list[tuple[int, int]]:
    """Position and length of what a directory's data tags point to."""
    blocks: list[tuple[int, int]] = []
    for where, length in DATA_TAGS:
        start, size = directory.tags.get(where), directory.tags.get(length)
        if start is None or size is None or not {start.type, size.type} <= INTEGER_TYPES:
            continue
        sizes = block_sizes(directory, reader, where, length)
        pairs = zip(reader.values(start).tolist(), sizes.tolist(), strict=False)
        blocks += [(at, count) for at, count in pairs if at]
    return blocks


def _digest(reader: StructureReader, start: int, size: int) -> bytes:
    """Fingerprint of a block, as far as the file reaches."""
    digest, stop = hashlib.sha256(), min(start + size, reader.bytes)
    for at in np.arange(start, stop, 8 << 20).tolist():
        digest.update(reader.read(at, min(8 << 20, stop - at)))
    return digest.digest()
