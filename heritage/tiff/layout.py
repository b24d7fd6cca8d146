"""Laying a file out anew around segments that changed their size, so that no dead space is left.

Every block that the file's structure names keeps its place in the order; what follows a segment
that grew or shrank moves along, and every pointer to it with it. That is done only where nothing
can point to what we do not know: where each byte belongs to a block or is zero padding, and no
directory holds what may have pointers of its own (maker notes). Elsewhere all else stays where it
is, see ``heritage.tiff.rewriting``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heritage.tiff.picture import Picture
from heritage.tiff.pieces import Copied, Given, Kept, Piece, Repeated
from heritage.tiff.rewriting import LONG, LONG8, Changes, farthest
from heritage.tiff.space import TABLE_TAGS
from heritage.tiff.structure import (
    CHILDREN,
    DATA_TAGS,
    INTEGER_TYPES,
    TYPE_FORMATS,
    Directory,
    Tag,
    type_bytes,
)

MAKER_NOTE, DNG_PRIVATE_DATA = 37500, 50740
IFD, IFD8 = 13, 18
LOOK: Final = 1 << 20
POINTERS: Final = frozenset({*dict(DATA_TAGS), *CHILDREN, *TABLE_TAGS})

Ints = NDArray[np.int64]
Blocks = tuple[Ints, Ints]
"""Positions and sizes, in file order."""


def laid_out_anew(
    picture: Picture, segments: Mapping[int, Kept], changes: Changes
) -> list[Piece] | None:
    """The file with some segments of a page replaced, everything else moved along.

    Args:
        picture: The page in the master.
        segments: What its segments become, by their number over all planes.
        changes: Tags of the page that change, but for positions and lengths.

    Returns:
        All pieces of the new file, in order; None where the file holds something that cannot be
        moved safely, or would outgrow its 32-bit offsets.
    """
    blocks = _blocks(picture)
    if blocks is None or not all(_alone(picture, segment) for segment in segments):
        return None
    try:
        layout = _Layout(picture, blocks, segments, changes)
        return layout.pieces() if layout.end <= farthest(picture.structure.format) else None
    except _Unknown:
        return None


def _alone(picture: Picture, segment: int) -> bool:
    """Whether a segment is left out, or has a place of its own."""
    size = int(picture.table.counts[segment])
    return not size or picture.occupancy.alone(int(picture.table.offsets[segment]), size)


def _blocks(picture: Picture) -> Blocks | None:
    """All blocks of the file, if it has nothing else and none overlap."""
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
    gaps = zip([*stops.tolist()], [*starts[1:].tolist(), picture.structure.bytes], strict=True)
    for start, stop in gaps:
        for at in range(start, stop, LOOK):
            if any(picture.read(at, min(LOOK, stop - at))):
                return None
    return starts, sizes


class _Unknown(Exception):
    """A pointer leads to something that is no block, or would not hold its new value."""


class _Layout:
    """Where everything goes, and what it is there."""

    def __init__(
        self,
        picture: Picture,
        blocks: Blocks,
        segments: Mapping[int, Kept],
        changes: Changes,
    ) -> None:
        self.picture, self.form = picture, picture.structure.format
        self.starts, self.sizes = blocks
        self.segments, self.changes = segments, changes
        self.own = picture.directory
        self.offsets = picture.table.offsets.copy()
        self.counts = self._stored_counts()
        self.replaced: dict[int, Piece] = {}  # by old position
        self.added: list[tuple[int, Piece]] = []  # segments that were left out
        self._replace_segments()
        self.values = self._new_values()
        self.moved = self._place()
        self.end = self._place_added()

    def _stored_counts(self) -> NDArray[np.uint64]:
        tag = self.own.tags.get(self.picture.table.counts_code)
        return self.picture.table.counts.copy() if tag is None else self.picture.reader.values(tag)

    def _replace_segments(self) -> None:
        for segment in sorted(self.segments):
            piece = self.segments[segment]
            if self.picture.table.counts[segment]:
                self.replaced[int(self.offsets[segment])] = piece
            else:
                self.added.append((segment, piece))
            self.counts[segment] = piece.size

    def _new_values(self) -> dict[int, tuple[int, NDArray[np.uint64]] | None]:
        """Tags of the page that change their type, length or value; positions follow later."""
        table, tags = self.picture.table, self.own.tags
        values = dict(self.changes)
        widest = LONG8 if self.form.bigtiff else LONG
        for code, numbers in ((table.offsets_code, self.offsets), (table.counts_code, self.counts)):
            if code not in tags or values.get(code, 0) is None:
                continue
            needed = int(numbers.max()) if code == table.counts_code else self._farthest()
            fits = needed <= np.iinfo(TYPE_FORMATS[tags[code].type]).max
            values[code] = (tags[code].type if fits else widest, numbers)
        where, length = (324, 325) if self.picture.grid.tiled else (273, 279)
        if self.changes:  # a page written anew has its positions under the usual tags
            values[where] = (widest, self.offsets)
            values[length] = (widest, self.counts)
        return values

    def _farthest(self) -> int:
        """Where the new file ends at the latest."""
        tables = (len(self.own.tags) + 16) * self.form.entry_bytes + 16 * len(self.offsets)
        put = sum(piece.size + 8 for piece in self.segments.values())
        return self.picture.structure.bytes + put + tables + len(self.starts)

    def _size_now(self, at: int, size: int) -> int:
        piece = self.replaced.get(at)
        return size if piece is None else piece.size

    def _place(self) -> Ints:
        """New positions of all blocks."""
        self._regenerated()
        moved = np.empty_like(self.starts)
        stop_before = end = 0
        for index, (start, size) in enumerate(
            zip(self.starts.tolist(), self.sizes.tolist(), strict=True)
        ):
            at = end + start - stop_before  # padding stays
            if at % 2 and not start % 2:
                at += 1
            moved[index] = at
            stop_before, end = start + size, at + self._size_now(start, size)
        self._tail = end + self.picture.structure.bytes - stop_before
        return moved

    def _regenerated(self) -> None:
        """Sizes of the blocks that are written from scratch: the page's directory and values."""
        fields = self.form.count_bytes + self.form.offset_bytes
        codes = set(self.own.tags) | set(self.values)
        kept = [code for code in codes if self.values.get(code, 0) is not None]
        size = fields + len(kept) * self.form.entry_bytes
        self.replaced[self.own.at] = Repeated(size)
        self.outside: list[int] = []  # tags whose new value finds no place where the old one was
        for code, value in sorted(self.values.items()):
            tag = self.own.tags.get(code)
            stored = tag is not None and not tag.inline and self._single(tag)
            needed = 0
            if value is not None:
                needed = len(value[1]) * type_bytes(value[0])
                needed = needed if needed > self.form.offset_bytes else 0
            if stored:
                assert tag is not None
                self.replaced[tag.value_at] = Repeated(needed)
            elif needed:
                self.outside.append(code)

    def _single(self, tag: Tag) -> bool:
        return self.picture.occupancy.alone(tag.value_at, tag.size)

    def _place_added(self) -> int:
        end = self._tail
        self._after: list[tuple[int, Piece]] = []
        known = self.offsets > 0
        self.offsets[known] = self._now(self.offsets[known])
        for segment, piece in self.added:
            end += end % 2
            self.offsets[segment] = end
            self._after.append((end, piece))
            end += piece.size
        self._places: dict[int, int] = {}
        for code in self.outside:
            value = self.values[code]
            assert value is not None
            end += -end % 8
            self._places[code] = end
            end += len(value[1]) * type_bytes(value[0])
        return end

    def _now(self, old: NDArray[np.uint64] | int) -> NDArray[np.uint64]:
        """New positions of blocks that began at these old ones; 0 stays 0."""
        wanted = np.atleast_1d(np.asarray(old, np.int64))
        index = np.minimum(np.searchsorted(self.starts, wanted), len(self.starts) - 1)
        known = self.starts[index] == wanted
        if not np.all(known | (wanted == 0)):
            raise _Unknown
        return np.where(known, self.moved[index], 0).astype(np.uint64)

    def pieces(self) -> list[Piece]:
        """All of them, in order."""
        for directory in self.picture.structure.directories():
            self._renew(directory)
        head = bytearray(self.picture.read(0, int(self.sizes[0])))
        width = self.form.offset_bytes
        first = self.picture.structure.pages[0].at
        head[width : 2 * width] = self._pointer(first)
        self.replaced[0] = Given(len(head), bytes(head))
        return [*self._in_order(), *self._appended()]

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

    def _appended(self) -> Iterator[Piece]:
        end = self._tail
        for at, piece in self._after:
            yield Repeated(at - end)
            yield piece
            end = at + piece.size
        for code, at in self._places.items():
            yield Repeated(at - end)
            raw = self._packed(code)
            yield Given(len(raw), raw)
            end = at + len(raw)

    def _packed(self, code: int) -> bytes:
        value = self.values[code]
        assert value is not None
        return self.form.pack_values(*value)

    def _pointer(self, old: int) -> bytes:
        return struct.pack(self.form.offset_code, int(self._now(old)[0]))

    def _renew(self, directory: Directory) -> None:
        """Write a directory, and the lists of pointers that its tags hold, with new positions."""
        own = directory is self.own
        entries = {}
        for code, tag in directory.tags.items():
            if not own or code not in self.values:
                entries[code] = self._entry(tag)
        if own:
            for code, value in self.values.items():
                if value is not None:
                    entries[code] = self._own_entry(code, *value)
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

    def _own_entry(self, code: int, kind: int, values: NDArray[np.uint64]) -> bytes:
        raw = self.form.pack_values(kind, values)
        if len(raw) > self.form.offset_bytes:
            if code in self._places:
                raw = struct.pack(self.form.offset_code, self._places[code])
            else:
                at = self.own.tags[code].value_at
                self.replaced[at] = Given(len(raw), raw)
                raw = self._pointer(at)
        return self.form.pack_entry(code, kind, len(values), raw)
