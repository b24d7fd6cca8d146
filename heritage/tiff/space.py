"""Which bytes of a TIFF are whose, and where new ones may go."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heritage.errors import MasterRefused
from heritage.tiff.parsing import StructureReader
from heritage.tiff.segments import SegmentTable
from heritage.tiff.structure import DATA_TAGS, Directory, Structure

TABLE_TAGS: Final = (519, 520, 521)
TABLE_BYTES: Final = 1024
LOOK_AT: Final = 64


class Occupancy:
    """All ranges of a file that its structure names, so that none is overwritten by mistake.

    Files exist whose pages share tiles or tag values; such bytes belong to more than one and
    must not be changed for the sake of one of them.

    Args:
        structure: Of the file.
        reader: Reads its tag values.
        page: The page whose table is known better than its tags say.
        table: Of that page.

    Attributes:
        ranges: (n, 2) int64, position and size of each; some may be the same, or overlap.
    """

    def __init__(
        self,
        structure: Structure,
        reader: StructureReader,
        page: Directory,
        table: SegmentTable,
    ) -> None:
        ranges = [*_ranges(structure, reader, page)]
        ranges.append((table.offsets.astype(np.int64), table.counts.astype(np.int64)))
        directories = {one.at: one.size for one in structure.directories()}
        self._fixed = np.array([(0, _header(structure)), *directories.items()], np.int64)
        ranges.append((self._fixed[:, 0], self._fixed[:, 1]))
        starts = np.concatenate([start for start, _ in ranges])
        sizes = np.concatenate([size for _, size in ranges])
        self.ranges = np.column_stack([starts, sizes])[sizes > 0]
        self._starts = np.sort(self.ranges[:, 0])
        self._stops = np.sort(self.ranges.sum(axis=1))

    def alone(self, start: int, size: int) -> bool:
        """Whether no more than one of the ranges touches these bytes."""
        begun = np.searchsorted(self._starts, start + size, "left")
        over = np.searchsorted(self._stops, start, "right")
        return int(begun) - int(over) <= 1

    def touched(self, start: int, stop: int) -> bool:
        """Whether any of the ranges reaches into these bytes."""
        begun = np.searchsorted(self._starts, stop, "left")
        over = np.searchsorted(self._stops, start, "right")
        return int(begun) > int(over)

    def orderly(self) -> bool:
        """Whether header and directories overlap with nothing, so that they can be edited."""
        starts, stops = self._fixed[:, 0], self._fixed.sum(axis=1)
        begun = np.searchsorted(self._starts, stops, "left")
        over = np.searchsorted(self._stops, starts, "right")
        return bool((begun - over <= 1).all())


def _header(structure: Structure) -> int:
    return 16 if structure.format.bigtiff else 8


def _ranges(
    structure: Structure, reader: StructureReader, known: Directory
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    fixed = [(0, 0)]
    for directory in structure.directories():
        fixed += [(t.value_at, t.size) for t in directory.tags.values() if not t.inline]
        yield from _data(directory, structure.bytes, reader, own=directory is known)
    table = np.array(fixed, np.int64)
    yield table[:, 0], table[:, 1]


def _data(
    directory: Directory, end: int, reader: StructureReader, *, own: bool
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    tags = directory.tags
    first = next((where for where, _ in DATA_TAGS if where in tags), 0)
    for where, length in DATA_TAGS:
        if where not in tags or (own and where == first):
            continue
        starts = np.minimum(reader.values(tags[where]), end).astype(np.int64)
        if length in tags:
            if tags[length].count != len(starts):
                raise MasterRefused(
                    f"{directory.name} lists {len(starts)} positions, but "
                    f"{tags[length].count} lengths; the file is damaged",
                    reader.path,
                )
            sizes = block_sizes(directory, reader, where, length)
            if np.any(starts + sizes > end):
                raise MasterRefused(
                    f"{directory.name} reaches past the end of the file; it is cut off",
                    reader.path,
                )
        else:
            guess = TABLE_BYTES if where == 513 else _plain_bytes(directory, reader)
            sizes = np.full(len(starts), min(guess // max(1, len(starts)), end), np.int64)
        yield starts, np.where(starts > 0, np.minimum(sizes, end - starts), 0)
    for code in TABLE_TAGS:
        if code in tags:
            starts = np.minimum(reader.values(tags[code]), end).astype(np.int64)
            yield starts, np.where(starts > 0, np.minimum(TABLE_BYTES, end - starts), 0)


def block_sizes(
    directory: Directory, reader: StructureReader, where: int, length: int
) -> NDArray[np.int64]:
    """Bytes of the tiles, strips or other data that two tags of a directory tell of.

    Args:
        directory: That has both tags.
        reader: Reads their values.
        where: The tag with the positions.
        length: The tag with the lengths.
    """
    sizes = np.minimum(reader.values(directory.tags[length]), reader.bytes).astype(np.int64)
    if where == 273 and len(sizes) and _plain(directory, reader):
        # Some writers give the last, shorter strip the length of a full one.
        rest = _plain_bytes(directory, reader) - int(sizes[:-1].sum())
        if 0 < rest < int(sizes[-1]):
            sizes[-1] = rest
    return sizes


def _plain(directory: Directory, reader: StructureReader) -> bool:
    tag = directory.tags.get(259)
    return tag is None or reader.values(tag).tolist() == [1]


def _plain_bytes(directory: Directory, reader: StructureReader) -> int:
    """Bytes of a page without compression; some old writers leave the lengths out."""
    width, height, samples, bits = (
        int(reader.values(directory.tags[code])[0]) if code in directory.tags else default
        for code, default in ((256, 1), (257, 1), (277, 1), (258, 1))
    )
    return (width * samples * bits + 7) // 8 * height


class Space:
    """Hands out room for new bytes: in what was given back, else at the end of the file.

    The same requests in the same order get the same answers.

    Args:
        end: Size of the file.
    """

    def __init__(self, end: int) -> None:
        self.end = end
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._next = 0

    def release(self, start: int, stop: int) -> None:
        """Give back a range; neighbours become one."""
        if stop <= start:
            return
        index = bisect_left(self._starts, start)
        if index < len(self._starts) and self._starts[index] == stop:
            stop = self._stops[index]
            del self._starts[index], self._stops[index]
        if index and self._stops[index - 1] == start:
            self._stops[index - 1] = stop
            return
        self._starts.insert(index, start)
        self._stops.insert(index, stop)

    def place(self, size: int, align: int = 2) -> int:
        """Where ``size`` new bytes go, at a multiple of ``align``."""
        count = len(self._starts)
        for step in range(min(count, LOOK_AT)):
            index = (self._next + step) % count
            start = -(-self._starts[index] // align) * align
            if start + size <= self._stops[index]:
                self._next = index
                self._take(index, start, start + size)
                return start
        return self._append(size, align)

    def reserve(self, stop: int) -> None:
        """Hand out nothing before ``stop`` any more."""
        while self._starts and self._starts[0] < stop:
            start, end = self._starts.pop(0), self._stops.pop(0)
            if end > stop:
                self._starts.insert(0, max(start, stop))
                self._stops.insert(0, end)

    def left(self) -> list[tuple[int, int]]:
        """What was given back and not used again, as (start, stop)."""
        return list(zip(self._starts, self._stops, strict=True))

    def _take(self, index: int, start: int, stop: int) -> None:
        old_start, old_stop = self._starts[index], self._stops[index]
        del self._starts[index], self._stops[index]
        self.release(old_start, start)
        self.release(stop, old_stop)

    def _append(self, size: int, align: int) -> int:
        if self._stops and self._stops[-1] == self.end:
            self.end = self._starts.pop()
            self._stops.pop()
        start = -(-self.end // align) * align
        self.end = start + size
        return start
