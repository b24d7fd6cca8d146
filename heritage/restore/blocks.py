"""Restored pixels block by block: blended once, used by the layer and by the restored file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heritage.damage.masks import TILE, MaskReader
from heritage.geometry import Box

Native = NDArray[Any]


class RestoredBlocks:
    """The restored pixels of a master's blocks, made when somebody first asks for them.

    They are kept until they have been both painted and stored, as far as memory allows; what was
    not kept is made anew, which gives the same pixels. Several threads may share one.

    Args:
        make: Restored pixels of a block, (n, samples), of its n damaged ones in raster order.
        mask: The open mask, whose tiles are the blocks.
        room: Bytes to keep.
    """

    def __init__(self, make: Callable[[Box], Native], mask: MaskReader, room: int) -> None:
        self._make = make
        self._mask = mask
        self._room = room
        self._held: dict[Box, Native] = {}
        self._left: dict[Box, int] = {}
        self._coming: dict[Box, Future[Native]] = {}
        self._guard = Lock()

    def restored(self, block: Box) -> Native:
        """(n, samples) of a block; made once, however many threads ask at the same moment."""
        with self._guard:
            if block in self._held:
                return self._held[block]
            coming = self._coming.get(block)
            if coming is None:
                mine = self._coming[block] = Future[Native]()
        if coming is not None:
            return coming.result()
        try:
            pixels = self._make(block)
        except BaseException as error:
            with self._guard:
                del self._coming[block]
            mine.set_exception(error)
            raise
        with self._guard:
            del self._coming[block]
            left = self._left.setdefault(block, 2 * len(pixels))
            if left > 0 and pixels.nbytes <= self._room:
                self._room -= pixels.nbytes
                self._held[block] = pixels
        mine.set_result(pixels)
        return pixels

    def paint(self, box: Box, pixels: Native) -> int:
        """Put the restored pixels of a rectangle in their place.

        Args:
            box: In pixels of the master.
            pixels: (h, w, samples), changed in place.

        Returns:
            How many were put.
        """
        count = 0
        for block in self._blocks(box):
            part = block.intersection(box)
            damaged = self._mask.read(part)
            here = int(np.count_nonzero(damaged))
            if here:
                pixels[part.within(box)][damaged] = self._part(block, part)
                self.used(block, here)
                count += here
        return count

    def _part(self, block: Box, part: Box) -> Native:
        """Of a block's restored pixels those in a part of it."""
        restored = self.restored(block)
        if part == block:
            return restored
        damaged = self._mask.read(block)
        inside = np.zeros_like(damaged)
        inside[part.within(block)] = True
        return restored[inside[damaged]]

    def used(self, block: Box, count: int) -> None:
        """Note that pixels of a block were painted or stored; it is let go after the last of both.

        Args:
            block: Which.
            count: How many pixels.
        """
        with self._guard:
            self._left[block] -= count
            if self._left[block] <= 0 and block in self._held:
                self._room += self._held.pop(block).nbytes

    def _blocks(self, box: Box) -> Iterator[Box]:
        """The blocks under a box."""
        for y in range(box.y0 // TILE * TILE, box.y1, TILE):
            for x in range(box.x0 // TILE * TILE, box.x1, TILE):
                block = Box(y, x, y + TILE, x + TILE)
                yield block.clipped(self._mask.height, self._mask.width)
