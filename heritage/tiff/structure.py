"""The bones of a TIFF file: its directories, their tags, and where everything lies.

tifffile reads what a picture means; this reads where its bytes are, so that a few of them can be
exchanged while all the others stay.

Source of the layout: TIFF revision 6.0 (Adobe, 1992), TIFF Technical Note 1 (SubIFDs), and the
BigTIFF design of the AWare Systems pages.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

TYPE_FORMATS: Final = {
    1: "u1", 2: "u1", 3: "u2", 4: "u4", 5: "2u4", 6: "i1", 7: "u1", 8: "i2", 9: "i4",
    10: "2i4", 11: "f4", 12: "f8", 13: "u4", 14: "u2", 15: "2f4", 16: "u8", 17: "i8", 18: "u8",
}  # fmt: skip
INTEGER_TYPES: Final = frozenset({1, 3, 4, 13, 16, 18})
SUB_IFDS, EXIF_IFD, GPS_IFD, INTEROP_IFD = 330, 34665, 34853, 40965
DATA_TAGS: Final = ((324, 325), (273, 279), (513, 514), (288, 289))
"""Tags that say where data lie, and those that say how long they are."""
POSITIONS: Final = frozenset(code for pair in DATA_TAGS for code in pair)
SINGLE: Final = frozenset({256, 257, 259, 262, 266, 277, 278, 284, 317, 322, 323})
"""Tags about how pixels lie, of one number each; with more, readers compute nonsense or burst."""
CHILDREN: Final = {
    SUB_IFDS: "sub-image",
    EXIF_IFD: "EXIF",
    GPS_IFD: "GPS",
    INTEROP_IFD: "Interoperability",
}


@dataclass(frozen=True, slots=True)
class Tag:
    """One entry of a directory.

    Attributes:
        code: What it is about.
        type: TIFF data type.
        count: Number of values.
        at: Where the entry itself lies in the file.
        value_at: Where its value lies: inside the entry, or elsewhere.
        size: Bytes of the value.
        inline: Whether the value lies inside the entry.
    """

    code: int
    type: int
    count: int
    at: int
    value_at: int
    size: int
    inline: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """One image file directory (IFD): a page, a sub-image, or a block of EXIF or GPS data.

    Attributes:
        name: What to call it in a message, e.g. ``page 2, EXIF``.
        at: Where it lies in the file.
        size: Its bytes, the pointer to the next one included.
        pointer_at: Where the offset lies that leads here.
        next_at: Where its own pointer to the next directory lies.
        tags: By code, in file order.
        children: Directories that its tags point to, each with the tag's code.
    """

    name: str
    at: int
    size: int
    pointer_at: int
    next_at: int
    tags: dict[int, Tag]
    children: tuple[tuple[int, Directory], ...] = ()

    def walk(self) -> Iterator[Directory]:
        """This directory and all below it."""
        yield self
        for _, child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Format:
    """How this file writes its numbers: byte order, classic or BigTIFF."""

    byteorder: Literal["little", "big"]
    bigtiff: bool

    @property
    def order(self) -> str:
        """The struct and numpy prefix."""
        return "<" if self.byteorder == "little" else ">"

    @property
    def offset_bytes(self) -> int:
        """Width of an offset, which is also how much fits inside an entry."""
        return 8 if self.bigtiff else 4

    @property
    def entry_bytes(self) -> int:
        """Width of an entry."""
        return 20 if self.bigtiff else 12

    @property
    def count_bytes(self) -> int:
        """Width of the number of entries."""
        return 8 if self.bigtiff else 2

    @property
    def offset_code(self) -> str:
        """Struct format of an offset."""
        return self.order + ("Q" if self.bigtiff else "I")

    @property
    def count_code(self) -> str:
        """Struct format of the number of entries."""
        return self.order + ("Q" if self.bigtiff else "H")

    def pack_entry(self, code: int, kind: int, count: int, value: bytes) -> bytes:
        """An entry; ``value`` is what stands in its value field, padded here."""
        head = struct.pack(self.order + ("HHQ" if self.bigtiff else "HHI"), code, kind, count)
        return head + value.ljust(self.offset_bytes, b"\0")

    def pack_values(self, kind: int, values: NDArray[np.uint64]) -> bytes:
        """Unsigned integers as values of a tag of type ``kind``."""
        return values.astype(self.order + TYPE_FORMATS[kind]).tobytes()


@dataclass(frozen=True, slots=True)
class Structure:
    """All directories of a file, checked: no loop, nothing outside the file."""

    path: Path
    bytes: int
    format: Format
    pages: tuple[Directory, ...]

    def directories(self) -> Iterator[Directory]:
        """Every directory of the file, depth first."""
        for page in self.pages:
            yield from page.walk()


def type_bytes(kind: int) -> int:
    """Bytes of one value of a TIFF data type; 0 when the type is not known."""
    name = TYPE_FORMATS.get(kind)
    return 0 if name is None else np.dtype(name).itemsize
