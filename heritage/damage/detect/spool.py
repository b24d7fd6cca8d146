"""What was found, tile by tile, kept on disk until the whole master has been seen."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from heritage.closing import Closing

Bytes = npt.NDArray[np.uint8]

LEVELS = 65535
"""Confidences are kept as whole numbers up to this: their sums are exact in any order."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The damage in one tile of the mask.

    Attributes:
        y: Its first row in the master.
        x: Its first column.
        damaged: (h, w) bool.
        classes: (n,) uint8, of the damaged pixels in raster order, as is all that follows.
        voices: (n,) uint8, which detector was surest.
        confidence: (n,) uint16, how sure, 1 being ``LEVELS``.
    """

    y: int
    x: int
    damaged: npt.NDArray[np.bool_]
    classes: Bytes
    voices: Bytes
    confidence: npt.NDArray[np.uint16]


class Spool(Closing):
    """Tiles in a file without a name, which is gone when closed, or when the process ends.

    Args:
        folder: On whose disk it lies.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed in __exit__
        self._places: dict[tuple[int, int], tuple[int, int, tuple[int, int]]] = {}
        self._end = 0

    def close(self) -> None:
        """Close the file, which is gone then."""
        self._file.close()

    def add(self, tile: Tile) -> None:
        """Keep a tile.

        Raises:
            OSError: If the disk does not take it.
        """
        parts = (np.packbits(tile.damaged), tile.classes, tile.voices, tile.confidence)
        packed = zlib.compress(b"".join(part.tobytes() for part in parts), 1)
        self._file.seek(self._end)
        self._file.write(packed)
        height, width = tile.damaged.shape
        self._places[tile.y, tile.x] = self._end, len(packed), (height, width)
        self._end += len(packed)

    def tiles(self) -> Iterator[Tile]:
        """All tiles, in the order of the mask: row by row."""
        for (y, x), (start, size, shape) in sorted(self._places.items()):
            self._file.seek(start)
            data = np.frombuffer(zlib.decompress(self._file.read(size)), np.uint8)
            bits = -(-shape[0] * shape[1] // 8)
            damaged = np.unpackbits(data[:bits], count=shape[0] * shape[1]).reshape(shape) > 0
            n = int(np.count_nonzero(damaged))
            classes, voices = data[bits : bits + n], data[bits + n : bits + 2 * n]
            confidence = np.frombuffer(data[bits + 2 * n :].tobytes(), np.uint16)
            yield Tile(y, x, damaged, classes, voices, confidence)
