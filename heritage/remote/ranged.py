"""The structure of a TIFF that is far away, fetched into a file with holes as it is needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from heritage.errors import MasterRefused
from heritage.remote.address import Address
from heritage.remote.faults import NoRanges, RemoteFailed
from heritage.remote.store import Sleep, Stamp, Store, patiently
from heritage.tiff.pages import choose_page
from heritage.tiff.parsing import StructureReader
from heritage.tiff.structure import Directory, Structure

BLOCK: Final = 64 << 10
"""Bytes that are asked for at once; directories and their values lie close together."""
BUDGET: Final = 128 << 20
"""A structure that takes more than this is not looked at from afar. The table of a picture of
4 gigapixels in tiles of 256 x 256 takes 1 MiB."""
LARGEST_VALUE: Final = 16 << 20
"""Values beyond this are a program's own data, which say nothing about the picture."""
FIRST_PIXELS: Final = 64 << 10
OFFSETS: Final = (324, 273, 513)


class Window:
    """A local file of the same length, in which only those parts are filled that were asked for.

    Args:
        store: Where the file is.
        address: Which one.
        stamp: What it is.
        path: The local file; made anew.
        sleep: Waits between tries.
    """

    def __init__(
        self, store: Store, address: Address, stamp: Stamp, path: Path, sleep: Sleep
    ) -> None:
        self.path, self.moved = path, 0
        self._store, self._address, self._stamp, self._sleep = store, address, stamp, sleep
        self._there = set[int]()
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.ftruncate(self.descriptor, stamp.bytes)

    def need(self, at: int, size: int) -> None:
        """Fill a part, unless it is there already.

        Raises:
            RemoteFailed: If it cannot be had, or it would become too much.
        """
        last = min(at + size, self._stamp.bytes)
        missing = [
            block for block in range(at // BLOCK, -(-last // BLOCK)) if block not in self._there
        ]
        while missing:
            first = count = missing.pop(0)
            while missing and missing[0] == count + 1:
                count = missing.pop(0)
            self._fill(first * BLOCK, min((count + 1) * BLOCK, self._stamp.bytes))
            self._there.update(range(first, count + 1))

    def close(self) -> None:
        """Close the local file."""
        os.close(self.descriptor)

    def _fill(self, start: int, stop: int) -> None:
        if self.moved + stop - start > BUDGET:
            raise RemoteFailed(
                f"its structure takes more than {BUDGET >> 20} MiB; fetch it to look at it",
                self._address,
            )

        def fill() -> None:
            at = start
            for piece in self._store.read(self._address, start, stop, self._stamp):
                os.pwrite(self.descriptor, piece, at)
                at += len(piece)

        patiently(fill, self._sleep)
        self.moved += stop - start


class RangedReader(StructureReader):
    """Reads the structure of a file of which only parts are here.

    Args:
        window: Brings the parts.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        super().__init__(window.descriptor, window.path)

    def read(self, at: int, size: int) -> bytes:
        """Exactly ``size`` bytes, brought here first."""
        if at >= 0 and size > 0:
            self._window.need(at, size)
        return super().read(at, size)


def bring_structure(window: Window, page: int | None) -> Structure:
    """Everything of a file but its pixels: directories, values, tables of tiles.

    Args:
        window: Into which it is brought.
        page: Which page is the picture; by default the largest one at full resolution.

    Raises:
        MasterRefused: If it is no TIFF, or one whose structure does not add up.
        RemoteFailed: If it cannot be had.
    """
    reader = RangedReader(window)
    structure = reader.structure()
    for directory in structure.directories():
        for tag in directory.tags.values():
            if not tag.inline and tag.size <= LARGEST_VALUE:
                window.need(tag.value_at, tag.size)
    picture = structure.pages[choose_page(structure, reader, page)]
    _bring_first_pixels(window, reader, picture)
    return structure


def require_ranges(address: Address, stamp: Stamp) -> None:
    """Refuse a server that would send everything each time.

    Raises:
        NoRanges: If it hands out no parts.
    """
    if not stamp.ranges:
        raise NoRanges(
            "the server hands out no parts of a file; fetch it whole and look at the copy", address
        )


def _bring_first_pixels(window: Window, reader: StructureReader, page: Directory) -> None:
    """The beginning of the first tile or strip, which tells lossless from lossy."""
    code = next((one for one in OFFSETS if one in page.tags), None)
    if code is None:
        raise MasterRefused("it does not say where its pixels are", reader.path)
    first = next((int(at) for at in reader.values(page.tags[code]).tolist() if at), None)
    if first is not None and first < reader.bytes:
        window.need(first, FIRST_PIXELS)
