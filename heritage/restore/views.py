"""What a model sees: one window of the master at its scale, with its hole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heritage.damage.masks import MaskReader
from heritage.geometry import Box
from heritage.restore.colour import WorkingSpace
from heritage.restore.levels import level_picture
from heritage.restore.windows import Window
from heritage.tiff import Master

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class View:
    """A window as read.

    Args:
        image: (h, w, 3) float32 working RGB.
        hole: (h, w) pixels that nobody knows: damaged, or without a usable value.
        damaged: (h, w) pixels of the mask; at coarser scales the same as ``hole``.
    """

    image: Floats
    hole: Bools
    damaged: Bools


class ViewReader:
    """Reads the windows of a plan; several threads may share one.

    Args:
        master: The open master.
        mask: Its open mask.
        space: Its working space.
    """

    def __init__(self, master: Master, mask: MaskReader, space: WorkingSpace) -> None:
        self._master = master
        self._mask = mask
        self._space = space

    def read(self, window: Window) -> View:
        """A window of the plan at its scale."""
        if window.level > 0:
            return self._reduced(window)
        native = self._master.read(window.box)
        damaged = self._mask.read(window.box)
        hole = damaged | self._space.unusable(native)
        return View(self._space.to_rgb(native), hole, damaged)

    def _reduced(self, window: Window) -> View:
        """The master is read in pieces under the window, never all at once."""
        height, width = self._master.info.height, self._master.info.width
        image, hole = level_picture(
            self._picture, self._hole, window.level, window.box, height, width
        )
        return View(image, hole, hole)

    def _picture(self, box: Box) -> Floats:
        return self._space.to_rgb(self._master.read(box))

    def _hole(self, box: Box) -> Bools:
        damaged = self._mask.read(box)
        if self._space.may_be_unusable:
            damaged |= self._space.unusable(self._master.read(box))
        return damaged
