"""CRC-32C (Castagnoli), fast enough in NumPy for weights.

A checksum is sequential, but checksums of pieces can be joined: running zeros through the
register is linear over GF(2), so the checksum of a whole follows from those of its parts. The
data are laid out in lanes that advance together, and the lanes are joined at the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78  # reflected; RFC 3720, appendix B.4
_LANES = 4096
_MASK = 0xA282EAD8  # LevelDB, crc32c.h


def _table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table.astype(np.uint32)


_TABLE = _table()
_STEPS = [int(x) for x in _TABLE]


def crc32c(data: bytes) -> int:
    """The CRC-32C of some bytes."""
    register = 0xFFFFFFFF
    length = len(data) // _LANES
    if length:
        lanes = np.frombuffer(data, np.uint8, length * _LANES).reshape(_LANES, length)
        states = np.zeros(_LANES, np.uint32)
        for column in np.ascontiguousarray(lanes.T):
            states = _TABLE[(states ^ column) & 0xFF] ^ (states >> 8)
        skip = _after_zeros(length)
        for state in states.tolist():
            register = _apply(skip, register) ^ state
    for byte in data[length * _LANES :]:
        register = _STEPS[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """A checksum as LevelDB and TensorFlow store it, so that checksums of checksums stay sound."""
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def _after_zeros(count: int) -> list[int]:
    """Where each bit of the register goes when ``count`` zero bytes pass through it."""
    power = [_STEPS[(1 << bit) & 0xFF] ^ ((1 << bit) >> 8) for bit in range(32)]
    result = [1 << bit for bit in range(32)]
    while count:
        if count & 1:
            result = [_apply(power, column) for column in result]
        power = [_apply(power, column) for column in power]
        count >>= 1
    return result


def _apply(columns: list[int], value: int) -> int:
    result = 0
    for column in columns:
        if value & 1:
            result ^= column
        value >>= 1
    return result
