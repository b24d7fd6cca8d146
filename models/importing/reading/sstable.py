"""Sorted string tables, the file format of LevelDB, as TensorFlow uses it for its indexes.

Format: ``table_format.md`` of LevelDB. Blocks of (key, value) with keys that omit what they share
with the one before, each block followed by its compression and a checksum; an index block that
says where the others are; a footer that says where the index block is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from models.importing.reading.crc32c import crc32c, masked

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
FOOTER = 48  # bytes
_LONGEST = 4096  # bytes of a key; names of variables are below 200
_PLAIN, _SNAPPY = 0, 1


class Damaged(ValueError):
    """Not a table, or a damaged one."""


def entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every key and value of a table, in order.

    Args:
        table: The whole file.

    Raises:
        Damaged: If a checksum, a size or the order is wrong.
    """
    if len(table) < FOOTER or not table.endswith(MAGIC):
        raise Damaged("it has no table footer")
    footer = table[-FOOTER:]
    position = 0
    handles = []
    for _ in range(4):  # of the meta index, unused here, and of the index: offset and size
        number, position = varint(footer, position)
        handles.append(number)
    previous: bytes | None = None
    end = 0
    for _, where in _block(table, handles[2], handles[3]):
        offset, position = varint(where, 0)
        size, _ = varint(where, position)
        if offset < end:  # also keeps a small file from naming one block a million times
            raise Damaged("its blocks overlap")
        end = offset + size
        for key, value in _block(table, offset, size):
            if previous is not None and key <= previous:
                raise Damaged("its names are not in order")
            previous = key
            yield key, value


def varint(data: bytes, position: int) -> tuple[int, int]:
    """A number in the variable-length form of Protocol Buffers, and the position behind it."""
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position
    raise Damaged("a number in it does not end")


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    end = offset + size
    if size < 4 or end + 5 > len(table) - FOOTER:
        raise Damaged("a block lies outside")
    if table[end] != _PLAIN:
        kind = "with Snappy" if table[end] == _SNAPPY else "in an unknown way"
        raise Damaged(f"it is compressed {kind}, as TensorFlow's own checkpoints are not")
    if struct.unpack_from("<I", table, end + 1)[0] != masked(crc32c(table[offset : end + 1])):
        raise Damaged("a checksum is wrong")
    block = table[offset:end]
    restarts = struct.unpack_from("<I", block, size - 4)[0]
    stop = size - 4 - 4 * restarts
    if stop < 0:
        raise Damaged("a block is too short")
    yield from _pairs(block[:stop])


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    key, position = b"", 0
    while position < len(block):
        shared, position = varint(block, position)
        fresh, position = varint(block, position)
        length, position = varint(block, position)
        middle, end = position + fresh, position + fresh + length
        if shared > len(key) or shared + fresh > _LONGEST or end > len(block):
            raise Damaged("an entry does not fit into its block")
        key = key[:shared] + block[position:middle]
        yield key, block[middle:end]
        position = end
