"""Smaller versions of a master, kept beside it in one file that may be deleted at any time.

They hold amounts (``SampleForm``), not colours for a screen, so that levels and profiles apply to
them as to the master. The file is the plain samples of all levels, one after the other; where each
begins follows from the master's size. It appears whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from heritage.ahead import in_turn
from heritage.geometry import Box
from heritage.restore.storage import partial_of, storage
from heritage.review.pictures.areas import Samples, reduced
from heritage.review.pictures.pages import PageReader
from heritage.review.pictures.samples import SampleForm
from heritage.tiff.parsing import read_exactly

FINEST: Final = 4
"""Pixels of the master, along each side, in one of the finest level; then twice as many, ..."""
SMALLEST: Final = 512
"""Levels are made until one is no larger."""
THREADS: Final = min(2, os.cpu_count() or 1)
PIECE: Final = 4 << 20  # pixels of the master at once, unless one tile is larger
BAND: Final = 256  # rows of a level at once


class Stopped(Exception):
    """Nobody looks any more."""


@dataclass(frozen=True)
class Plane:
    """One level: where it lies in the file.

    Attributes:
        scale: Pixels of the master along each side of one of its.
        height: Rows.
        width: Columns.
        at: Its first byte.
    """

    scale: int
    height: int
    width: int
    at: int


def planes(height: int, width: int, pixel: int) -> tuple[list[Plane], int]:
    """The levels of a master, finest first, and the bytes of their file.

    Args:
        height: Rows of the master.
        width: Columns of the master.
        pixel: Bytes of a pixel.
    """
    found: list[Plane] = []
    scale, at = FINEST, 0
    while not found or max(found[-1].height, found[-1].width) > SMALLEST:
        plane = Plane(scale, -(-height // scale), -(-width // scale), at)
        found.append(plane)
        at += plane.height * plane.width * pixel
        scale *= 2
    return found, at


class Overview:
    """A finished overview, open for reading. Thread-safe.

    Args:
        path: The file.
        height: Rows of the master.
        width: Columns of the master.
        form: Of its samples.

    Raises:
        OSError: If it is not there, or not whole.
    """

    def __init__(self, path: Path, height: int, width: int, form: SampleForm) -> None:
        self._path, self._dtype, self._channels = path, form.dtype, form.channels
        self.planes, size = planes(height, width, self._pixel)
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if os.fstat(self._file).st_size != size:
            os.close(self._file)
            raise OSError(f"{path} is not whole")

    @property
    def _pixel(self) -> int:
        return self._channels * self._dtype.itemsize

    def read(self, plane: Plane, box: Box) -> Samples:
        """Amounts of a box of a level, (h, w, channels).

        Raises:
            StorageFailed: If the file cannot be read.
        """
        row, start = plane.width * self._pixel, plane.at + box.x0 * self._pixel
        whole = 2 * box.width >= plane.width
        with storage(self._path):
            if whole:
                pieces = [read_exactly(self._file, plane.at + box.y0 * row, box.height * row)]
            else:
                rows, size = range(box.y0, box.y1), box.width * self._pixel
                pieces = [read_exactly(self._file, start + y * row, size) for y in rows]
        shape = box.height, plane.width if whole else box.width, self._channels
        found = np.frombuffer(b"".join(pieces), self._dtype).reshape(shape)
        return found[:, box.x0 : box.x1] if whole else found

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def build(path: Path, page: PageReader, form: SampleForm, stopped: Callable[[], bool]) -> None:
    """Make the overview of a master, reading it once, within bounded memory.

    Args:
        path: The file to make; its folder is made if missing.
        page: The master.
        form: Of its samples.
        stopped: Asked often whether to give up.

    Raises:
        Stopped: If told to.
        MasterRefused: If a tile or strip of the master is damaged.
        StorageFailed: If the master cannot be read, or the disk does not take it.
    """
    info = page.info
    levels, size = planes(info.height, info.width, form.channels * form.dtype.itemsize)
    with storage(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial_of(path) as partial:
            with partial.open("w+b") as file:
                file.truncate(size)
                _finest(file, levels[0], page, form, stopped)
                for finer, coarser in pairwise(levels):
                    _halve(file, finer, coarser, form, stopped)
            partial.replace(path)


def _finest(
    file: BinaryIO,
    plane: Plane,
    page: PageReader,
    form: SampleForm,
    stopped: Callable[[], bool],
) -> None:
    def work(box: Box) -> tuple[Box, Samples]:
        if stopped():
            raise Stopped
        return box, reduced(form.of(page.read(box)), FINEST)

    with ThreadPoolExecutor(THREADS, "overview") as pool:
        band: list[Samples] = []
        for box, small in in_turn(pool, work, scan(page), THREADS):
            band.append(small)
            if box.x1 == page.info.width:
                rows = np.concatenate(band, axis=1)
                band = []
                _write(file, plane, box.y0 // FINEST, rows)


def scan(page: PageReader) -> Iterator[Box]:
    """Boxes that cover a master, in bands of whole tiles where that can be; blocks stay whole."""
    info = page.info
    tall = info.segment_height if info.segment_height <= 4 * BAND else 2 * BAND
    tall = -(-max(BAND, tall) // tall) * tall
    tall = -(-tall // FINEST) * FINEST
    wide = max(PIECE // tall // FINEST * FINEST, FINEST)
    if info.tiled:
        wide = max(wide // info.segment_width, 1) * info.segment_width
    elif not page.by_rows:
        wide = info.width
    for y in range(0, info.height, tall):
        for x in range(0, info.width, wide):
            yield Box(y, x, min(y + tall, info.height), min(x + wide, info.width))


def _halve(
    file: BinaryIO, finer: Plane, coarser: Plane, form: SampleForm, stopped: Callable[[], bool]
) -> None:
    row = finer.width * form.channels * form.dtype.itemsize
    for y in range(0, finer.height, BAND):
        if stopped():
            raise Stopped
        rows = min(BAND, finer.height - y)
        data: Any = read_exactly(file.fileno(), finer.at + y * row, rows * row)
        pixels = np.frombuffer(data, form.dtype).reshape(rows, finer.width, form.channels)
        _write(file, coarser, y // 2, reduced(pixels, 2))


def _write(file: BinaryIO, plane: Plane, first: int, rows: Samples) -> None:
    data = memoryview(rows.tobytes())
    at = plane.at + first * (len(data) // len(rows))
    while data:
        done = os.pwrite(file.fileno(), data, at)
        data, at = data[done:], at + done
