"""Reading the structure of a TIFF file, and repairing nothing.

A file whose structure does not add up is refused, because an archive must not receive what only
one reader can make sense of.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from heritage.errors import MasterRefused, StorageFailed
from heritage.tiff.structure import (
    CHILDREN,
    INTEGER_TYPES,
    POSITIONS,
    SINGLE,
    SUB_IFDS,
    TYPE_FORMATS,
    Directory,
    Format,
    Structure,
    Tag,
    type_bytes,
)

MAX_TAGS: Final = 4096
MAX_DIRECTORIES: Final = 65_536


class StructureReader:
    """Reads directories and values from an open file; every read is checked against its size.

    Args:
        descriptor: Open for reading; stays the caller's.
        path: For messages.

    Raises:
        MasterRefused: If the file is no TIFF.
        StorageFailed: If it cannot be read.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self.descriptor = descriptor
        self.path = path
        self.bytes = os.fstat(descriptor).st_size
        self.format, self.first_at = self._header()
        self._known = 0

    def read(self, at: int, size: int) -> bytes:
        """Exactly ``size`` bytes.

        Raises:
            MasterRefused: If they are not all inside the file.
            StorageFailed: If the system cannot read them.
        """
        if at < 0 or size < 0 or at + size > self.bytes:
            raise MasterRefused(
                "the file is cut off or its structure points past its end", self.path
            )
        try:
            return read_exactly(self.descriptor, at, size)
        except OSError as error:
            raise StorageFailed(f"cannot be read ({error.strerror})", self.path) from error

    def values(self, tag: Tag) -> NDArray[np.uint64]:
        """The values of a tag of an unsigned integer type.

        Raises:
            MasterRefused: If it is of another type.
        """
        if tag.type not in INTEGER_TYPES:
            raise MasterRefused(f"tag {tag.code} has a type that makes no sense for it", self.path)
        raw = self.read(tag.value_at, tag.size)
        return np.frombuffer(raw, self.format.order + TYPE_FORMATS[tag.type]).astype(np.uint64)

    def structure(self) -> Structure:
        """All directories.

        Raises:
            MasterRefused: If they form a loop, lie outside the file or make no sense.
        """
        pages: list[Directory] = []
        at, pointer_at, seen = self._offset(self.first_at), self.first_at, set[int]()
        while at:
            if at in seen:
                raise MasterRefused("its pages form a loop; the file is damaged", self.path)
            seen.add(at)
            page = self._directory(at, pointer_at, f"page {len(pages) + 1}", ())
            pages.append(page)
            at, pointer_at = self._offset(page.next_at), page.next_at
        if not pages:
            raise MasterRefused("it holds no picture", self.path)
        return Structure(self.path, self.bytes, self.format, tuple(pages))

    def _header(self) -> tuple[Format, int]:
        head = self.read(0, min(16, self.bytes))
        if not head:
            raise MasterRefused("the file is empty", self.path)
        names: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}
        byteorder = names.get(head[:2])
        if byteorder is None or len(head) < 8:
            raise MasterRefused("not a TIFF file", self.path)
        order = "<" if byteorder == "little" else ">"
        (version,) = struct.unpack_from(order + "H", head, 2)
        if version == 42:
            return Format(byteorder, bigtiff=False), 4
        if version == 43 and len(head) == 16:
            if struct.unpack_from(order + "HH", head, 4) != (8, 0):
                raise MasterRefused("its BigTIFF header is damaged", self.path)
            return Format(byteorder, bigtiff=True), 8
        raise MasterRefused(f"not a TIFF file (version {version} instead of 42 or 43)", self.path)

    def _offset(self, at: int) -> int:
        code = self.format.offset_code
        return int(struct.unpack(code, self.read(at, self.format.offset_bytes))[0])

    def _directory(self, at: int, pointer_at: int, name: str, above: tuple[int, ...]) -> Directory:
        form = self.format
        self._known += 1
        if self._known > MAX_DIRECTORIES:
            raise MasterRefused(f"it claims more than {MAX_DIRECTORIES} directories", self.path)
        if at < 8 or at + form.count_bytes > self.bytes:
            raise MasterRefused(
                f"{name} lies outside the file; it is damaged or cut off", self.path
            )
        (count,) = struct.unpack(form.count_code, self.read(at, form.count_bytes))
        if not 0 < count <= MAX_TAGS:
            raise MasterRefused(f"{name} claims {count} tags; the file is damaged", self.path)
        first = at + form.count_bytes
        raw = self.read(first, count * form.entry_bytes)
        next_at = first + len(raw)
        self.read(next_at, form.offset_bytes)
        tags = self._tags(raw, first, name)
        children = tuple(self._children(tags, name, (*above, at)))
        size = next_at + form.offset_bytes - at
        return Directory(name, at, size, pointer_at, next_at, tags, children)

    def _tags(self, raw: bytes, first: int, name: str) -> dict[int, Tag]:
        form = self.format
        head = form.order + ("HHQ" if form.bigtiff else "HHI")
        tags: dict[int, Tag] = {}
        for position in range(0, len(raw), form.entry_bytes):
            code, kind, count = struct.unpack_from(head, raw, position)
            if code in tags:
                raise MasterRefused(
                    f"{name} holds tag {code} twice; the file is damaged", self.path
                )
            tags[code] = self._tag(code, kind, count, first + position, name)
        return tags

    def _tag(self, code: int, kind: int, count: int, at: int, name: str) -> Tag:
        form = self.format
        size = count * type_bytes(kind)
        field_at = at + form.entry_bytes - form.offset_bytes
        if not type_bytes(kind):
            raise MasterRefused(
                f"tag {code} of {name} has the unknown type {kind}; the file is damaged", self.path
            )
        if code in POSITIONS and kind not in INTEGER_TYPES:
            raise MasterRefused(
                f"tag {code} of {name} has a type that makes no sense for it", self.path
            )
        if code in SINGLE and count != 1:
            raise MasterRefused(
                f"tag {code} of {name} holds {count} numbers instead of one; the file is damaged",
                self.path,
            )
        if size <= form.offset_bytes:
            return Tag(code, kind, count, at, field_at, size, inline=True)
        value_at = self._offset(field_at)
        if value_at < 8 or value_at + size > self.bytes:
            raise MasterRefused(
                f"tag {code} of {name} points outside the file; it is damaged or cut off", self.path
            )
        return Tag(code, kind, count, at, value_at, size, inline=False)

    def _children(
        self, tags: dict[int, Tag], name: str, above: tuple[int, ...]
    ) -> Iterator[tuple[int, Directory]]:
        for code, kind in CHILDREN.items():
            if code not in tags or tags[code].type not in INTEGER_TYPES:
                continue
            tag, listed = tags[code], set[int]()
            for number, offset in enumerate(self.values(tag).tolist()):
                at, pointer_at = int(offset), tag.value_at + number * type_bytes(tag.type)
                label = f"{name}, {kind}" + (f" {number + 1}" if code == SUB_IFDS else "")
                # Sub-images may be chained like pages, and be listed as well.
                while at and at not in listed:
                    if at in above:
                        raise MasterRefused(
                            "its directories form a loop; the file is damaged", self.path
                        )
                    listed.add(at)
                    child = self._directory(at, pointer_at, label, above)
                    yield code, child
                    if code != SUB_IFDS:
                        break
                    at, pointer_at = self._offset(child.next_at), child.next_at


def read_exactly(descriptor: int, at: int, size: int) -> bytes:
    """Read from a position, however small the pieces that the system returns.

    Raises:
        OSError: If the file ends early or cannot be read.
    """
    pieces: list[bytes] = []
    while size:
        piece = os.pread(descriptor, min(size, 1 << 30), at)
        if not piece:
            raise OSError(5, "the file became shorter while it was read")
        pieces.append(piece)
        at, size = at + len(piece), size - len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
