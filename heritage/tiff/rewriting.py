"""Exchanging tiles or strips of a file, all other bytes staying where they are.

Nothing but the exchanged segments ever moves. So whatever points into the file stays right,
private tags and maker notes included, whether we understand them or not. A segment that no
longer fits its place goes to room that others gave back, else to the end of the file; only its
entry in the table of positions changes. See docs/decisions/2026-11-23-compose-in-place.md.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heritage.tiff.grid import Cell
from heritage.tiff.picture import Picture
from heritage.tiff.pieces import Copied, Draft, Piece, Repeated
from heritage.tiff.space import Space
from heritage.tiff.structure import INTEGER_TYPES, TYPE_FORMATS, Format, Tag, type_bytes

LONG, LONG8, LONG8_BYTES = 4, 16, 8
CLASSIC_END: Final = 2**32 - 1
Changes = dict[int, tuple[int, NDArray[np.uint64]] | None]
"""Tags of the restored page that change: type and values, or None where one goes."""


def farthest(form: Format) -> int:
    """Where a file of this format may end at most."""
    return 2**63 - 1 if form.bigtiff else CLASSIC_END


class Rewriter:
    """Puts segments of one page into a draft of its file.

    Args:
        picture: The page in the source; only read.
        beside: Another page's of the same file, whose draft and free space this one shares.

    Attributes:
        draft: What is to be written.
        dead: Bytes that nothing uses any more, once ``blank`` was called.

    Call ``finish`` when all segments are in, then ``blank``.
    """

    def __init__(self, picture: Picture, beside: Rewriter | None = None) -> None:
        self.picture = picture
        self.draft: Draft = Draft(picture.structure.bytes) if beside is None else beside.draft
        self.space: Space = Space(picture.structure.bytes) if beside is None else beside.space
        self.occupancy = picture.occupancy
        self.offsets = picture.table.offsets.copy()
        self.counts = self._stored_counts()
        self.moved = False
        self.resized = False
        self.released = False
        self.dead = 0
        self._own: dict[int, bool] = {}

    def _stored_counts(self) -> NDArray[np.uint64]:
        tag = self.picture.directory.tags.get(self.picture.table.counts_code)
        return self.picture.table.counts.copy() if tag is None else self.picture.reader.values(tag)

    def alone(self, segment: int) -> bool:
        """Whether the segment's place in the file belongs to it and nothing else."""
        table = self.picture.table
        size = int(table.counts[segment])
        return size > 0 and self.occupancy.alone(int(table.offsets[segment]), size)

    def put(self, segment: int, data: Piece) -> None:
        """Put a compressed segment, once."""
        table = self.picture.table
        at, size = int(table.offsets[segment]), int(table.counts[segment])
        if self.alone(segment) and not self.released:
            # A shorter segment leaves a rest, which others may fill; a longer one leaves all.
            kept = data.size if data.size <= size else 0
            self.space.release(at + kept, at + size)
            if not kept:
                at = self.place(data.size)
        else:
            at = self.place(data.size)
        self.draft.put(at, data)
        self.moved |= at != int(self.offsets[segment])
        self.resized |= data.size != int(self.counts[segment])
        self.offsets[segment], self.counts[segment] = at, data.size

    def put_rows(self, cell: Cell, plane: int, data: Piece) -> None:
        """Put some rows of an uncompressed segment."""
        segment = cell.segment + plane * self.picture.grid.per_plane
        if segment not in self._own:
            self._own[segment] = self.alone(segment)
            if not self._own[segment]:
                self._move(segment)
        at, _ = self.picture.band_place(cell, plane)
        shift = int(self.offsets[segment]) - int(self.picture.table.offsets[segment])
        self.draft.put(at + shift, data)

    def _move(self, segment: int) -> None:
        """Give an uncompressed segment that is shared, or left out, a place of its own."""
        picture = self.picture
        size = picture.stored_bytes(segment)
        at = self.place(size)
        source, held = int(picture.table.offsets[segment]), int(picture.table.counts[segment])
        fill = Copied(size, source) if held else Repeated(size, picture.empty_rows(1))
        self.draft.lay(at, fill)
        self.moved, self.resized = True, self.resized or not held
        self.offsets[segment] = at
        if not held:
            self.counts[segment] = size

    def place(self, size: int, align: int = 2) -> int:
        """Room for new bytes."""
        return self.space.place(size, align)

    @property
    def outgrown(self) -> bool:
        """Whether a classic TIFF has no offsets for where things are, or will be, now."""
        structure = self.picture.structure
        tables = 2 * LONG8_BYTES * len(self.offsets) + self.picture.directory.size
        return self.space.end + tables > farthest(structure.format)

    def changes(self) -> Changes:
        """The tags of the page that say where its segments are now."""
        table, tags = self.picture.table, self.picture.directory.tags
        changed: Changes = {table.offsets_code: (LONG8, self.offsets)}
        if table.counts_code in tags:
            changed[table.counts_code] = (LONG8, self.counts)
        return changed

    def finish(self) -> None:
        """Put the tables of positions and lengths."""
        table, tags = self.picture.table, self.picture.directory.tags
        if self.moved:
            self._store(tags[table.offsets_code], self.offsets)
        if self.resized and table.counts_code in tags:
            self._store(tags[table.counts_code], self.counts)

    def blank(self) -> None:
        """Overwrite the pixels that were replaced, and cut the file where only those are left."""
        for start, stop in self.space.left():
            if stop == self.space.end:
                self.space.end = start
            else:
                self.draft.put(start, Repeated(stop - start))
                self.dead += stop - start
        self.draft.end = self.space.end

    def _store(self, tag: Tag, values: NDArray[np.uint64]) -> None:
        form = self.picture.structure.format
        widest = int(values.max())
        fits = tag.type in INTEGER_TYPES and widest <= np.iinfo(TYPE_FORMATS[tag.type]).max
        if fits and (tag.inline or self.occupancy.alone(tag.value_at, tag.size)):
            self.draft.put(tag.value_at, form.pack_values(tag.type, values))
            return
        kind = LONG if widest <= CLASSIC_END else LONG8
        if not tag.inline and self.occupancy.alone(tag.value_at, tag.size):
            self.space.release(tag.value_at, tag.value_at + tag.size)
        self.draft.put(tag.at, self.entry(tag.code, kind, values))

    def entry(self, code: int, kind: int, values: NDArray[np.uint64]) -> bytes:
        """A directory entry for these values; what does not fit inside is put elsewhere."""
        form = self.picture.structure.format
        raw = form.pack_values(kind, values)
        if len(raw) > form.offset_bytes:
            at = self.place(len(raw), type_bytes(kind))
            self.draft.put(at, raw)
            raw = struct.pack(form.offset_code, at)
        return form.pack_entry(code, kind, len(values), raw)
