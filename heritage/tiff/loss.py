"""Whether a compression has lost detail, judged by what was written, not by its name."""

from __future__ import annotations

from typing import Final

from heritage.tiff.codec import JPEG

LOSSLESS_JPEG: Final = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
WEBP: Final = 50001
MAY_LOSE: Final = frozenset({22610, 33003, 33004, 33005, 34712, 34887, 34934, 50002, 52546})
"""JPEG XR, JPEG 2000, LERC, JPEG XL: their streams do not tell easily."""


def is_lossy(compression: int, data: bytes) -> bool:
    """Whether a compression has lost detail, or may have.

    Args:
        compression: TIFF's number of it.
        data: The first bytes of a tile or strip.
    """
    if compression in JPEG:
        return jpeg_process(data) not in LOSSLESS_JPEG
    if compression == WEBP:
        return b"VP8L" not in data[:64]
    return compression in MAY_LOSE


def jpeg_process(data: bytes) -> int | None:
    """The start-of-frame marker of a JPEG stream (ITU-T T.81, table B.1); None without one."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return marker
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
