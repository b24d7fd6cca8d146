"""Mutations that know what a TIFF file is made of.

Most random bytes break the header, or change pixels, and nothing is learnt. These change what
directories say: types, counts, values, positions, tag numbers and the links between directories.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
         16: 8, 17: 8, 18: 8}  # fmt: skip
TELLING = [254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323,
           324, 325, 330, 338, 339, 347, 513, 514, 530, 34665, 34853, 34377, 50674]  # fmt: skip
"""Tags that say how pixels are stored, or that point into the file."""
MOST_DIRECTORIES = 20


@dataclass(frozen=True)
class Entry:
    """One entry of a directory: where it lies, and what it says."""

    at: int
    code: int
    kind: int
    count: int


@dataclass(frozen=True)
class Layout:
    """What a mutator needs to know of a file."""

    order: str
    big: bool
    directories: list[tuple[int, list[Entry], int]]
    """Position, entries, and where the position of the next one is stored."""

    @property
    def word(self) -> str:
        """Of a position or count."""
        return self.order + ("Q" if self.big else "I")

    @property
    def word_bytes(self) -> int:
        return 8 if self.big else 4

    @property
    def entry_bytes(self) -> int:
        return 20 if self.big else 12


def layout_of(data: bytes) -> Layout | None:
    """The directories of a file, as far as they can be followed; None for anything else."""
    if len(data) < 16 or data[:2] not in (b"II", b"MM"):
        return None
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    layout = Layout(order, big, [])
    waiting, seen = [8 if big else 4], set[int]()
    while waiting and len(layout.directories) < MOST_DIRECTORIES:
        pointer = waiting.pop(0)
        if pointer + layout.word_bytes > len(data):
            continue
        (at,) = struct.unpack_from(layout.word, data, pointer)
        if at in seen or not 0 < at <= len(data) - 8:
            continue
        seen.add(at)
        waiting += _directory(data, at, layout)
    return layout


def _directory(data: bytes, at: int, layout: Layout) -> list[int]:
    """Add a directory; returns where positions of further ones are stored."""
    code = layout.order + ("Q" if layout.big else "H")
    (count,) = struct.unpack_from(code, data, at)
    first, step = at + struct.calcsize(code), layout.entry_bytes
    entries, more = [], []
    for position in range(first, min(first + min(count, 200) * step, len(data) - step + 1), step):
        head = layout.order + ("HHQ" if layout.big else "HHI")
        entry = Entry(position, *struct.unpack_from(head, data, position))
        entries.append(entry)
        if entry.code in (330, 34665, 34853, 40965):
            more.append(value_at(data, entry, layout))
    following = first + len(entries) * step
    layout.directories.append((at, entries, following))
    return [following, *more]


def value_at(data: bytes, entry: Entry, layout: Layout) -> int:
    """Where an entry's values lie."""
    here = entry.at + layout.entry_bytes - layout.word_bytes
    if SIZES.get(entry.kind, 1) * entry.count <= layout.word_bytes:
        return here
    return int(struct.unpack_from(layout.word, data, here)[0])


class Mutator:
    """Changes the structure of TIFF files.

    Args:
        seed: The same one gives the same changes.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def mutate(self, data: bytes) -> bytes | None:
        """A changed file; None for something that is no TIFF file."""
        for _ in range(self.random.choice([1, 1, 1, 1, 2])):
            layout = layout_of(data)
            if layout is None or not layout.directories:
                return None
            _, entries, following = self.random.choice(layout.directories)
            raw = bytearray(data)
            if not entries or self.random.random() < 0.08:
                self._link(raw, layout, following)
            else:
                telling = [one for one in entries if one.code in TELLING] or entries
                entry = self.random.choice(telling if self.random.random() < 0.6 else entries)
                self._change(raw, layout, entry, entries)
            data = bytes(raw)
        return data

    def _change(self, raw: bytearray, layout: Layout, one: Entry, entries: list[Entry]) -> None:
        ways: list[Callable[[], None]] = [
            *[lambda: self._values(raw, layout, one)] * 5,
            *[lambda: self._pixels(raw)] * 4,
            lambda: self._count(raw, layout, one),
            lambda: self._kind(raw, layout, one),
            lambda: self._code(raw, layout, one),
            lambda: self._position(raw, layout, one),
            lambda: self._swap(raw, layout, one, self.random.choice(entries)),
        ]
        self.random.choice(ways)()

    def _values(self, raw: bytearray, layout: Layout, entry: Entry) -> None:
        size = SIZES.get(entry.kind, 1)
        at = value_at(raw, entry, layout)
        if entry.count > 1:
            at += self.random.randrange(min(entry.count, 1 << 20)) * size
        width = min(size, 8)
        if at + width > len(raw):
            return
        order = "little" if layout.order == "<" else "big"
        now = int.from_bytes(raw[at : at + width], order)
        raw[at : at + width] = (self._number(now, raw, layout) % 256**width).to_bytes(width, order)

    def _number(self, now: int, raw: bytearray, layout: Layout) -> int:
        """One that may tempt a reader."""
        near = now + self.random.choice([-16, -2, -1, 1, 2, 16])
        scaled = self.random.choice([now // 2, now * 2, now * 16, now << 16])
        special = self.random.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 255, 32767, 2**31, 2**32 - 1])
        inside = self.random.randrange(len(raw))
        places = [at for at, _, _ in layout.directories]
        return self.random.choice([near, near, scaled, special, special, inside,
                                   len(raw) - now, self.random.choice(places)])  # fmt: skip

    def _count(self, raw: bytearray, layout: Layout, entry: Entry) -> None:
        count = self._number(entry.count, raw, layout) % (2**64 if layout.big else 2**32)
        struct.pack_into(layout.word, raw, entry.at + 4, count)

    def _kind(self, raw: bytearray, layout: Layout, entry: Entry) -> None:
        kind = self.random.choice([*SIZES, *SIZES, 0, 14, 200])
        struct.pack_into(layout.order + "H", raw, entry.at + 2, kind)

    def _code(self, raw: bytearray, layout: Layout, entry: Entry) -> None:
        code = self.random.choice([*TELLING, *TELLING, entry.code + 1, 65000, 700])
        struct.pack_into(layout.order + "H", raw, entry.at, code % 65536)

    def _position(self, raw: bytearray, layout: Layout, entry: Entry) -> None:
        here = entry.at + layout.entry_bytes - layout.word_bytes
        (now,) = struct.unpack_from(layout.word, raw, here)
        wanted = self._number(now, raw, layout) % 256**layout.word_bytes
        struct.pack_into(layout.word, raw, here, wanted)

    def _swap(self, raw: bytearray, layout: Layout, one: Entry, other: Entry) -> None:
        """Exchange the values of two entries, or copy one over the other."""
        size = layout.entry_bytes
        first, second = raw[one.at : one.at + size], raw[other.at : other.at + size]
        keep = self.random.choice([0, 2, 2, 4])
        raw[one.at + keep : one.at + size] = second[keep:]
        if self.random.random() < 0.5:
            raw[other.at + keep : other.at + size] = first[keep:]

    def _pixels(self, raw: bytearray) -> None:
        """Damage the data of a tile or strip, or cut the file off."""
        if self.random.random() < 0.1:
            del raw[self.random.randrange(len(raw) // 2, len(raw)) :]
            return
        for _ in range(self.random.choice([1, 1, 4])):
            raw[self.random.randrange(8, len(raw))] = self.random.randrange(256)

    def _link(self, raw: bytearray, layout: Layout, following: int) -> None:
        """Let a directory be followed by another one, by itself or by nonsense."""
        if following + layout.word_bytes <= len(raw):
            places = [at for at, _, _ in layout.directories]
            wanted = self.random.choice([*places, 0, self.random.randrange(len(raw))])
            struct.pack_into(layout.word, raw, following, wanted)
