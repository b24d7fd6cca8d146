"""What becomes of the directory of a page whose segments are replaced."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from heritage.tiff.picture import Picture
from heritage.tiff.pieces import Kept, Piece, Repeated
from heritage.tiff.rewriting import LONG, LONG8, Changes
from heritage.tiff.structure import TYPE_FORMATS, Tag, type_bytes


class OwnDirectory:
    """A page's directory, its tags that change, and the blocks that are replaced with them.

    Args:
        picture: The page in the master.
        segments: What its segments become, by their number over all planes.
        changes: Tags that change, but for positions and lengths.
        reach: Where the new file ends at the latest, tables left out.

    Attributes:
        directory: The page's own.
        offsets: Positions of all segments; old ones until they are known anew.
        replaced: By old position what is there now; directory and values as place holders.
        added: Segments that were left out of the master, and have a place to be found.
        values: Tags that change: type and values, or None where one goes.
        outside: Those whose value finds no place where the old one was.
        places: New positions of those.
    """

    def __init__(
        self, picture: Picture, segments: Mapping[int, Kept], changes: Changes, reach: int
    ) -> None:
        self.picture, self.form = picture, picture.structure.format
        self.directory = picture.directory
        self.offsets = picture.table.offsets.copy()
        self.replaced: dict[int, Piece] = {}
        self.added: list[tuple[int, Piece]] = []
        self.places: dict[int, int] = {}
        counts = self._counts(segments)
        tables = (len(self.directory.tags) + 16) * self.form.entry_bytes + 16 * len(self.offsets)
        self.values = self._values(changes, counts, reach + tables)
        self.outside = list(self._make_room())

    def _counts(self, segments: Mapping[int, Kept]) -> NDArray[np.uint64]:
        """Lengths of all segments; notes what replaces which."""
        table = self.picture.table
        tag = self.directory.tags.get(table.counts_code)
        counts = table.counts.copy() if tag is None else self.picture.reader.values(tag)
        for segment in sorted(segments):
            piece = segments[segment]
            if table.counts[segment]:
                self.replaced[int(self.offsets[segment])] = piece
            else:
                self.added.append((segment, piece))
            counts[segment] = piece.size
        return counts

    def _values(self, changes: Changes, counts: NDArray[np.uint64], reach: int) -> Changes:
        table, tags, values = self.picture.table, self.directory.tags, dict(changes)
        widest = LONG8 if self.form.bigtiff else LONG
        known = ((table.offsets_code, self.offsets, reach), (table.counts_code, counts, 0))
        for code, numbers, most in known:
            if code in tags and values.get(code, 0) is not None:
                needed = most or int(numbers.max())
                fits = needed <= np.iinfo(TYPE_FORMATS[tags[code].type]).max
                values[code] = (tags[code].type if fits else widest, numbers)
        if changes:  # a page written anew has them under the usual tags
            where, length = (324, 325) if self.picture.grid.tiled else (273, 279)
            values |= {where: (widest, self.offsets), length: (widest, counts)}
        return values

    def _make_room(self) -> list[int]:
        """Replace the directory and its values by as many bytes as they will have."""
        codes = set(self.directory.tags) | set(self.values)
        kept = [code for code in codes if self.values.get(code, 0) is not None]
        fields = self.form.count_bytes + self.form.offset_bytes
        size = fields + len(kept) * self.form.entry_bytes
        self.replaced[self.directory.at] = Repeated(size)
        outside = []
        for code in sorted(self.values):
            tag, needed = self.directory.tags.get(code), self.size_of(code)
            if tag is not None and not tag.inline and self._single(tag):
                self.replaced[tag.value_at] = Repeated(needed)
            elif needed:
                outside.append(code)
        return outside

    def _single(self, tag: Tag) -> bool:
        return self.picture.occupancy.alone(tag.value_at, tag.size)

    def size_of(self, code: int) -> int:
        """Bytes that a tag's new value takes outside the directory."""
        value = self.values[code]
        size = 0 if value is None else len(value[1]) * type_bytes(value[0])
        return size if size > self.form.offset_bytes else 0

    def packed(self, code: int) -> bytes:
        """A tag's new value."""
        value = self.values[code]
        assert value is not None
        return self.form.pack_values(*value)
