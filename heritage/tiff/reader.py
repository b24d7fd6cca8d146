"""Reading any rectangle of a master without loading the rest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from heritage.closing import Closing
from heritage.geometry import Box
from heritage.tiff.codec import Pixels
from heritage.tiff.grid import Cell
from heritage.tiff.info import MasterInfo
from heritage.tiff.picture import Picture

Key = tuple[int, int]


class Master(Closing):
    """A master open for reading; a context manager, safe to use from several threads.

    Args:
        path: The file.
        page: Which page, from 0; by default the largest one at full resolution.
        cache_bytes: Decoded tiles or strips that are kept for the next reads, in bytes.

    Raises:
        MasterRefused: If it cannot be restored faithfully.
        StorageFailed: If the file cannot be read.
    """

    def __init__(
        self, path: Path | str, page: int | None = None, cache_bytes: int = 64 << 20
    ) -> None:
        self._picture = Picture(path, page)
        self._room = cache_bytes
        self._used = 0
        self._lock = threading.Lock()
        self._cells: OrderedDict[Key, Pixels] = OrderedDict()
        self._coming: dict[Key, Future[Pixels]] = {}

    @property
    def info(self) -> MasterInfo:
        """What the master is."""
        return self._picture.info

    def close(self) -> None:
        """Close the file and forget what was decoded."""
        self._picture.close()
        self._cells.clear()

    def read(self, box: Box) -> Pixels:
        """The pixels of a rectangle, values as they are stored.

        Args:
            box: Inside the page.

        Returns:
            Shape (height, width, samples), native byte order; a palette gives its indices, a
            JPEG in YCbCr gives RGB, grey from white to black stays as it is.

        Raises:
            MasterRefused: If a tile or strip is damaged; its number is named.
            StorageFailed: If the file cannot be read.
            ValueError: If the box leaves the page.
        """
        info = self.info
        if not Box(0, 0, info.height, info.width).contains(box):
            raise ValueError(f"{box} leaves the page of {info.height} x {info.width} pixels")
        out = np.empty((box.height, box.width, info.samples), self._picture.codec.dtype)
        for cell in self._picture.grid.cells_in(box):
            part = cell.box.intersection(box)
            out[part.within(box)] = self._pixels(cell)[part.within(cell.box)]
        return out

    def _pixels(self, cell: Cell) -> Pixels:
        """Decode a cell once, however many threads ask for it at the same moment."""
        key = cell.segment, cell.top
        with self._lock:
            if key in self._cells:
                self._cells.move_to_end(key)
                return self._cells[key]
            coming = self._coming.get(key)
            if coming is None:
                mine = self._coming[key] = Future[Pixels]()
        if coming is not None:
            return coming.result()
        try:
            pixels = self._picture.joined(cell)
        except BaseException as error:
            with self._lock:
                del self._coming[key]
            mine.set_exception(error)
            raise
        self._keep(key, pixels)
        mine.set_result(pixels)
        return pixels

    def _keep(self, key: Key, pixels: Pixels) -> None:
        with self._lock:
            del self._coming[key]
            self._cells[key] = pixels
            self._used += pixels.nbytes
            while self._used > self._room and self._cells:
                _, gone = self._cells.popitem(last=False)
                self._used -= gone.nbytes


def open_master(path: Path | str, page: int | None = None, cache_bytes: int = 64 << 20) -> Master:
    """Open a master for reading rectangles.

    Args:
        path: The file.
        page: Which page, from 0; by default the largest one at full resolution.
        cache_bytes: Decoded tiles or strips that are kept for the next reads, in bytes.

    Raises:
        MasterRefused: If it cannot be restored faithfully.
        StorageFailed: If the file cannot be read.
    """
    return Master(path, page, cache_bytes)
