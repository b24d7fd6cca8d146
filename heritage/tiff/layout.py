"""Laying a file out anew around segments that changed their size, so that no dead space is left.

Every block that the file's structure names keeps its place in the order; what follows a segment
that grew or shrank moves along, and every pointer to it with it. That is done only where nothing
can point to what we do not know: where each byte belongs to a block or is zero padding, and no
directory holds what may have pointers of its own (maker notes). Elsewhere all else stays where it
is, see ``heritage.tiff.rewriting``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heritage.tiff.owned import OwnDirectory
from heritage.tiff.picture import Picture
from heritage.tiff.pieces import Copied, Given, Kept, Piece, Repeated
from heritage.tiff.rewriting import Changes, farthest
from heritage.tiff.space import TABLE_TAGS
from heritage.tiff.structure import (
    CHILDREN,
    DATA_TAGS,
    INTEGER_TYPES,
    TYPE_FORMATS,
    Directory,
    Tag,
)

MAKER_NOTE, DNG_PRIVATE_DATA = 37500, 50740
IFD, IFD8 = 13, 18
LOOK: Final = 1 << 20
POINTERS: Final = frozenset({*dict(DATA_TAGS), *CHILDREN, *TABLE_TAGS})

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """What changes about one page of a file.

    Attributes:
        picture: The page in the master.
        segments: What its segments become, by their number over all planes.
        changes: Tags of the page that change, but for positions and lengths.
    """

    picture: Picture
    segments: Mapping[int, Kept]
    changes: Changes


def laid_out_anew(parts: Sequence[Part]) -> list[Piece] | None:
    """A file with segments of some of its pages replaced, everything else moved along.

    Args:
        parts: Of one file, at least one.

    Returns:
        All pieces of the new file, in order; None where the file holds something that cannot be
        moved safely, or would outgrow its 32-bit offsets.
    """
    picture = parts[0].picture
    blocks = _blocks(picture)
    alone = all(_alone(part.picture, segment) for part in parts for segment in part.segments)
    if blocks is None or not alone:
        return None
    try:
        layout = _Layout(picture, blocks, parts)
        return layout.pieces() if layout.end <= farthest(picture.structure.format) else None
    except _Unknown:
        return None


def _alone(picture: Picture, segment: int) -> bool:
    """Whether a segment is left out, or has a place of its own."""
    size = int(picture.table.counts[segment])
    return not size or picture.occupancy.alone(int(picture.table.offsets[segment]), size)


def _blocks(picture: Picture) -> tuple[Ints, Ints] | None:
    """Positions and sizes of all blocks, if the file has nothing else and none overlap."""
    for directory in picture.structure.directories():
        for code, tag in directory.tags.items():
            hidden = tag.type in (IFD, IFD8) and code not in CHILDREN
            if hidden or code in (MAKER_NOTE, DNG_PRIVATE_DATA):
                return None
            if code in CHILDREN and tag.type not in INTEGER_TYPES:
                return None
    ranges = np.unique(picture.occupancy.ranges, axis=0)
    starts, sizes = ranges[:, 0], ranges[:, 1]
    stops = starts + sizes
    if np.any(starts[1:] < stops[:-1]):
        return None
    gaps = zip(stops.tolist(), [*starts[1:].tolist(), picture.structure.bytes], strict=True)
    for start, stop in gaps:
        for at in range(start, stop, LOOK):
            if any(picture.read(at, min(LOOK, stop - at))):
                return None
    return starts, sizes


class _Unknown(Exception):
    """A pointer leads to something that is no block, or would not hold its new value."""


class _Layout:
    """Where everything goes, and what it is there.

    Attributes:
        end: Of the new file.
    """

    def __init__(self, picture: Picture, blocks: tuple[Ints, Ints], parts: Sequence[Part]) -> None:
        self.picture, self.form = picture, picture.structure.format
        self.starts, self.sizes = blocks
        self.replaced: dict[int, Piece] = {}  # by old position
        put = sum(piece.size + 8 for part in parts for piece in part.segments.values())
        reach = picture.structure.bytes + put + len(self.starts)
        self.own: dict[int, OwnDirectory] = {}  # by old position
        for part in parts:
            own = OwnDirectory(part.picture, part.segments, part.changes, reach)
            self.own[part.picture.directory.at] = own
            self.replaced |= own.replaced
        self._place()
        self._append()

    def _place(self) -> None:
        """Find new positions of all blocks."""
        self.moved = np.empty_like(self.starts)
        stop_before = end = 0
        old = zip(self.starts.tolist(), self.sizes.tolist(), strict=True)
        for index, (start, size) in enumerate(old):
            at = end + start - stop_before  # padding stays
            if at % 2 and not start % 2:
                at += 1
            self.moved[index] = at
            piece = self.replaced.get(start)
            stop_before, end = start + size, at + (size if piece is None else piece.size)
        self.end = end + self.picture.structure.bytes - stop_before

    def _append(self) -> None:
        """Find places for what has none yet: segments that were left out, values that are new."""
        self._tail = self.end
        self.appended: list[tuple[int, Piece]] = []
        for own in self.own.values():
            known = own.offsets > 0
            own.offsets[known] = self._now(own.offsets[known])
            for segment, piece in own.added:
                self.end += self.end % 2
                own.offsets[segment] = self.end
                self.appended.append((self.end, piece))
                self.end += piece.size
            for code in own.outside:
                self.end += -self.end % 8
                own.places[code] = self.end
                self.end += own.size_of(code)
        for own in self.own.values():
            for code, at in own.places.items():
                raw = own.packed(code)
                self.appended.append((at, Given(len(raw), raw)))
        self.appended.sort(key=lambda one: one[0])

    def _now(self, old: NDArray[np.uint64] | int) -> NDArray[np.uint64]:
        """New positions of blocks that began at these old ones; 0 stays 0."""
        wanted = np.atleast_1d(np.asarray(old, np.int64))
        index = np.minimum(np.searchsorted(self.starts, wanted), len(self.starts) - 1)
        known = self.starts[index] == wanted
        if not np.all(known | (wanted == 0)):
            raise _Unknown
        return np.where(wanted == 0, 0, self.moved[index]).astype(np.uint64)

    def pieces(self) -> list[Piece]:
        """All of them, in order."""
        for directory in self.picture.structure.directories():
            self._renew(directory)
        head = bytearray(self.picture.read(0, int(self.sizes[0])))
        width = self.form.offset_bytes
        head[width : 2 * width] = self._pointer(self.picture.structure.pages[0].at)
        self.replaced[0] = Given(len(head), bytes(head))
        return [*self._in_order(), *self._rest()]

    def _in_order(self) -> Iterator[Piece]:
        before = end = 0
        old = zip(self.starts.tolist(), self.sizes.tolist(), self.moved.tolist(), strict=True)
        for start, size, at in old:
            padding = start - before
            yield Copied(padding, before)  # all of it zero
            yield Repeated(at - end - padding)
            piece = self.replaced.get(start, Copied(size, start))
            yield piece
            before, end = start + size, at + piece.size
        yield Copied(self.picture.structure.bytes - before, before)

    def _rest(self) -> Iterator[Piece]:
        end = self._tail
        for at, piece in self.appended:
            yield Repeated(at - end)
            yield piece
            end = at + piece.size

    def _pointer(self, old: int) -> bytes:
        return struct.pack(self.form.offset_code, int(self._now(old)[0]))

    def _renew(self, directory: Directory) -> None:
        """Write a directory, and the lists of pointers that its tags hold, with new positions."""
        own = self.own.get(directory.at)
        entries = {}
        for code, tag in directory.tags.items():
            if own is None or code not in own.values:
                entries[code] = self._entry(tag)
        if own is not None:
            entries |= self._own_entries(own)
        (follows,) = struct.unpack(
            self.form.offset_code, self.picture.read(directory.next_at, self.form.offset_bytes)
        )
        raw = struct.pack(self.form.count_code, len(entries))
        raw += b"".join(entries[code] for code in sorted(entries)) + self._pointer(follows)
        self.replaced[directory.at] = Given(len(raw), raw)

    def _entry(self, tag: Tag) -> bytes:
        """An entry whose value stays what it is, but for where things lie."""
        if tag.code in POINTERS and tag.type in INTEGER_TYPES:
            values = self._now(self.picture.reader.values(tag))
            if int(values.max(initial=0)) > np.iinfo(TYPE_FORMATS[tag.type]).max:
                raise _Unknown
            raw = self.form.pack_values(tag.type, values)
            if not tag.inline:
                self.replaced[tag.value_at] = Given(len(raw), raw)
                raw = self._pointer(tag.value_at)
        elif tag.inline:
            raw = self.picture.read(tag.value_at, self.form.offset_bytes)
        else:
            raw = self._pointer(tag.value_at)
        return self.form.pack_entry(tag.code, tag.type, tag.count, raw)

    def _own_entries(self, own: OwnDirectory) -> dict[int, bytes]:
        """Entries of the tags that change."""
        entries = {}
        for code, value in own.values.items():
            if value is None:
                continue
            raw = own.packed(code)
            if code in own.places:
                raw = struct.pack(self.form.offset_code, own.places[code])
            elif len(raw) > self.form.offset_bytes:
                at = own.directory.tags[code].value_at
                self.replaced[at] = Given(len(raw), raw)
                raw = self._pointer(at)
            entries[code] = self.form.pack_entry(code, value[0], len(value[1]), raw)
        return entries
