"""The region of every damaged pixel of a mask, window by window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heritage.damage.masks import MaskReader
from heritage.damage.runs import Ints, Runs, components, gathered, runs_of
from heritage.geometry import Box


class Numbering:
    """Numbers of regions, from 1, as ``heritage.damage.regions.find_regions`` gives them.

    Memory is proportional to the damage.

    Args:
        mask: The open mask.

    Attributes:
        areas: (regions + 1,) int64, pixels of each; the first is 0.
    """

    def __init__(self, mask: MaskReader) -> None:
        self._mask = mask
        runs = runs_in(mask)
        self._number: Ints = components(runs) + np.int32(1)
        self._span = mask.width + 1
        self._keys = runs.row.astype(np.int64) * self._span + runs.start
        self._firsts = runs.row, runs.start
        lengths = (runs.stop - runs.start).astype(np.int64)
        self.areas = np.zeros(int(self._number.max(initial=0)) + 1, np.int64)
        np.add.at(self.areas, self._number, lengths)

    def corners(self) -> npt.NDArray[np.int64]:
        """First row and column of each region, (regions + 1, 2) int64."""
        corners = np.full((len(self.areas), 2), np.iinfo(np.int64).max)
        for axis, values in enumerate(self._firsts):
            np.minimum.at(corners[:, axis], self._number, values)
        return corners

    def read(self, box: Box) -> Ints:
        """The region of every pixel in ``box``, (h, w) int32; 0 where none is."""
        damaged = self._mask.read(box)
        row, start, stop = runs_of(damaged)
        numbers = np.zeros(damaged.shape, np.int32)
        keys = (row.astype(np.int64) + box.y0) * self._span + start + box.x0
        run = np.searchsorted(self._keys, keys, side="right") - 1
        numbers[damaged] = np.repeat(self._number[run], stop - start)
        return numbers


def runs_in(mask: MaskReader) -> Runs:
    """The damage of a mask as runs, in raster order; their depths are not known and 0."""
    return gathered((tile.y0, tile.x0, mask.read(tile)) for tile in mask.blocks())
