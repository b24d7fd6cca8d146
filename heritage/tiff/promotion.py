"""Turning a classic TIFF that outgrew its 32-bit offsets into a BigTIFF.

Pixels and tag values stay where they are, so that private pointers stay right. Only what must be
wider is written again: the header, the directories, and the tables of positions and lengths.

Source of the layout: the BigTIFF design (AWare Systems); libtiff reads EXIF, GPS and sub-image
offsets as LONG8.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heritage.errors import MasterRefused
from heritage.tiff.rewriting import LONG8, Changes, Rewriter
from heritage.tiff.structure import (
    CHILDREN,
    DATA_TAGS,
    INTEGER_TYPES,
    SUB_IFDS,
    Directory,
    Format,
    Tag,
)

HEADER: Final = 16
LENGTHS: Final = dict(DATA_TAGS)


def promote(rewriters: Sequence[Rewriter], changes: Sequence[Changes]) -> None:
    """Put header and all directories of a classic file anew, with 64-bit offsets.

    Args:
        rewriters: Hold the new positions of the restored pages' segments; the first is the
            picture's, others are those of its smaller versions.
        changes: Tags of each of these pages that change.

    Raises:
        MasterRefused: If something unknown lies where the longer header goes.
    """
    _Promotion(rewriters, changes).run()


class _Promotion:
    """The state of one promotion: what was written where."""

    def __init__(self, rewriters: Sequence[Rewriter], changes: Sequence[Changes]) -> None:
        self.rewriters, rewriter = rewriters, rewriters[0]
        self.rewriter = rewriter
        own = zip(rewriters, changes, strict=True)
        self.changes = {one.picture.directory.at: changed for one, changed in own}
        self.picture, self.space = rewriter.picture, rewriter.space
        self.format = Format(self.picture.structure.format.byteorder, bigtiff=True)
        self.written: dict[int, int] = {}
        self.moved: dict[tuple[int, int], int] = {}

    def run(self) -> None:
        pages = self.picture.structure.pages
        self._clear_header()
        self._clear_own()
        after = 0
        for page in reversed(pages):
            after = self._write(page, after)
        mark = b"II" if self.format.byteorder == "little" else b"MM"
        head = mark + struct.pack(self.format.order + "HHHQ", 43, 8, 0, after)
        self.rewriter.draft.put(0, head)
        for directory in self.picture.structure.directories():
            start = max(directory.at, HEADER)
            self.space.release(start, directory.at + directory.size)

    def _clear_header(self) -> None:
        """Make sure that nobody keeps anything where the longer header goes."""
        self.space.reserve(HEADER)
        known = self.picture.occupancy.touched(8, HEADER)
        if not known and any(self.picture.read(8, HEADER - 8)):
            raise MasterRefused(
                "restored it would pass 4 GiB, and as a BigTIFF it would lose bytes of unknown "
                "use at its beginning; save the master as BigTIFF first",
                self.picture.path,
            )

    def _write(self, directory: Directory, after: int) -> int:
        """Write a directory and all below it; returns where."""
        for code, child in reversed(directory.children):
            if child.at not in self.written:
                self._write(child, self._next(child) if code == SUB_IFDS else 0)
        form, changes = self.format, self.changes.get(directory.at, {})
        entries = []
        for code in sorted(set(directory.tags) | set(changes)):
            if code in changes:
                change = changes[code]
                if change is not None:
                    entries.append(self._entry(code, *change))
            else:
                entries.append(self._kept(directory, directory.tags[code]))
        raw = struct.pack(form.count_code, len(entries)) + b"".join(entries)
        raw += struct.pack(form.offset_code, after)
        at = self.space.place(len(raw), 8)
        self.rewriter.draft.put(at, raw)
        self.written[directory.at] = at
        return at

    def _next(self, child: Directory) -> int:
        """Where the sub-image that follows in a chain was written."""
        form = self.picture.structure.format
        raw = self.picture.read(child.next_at, form.offset_bytes)
        (old,) = struct.unpack(form.offset_code, raw)
        if old and old not in self.written:
            raise MasterRefused(
                "restored it would pass 4 GiB, and its sub-images are chained in a way that "
                "cannot be kept in a BigTIFF; save the master as BigTIFF first",
                self.picture.path,
            )
        return self.written[old] if old else 0

    def _kept(self, directory: Directory, tag: Tag) -> bytes:
        reader = self.picture.reader
        if tag.code in CHILDREN and tag.type in INTEGER_TYPES:
            old = reader.values(tag).tolist()
            return self._entry(
                tag.code, LONG8, np.array([self.written.get(one, 0) for one in old], np.uint64)
            )
        if tag.code in LENGTHS:
            return self._entry(tag.code, LONG8, self._positions(directory, tag))
        raw = self.picture.read(tag.value_at, tag.size)
        if tag.size > self.format.offset_bytes:
            at = self._clear_of_header(tag.value_at, tag.size)
            raw = struct.pack(self.format.offset_code, at)
        return self.format.pack_entry(tag.code, tag.type, tag.count, raw)

    def _positions(self, directory: Directory, tag: Tag) -> NDArray[np.uint64]:
        reader = self.picture.reader
        positions, length = reader.values(tag), directory.tags.get(LENGTHS[tag.code])
        for index in np.flatnonzero((positions > 0) & (positions < HEADER)).tolist():
            if length is None or length.count != len(positions):
                raise MasterRefused(
                    "restored it would pass 4 GiB, and it does not say how long its first data "
                    "are; save the master as BigTIFF first",
                    self.picture.path,
                )
            size = int(reader.values(length)[index])
            positions[index] = self._clear_of_header(int(positions[index]), size)
        return positions

    def _clear_own(self) -> None:
        """Move the restored pages' segments that are under the header."""
        for one in self.rewriters:
            offsets, counts = one.offsets, one.counts
            for index in np.flatnonzero((offsets > 0) & (offsets < HEADER)).tolist():
                offsets[index] = self._clear_of_header(int(offsets[index]), int(counts[index]))

    def _clear_of_header(self, at: int, size: int) -> int:
        """Where a block is that must not begin under the header; copied once."""
        if at >= HEADER:
            return at
        key = at, size
        if key not in self.moved:
            self.moved[key] = new = self.space.place(size, 8)
            self.rewriter.draft.relocate(at, size, new)
        return self.moved[key]

    def _entry(self, code: int, kind: int, values: NDArray[np.uint64]) -> bytes:
        raw = self.format.pack_values(kind, values)
        if len(raw) > self.format.offset_bytes:
            at = self.space.place(len(raw), 8)
            self.rewriter.draft.put(at, raw)
            raw = struct.pack(self.format.offset_code, at)
        return self.format.pack_entry(code, kind, len(values), raw)
