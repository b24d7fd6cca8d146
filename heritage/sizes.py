"""Amounts of memory as people write them."""

from __future__ import annotations

import re

UNITS = {
    "": 1,
    "B": 1,
    "K": 1 << 10,
    "M": 1 << 20,
    "G": 1 << 30,
    "T": 1 << 40,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
    "TIB": 1 << 40,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
"""Bytes per unit: KiB and K are 1024, kB is 1000."""

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


def parse_size(text: str | int) -> int:
    """Read an amount of memory, such as ``2 GiB``, ``512MB`` or ``1.5G``, as bytes.

    Args:
        text: A number with an optional unit; a bare number is bytes.

    Raises:
        ValueError: If it is not an amount, with what would be one.
    """
    match = _SIZE.fullmatch(str(text))
    if match is None or match[2].upper() not in UNITS:
        raise ValueError(f"{text!r} is not an amount of memory such as '2 GiB' or '512 MB'")
    return int(float(match[1]) * UNITS[match[2].upper()])


def show_size(size: int) -> str:
    """Write an amount of bytes with the largest binary unit that keeps it above one."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        share = size / UNITS[unit.upper()]
        if share >= 1:
            return f"{share:.4g} {unit}"
    return f"{size} B"
