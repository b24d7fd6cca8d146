"""The records in the index of a TensorFlow checkpoint, which are Protocol Buffers.

Field numbers: ``tensor_bundle.proto``, ``tensor_shape.proto`` and ``types.proto`` of TensorFlow.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from models.importing.reading.sstable import Damaged, varint

_STRING = 7
_DTYPES = {
    1: torch.float32,
    2: torch.float64,
    3: torch.int32,
    4: torch.uint8,
    5: torch.int16,
    6: torch.int8,
    9: torch.int64,
    10: torch.bool,
    14: torch.bfloat16,
    19: torch.float16,
}
_MOST_DIMENSIONS = 16
_LARGEST = 2**40  # of any number in a record, and of bytes in a variable

SLICED = "it holds a variable in slices; save it without a partitioner"


class Unsupported(ValueError):
    """A sound checkpoint with something in it that is not read here."""


@dataclass(frozen=True)
class Header:
    """What holds for the whole checkpoint: over how many files its data are spread."""

    shards: int


@dataclass(frozen=True)
class Entry:
    """Where a variable lies.

    Attributes:
        dtype: None if it is text.
        shape: Dimensions.
        shard: Number of the file.
        offset: In bytes from the file's beginning.
        size: In bytes.
        checksum: Masked CRC-32C of the bytes.
    """

    dtype: torch.dtype | None
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


def header_of(message: bytes) -> Header:
    """Read a ``BundleHeaderProto``.

    Raises:
        Damaged: If it is none.
        Unsupported: If the numbers are big-endian.
    """
    values = dict(_fields(message))
    if _number(values, 2):
        raise Unsupported("it was written on a big-endian machine; save it on another")
    return Header(_number(values, 1))


def entry_of(message: bytes) -> Entry:
    """Read a ``BundleEntryProto``.

    Raises:
        Damaged: If it is none.
        Unsupported: If the variable is stored in slices, or is neither numbers nor text.
    """
    values = dict(_fields(message))
    if 7 in values:
        raise Unsupported(SLICED)
    kind = _number(values, 1)
    if kind != _STRING and kind not in _DTYPES:
        raise Unsupported(f"it holds a variable of TensorFlow's type {kind}; save only numbers")
    shape = tuple(_number(dict(_fields(dim)), 1) for dim in _dimensions(values.get(2, b"")))
    if len(shape) > _MOST_DIMENSIONS or math.prod(max(1, side) for side in shape) > _LARGEST:
        raise Damaged("it has a variable of impossible shape")
    places = (_number(values, field) for field in (3, 4, 5, 6))
    return Entry(_DTYPES.get(kind), shape, *places)


def _dimensions(shape: int | bytes) -> Iterator[bytes]:
    if isinstance(shape, int):
        raise Damaged("a record in it is of an unknown form")
    for field, value in _fields(shape):
        if field == 2 and isinstance(value, bytes):
            yield value


def _number(values: dict[int, int | bytes], field: int) -> int:
    value = values.get(field, 0)
    if isinstance(value, bytes) or value > _LARGEST:  # negative numbers are huge ones here
        raise Damaged("a record in it has an impossible number")
    return value


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(message):
        tag, position = varint(message, position)
        value: int | bytes
        match tag & 7:
            case 0:
                value, position = varint(message, position)
            case 2:
                length, position = varint(message, position)
                value, position = message[position : position + length], position + length
            case 1 | 5 as wire:
                size = 8 if wire == 1 else 4
                if position + size > len(message):
                    raise Damaged("a record in it is cut off")
                value = struct.unpack_from("<Q" if wire == 1 else "<I", message, position)[0]
                position += size
            case _:
                raise Damaged("a record in it is of an unknown form")
        if position > len(message):
            raise Damaged("a record in it is cut off")
        yield tag >> 3, value
