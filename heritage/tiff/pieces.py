"""A file yet to be written, as the pieces it will consist of, in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file; one of its kinds.

    Attributes:
        size: How many.
    """

    size: int


@dataclass(frozen=True, slots=True)
class Copied(Piece):
    """Bytes of the master.

    Attributes:
        at: Where they lie in it.
    """

    at: int

    def part(self, start: int, stop: int) -> Copied:
        """A stretch of it."""
        return Copied(stop - start, self.at + start)


@dataclass(frozen=True, slots=True)
class Repeated(Piece):
    """The same few bytes again and again.

    Attributes:
        unit: Those.
        phase: With which of them it begins.
    """

    unit: bytes = b"\0"
    phase: int = 0

    def part(self, start: int, stop: int) -> Repeated:
        """A stretch of it."""
        return Repeated(stop - start, self.unit, (self.phase + start) % len(self.unit))

    def bytes_at(self, start: int, size: int) -> bytes:
        """Some of its bytes."""
        first = (self.phase + start) % len(self.unit)
        return (self.unit * ((first + size) // len(self.unit) + 1))[first : first + size]


@dataclass(frozen=True, slots=True)
class Given(Piece):
    """Bytes that are known already.

    Attributes:
        data: Those.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class Kept(Piece):
    """Bytes that were put aside in a scratch file.

    Attributes:
        at: Where they lie in it.
    """

    at: int


@dataclass(frozen=True, slots=True)
class Made(Piece):
    """Bytes that are made when their turn comes, from any thread.

    Attributes:
        make: Called once.
    """

    make: Callable[[], bytes] = field(compare=False)


class Draft:
    """The master's bytes, with something else put in some places.

    Args:
        size: Of the master.

    Attributes:
        end: Where the file will end.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.end = size
        self._ground: dict[int, Copied | Repeated] = {}
        self._edits: dict[int, Piece] = {}

    def put(self, at: int, piece: Piece | bytes) -> None:
        """Put something at a position, where nothing else was put."""
        self._edits[at] = Given(len(piece), piece) if isinstance(piece, bytes) else piece

    def lay(self, at: int, piece: Copied | Repeated) -> None:
        """Put something at a position, over which other things may be put."""
        self._ground[at] = piece

    def relocate(self, at: int, size: int, to: int) -> None:
        """Let what was at a position be at another, with all that was put there."""
        self.lay(to, Copied(size, at))
        for start in [one for one in self._edits if at <= one < at + size]:
            self._edits[to + start - at] = self._edits.pop(start)

    def pieces(self) -> Iterator[Piece]:
        """All of them, without a gap.

        Raises:
            ValueError: If two were put over each other, which is a fault of the caller.
        """
        self._starts = sorted(self._ground)
        at = 0
        for start in sorted(self._edits):
            if start < at:
                raise ValueError(f"two pieces of the new file overlap at byte {start}")
            yield from self._below(at, start)
            yield self._edits[start]
            at = start + self._edits[start].size
        if at > self.end:
            raise ValueError(f"a piece of the new file reaches past its end at byte {self.end}")
        yield from self._below(at, self.end)

    def _below(self, start: int, stop: int) -> Iterator[Piece]:
        """What lies there unless something is put over it."""
        index = max(0, bisect_right(self._starts, start) - 1)
        for ground in self._starts[index:]:
            if start >= stop or ground >= stop:
                break
            piece = self._ground[ground]
            if ground + piece.size <= start:
                continue
            if ground > start:
                yield from self._base(start, ground)
                start = ground
            end = min(ground + piece.size, stop)
            yield piece.part(start - ground, end - ground)
            start = end
        if start < stop:
            yield from self._base(start, stop)

    def _base(self, start: int, stop: int) -> Iterator[Piece]:
        known = min(stop, self._size)
        if start < known:
            yield Copied(known - start, start)
        if max(start, known) < stop:
            yield Repeated(stop - max(start, known))


def joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same bytes, with neighbouring stretches of the master as one."""
    before: Copied | None = None
    for piece in pieces:
        if not piece.size:
            continue
        if isinstance(piece, Copied):
            if before is not None and before.at + before.size == piece.at:
                before = replace(before, size=before.size + piece.size)
                continue
            if before is not None:
                yield before
            before = piece
            continue
        if before is not None:
            yield before
            before = None
        yield piece
    if before is not None:
        yield before


__all__: list[Any] = [
    "Copied", "Draft", "Given", "Kept", "Made", "Piece", "Repeated", "joined",
]  # fmt: skip
