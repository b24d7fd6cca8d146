"""A first look at a master that nothing smaller is there of: from few of its rows or tiles.

It shows what is where, no more: fine lines are missed or seem coarser than they are. Nobody should
judge by it, or keep it.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.geometry import Box
from heritage.review.pictures.areas import Samples, in_type, shown
from heritage.review.pictures.frames import Frame
from heritage.review.pictures.pages import PageReader
from heritage.review.pictures.samples import SampleForm
from heritage.tiff.grid import Cell

SECONDS: Final = 0.6
"""How long tiles are decoded for one look; those of earlier looks come on top."""
SIDE: Final = 32
"""Most pixels along each side that are kept of a decoded tile."""
ROWS: Final = 64
"""Rows read at once."""


class SparseLook:
    """Samples a master sparsely. Thread-safe.

    Args:
        page: The master.
        form: Of its samples.
    """

    def __init__(self, page: PageReader, form: SampleForm) -> None:
        self._page = page
        self._form = form
        self._lock = threading.Lock()
        self._seen: dict[Cell, Samples] = {}

    def look(self, frame: Frame) -> Samples:
        """Amounts at the size they are shown, (frame.height, frame.width, channels).

        Raises:
            MasterRefused: If a tile or strip is damaged.
            StorageFailed: If the file cannot be read.
        """
        return self._rows(frame) if self._page.by_rows else self._tiles(frame)

    def _rows(self, frame: Frame) -> Samples:
        """The middle row of each that is shown, averaged along itself."""
        info = self._page.info
        box = frame.box(info.height, info.width)
        out = np.empty((frame.height, frame.width, self._form.channels), self._form.dtype)
        middles = frame.top + (np.arange(frame.height) + 0.5) * frame.down
        rows = np.clip(middles.astype(np.intp), 0, info.height - 1)
        for first in range(0, frame.height, ROWS):
            some = rows[first : first + ROWS]
            read = [self._page.read(Box(int(y), box.x0, int(y) + 1, box.x1)) for y in some]
            amounts = self._form.of(np.concatenate(read))
            line = Frame(0, frame.left - box.x0, len(some), frame.right - box.x0, len(some),
                         frame.width)  # fmt: skip
            out[first : first + ROWS] = shown(amounts, line)
        return out

    def _tiles(self, frame: Frame) -> Samples:
        """The tiles or strips that there is time for, spread evenly; the rest is guessed."""
        info = self._page.info
        box = frame.box(info.height, info.width)
        cells = list(self._page.picture.grid.cells_in(box))
        until = time.monotonic() + SECONDS
        values = np.zeros((frame.height, frame.width, self._form.channels), np.float32)
        known = np.zeros((frame.height, frame.width), np.float32)
        for number, index in enumerate(spread(len(cells))):
            small = self._small(cells[index], number < 4 or time.monotonic() < until)
            if small is not None:
                _paint(values, known, frame, cells[index].box, small)
        return in_type(_guessed(values, known), self._form.dtype)

    def _small(self, cell: Cell, may_decode: bool) -> Samples | None:
        with self._lock:
            seen = self._seen.get(cell)
        if seen is not None or not may_decode:
            return seen
        amounts = self._form.of(self._page.cell(cell)[: cell.box.height, : cell.box.width])
        size = min(cell.box.height, SIDE), min(cell.box.width, SIDE * 16)
        seen = shown(amounts, Frame.of(Box(0, 0, cell.box.height, cell.box.width), *size))
        with self._lock:
            self._seen[cell] = seen
        return seen


def spread(count: int) -> NDArray[np.intp]:
    """All of ``count`` things, each far from those before it (the golden ratio's sequence)."""
    golden = (5**0.5 - 1) / 2
    return np.argsort((np.arange(count) * golden) % 1, kind="stable")


def _paint(
    values: NDArray[np.float32], known: NDArray[np.float32], frame: Frame, box: Box, small: Samples
) -> None:
    """Put what is known of a tile where it is shown, a pixel of the screen at least."""
    height, width = known.shape
    y0 = min(max(int((box.y0 - frame.top) / frame.down), 0), height - 1)
    x0 = min(max(int((box.x0 - frame.left) / frame.across), 0), width - 1)
    y1 = max(min(round((box.y1 - frame.top) / frame.down), height), y0 + 1)
    x1 = max(min(round((box.x1 - frame.left) / frame.across), width), x0 + 1)
    part = Frame(
        frame.top + y0 * frame.down, frame.left + x0 * frame.across,
        frame.top + y1 * frame.down, frame.left + x1 * frame.across, y1 - y0, x1 - x0,
    )  # fmt: skip
    own = part.shifted(box.y0, box.x0).scaled(
        box.height / small.shape[0], box.width / small.shape[1]
    )
    values[y0:y1, x0:x1] = shown(small.astype(np.float32), own)
    known[y0:y1, x0:x1] = 1


def _guessed(values: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill what is not known from what is known around it, wider and wider."""
    filled, missing, side = values, known == 0, 3
    while missing.any():
        share = cv2.blur(known, (side, side), borderType=cv2.BORDER_CONSTANT)
        sums = cv2.blur(values * known[..., None], (side, side), borderType=cv2.BORDER_CONSTANT)
        new = missing & (share > 1e-6)
        means = sums.reshape(values.shape) / np.maximum(share, 1e-6)[..., None]
        filled = np.where(new[..., None], means, filled)
        missing &= ~new
        side = side * 2 + 1
    return filled
