"""From damaged pixels to the regions that are proposed: specks dropped, each region judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heritage.damage.classes import DamageClass
from heritage.damage.detect.spool import LEVELS, Spool, Tile
from heritage.damage.runs import Ints, components, gathered, runs_of
from heritage.geometry import Box

KINDS = tuple(DamageClass)
"""The classes by their value."""

Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FoundRegion:
    """One connected piece of proposed damage.

    Attributes:
        number: From 1, in the order of the regions' first pixels, row by row: that of
            ``heritage.damage.regions.find_regions`` over the same mask.
        box: The smallest rectangle around it.
        area: Its pixels.
        kind: The class of most of them.
        confidence: Their mean confidence, 0..1, to four digits.
        detector: The name of the detector that was surest of most of them.
    """

    number: int
    box: Box
    area: int
    kind: DamageClass
    confidence: float
    detector: str


class Proposal:
    """The regions in a spool; memory is proportional to the damage.

    Args:
        spool: Everything that was found.
        smallest: Regions of fewer pixels are specks and left out.
    """

    def __init__(self, spool: Spool, smallest: int) -> None:
        self._spool = spool
        self._runs = gathered((tile.y, tile.x, tile.damaged) for tile in spool.tiles())
        label = components(self._runs)
        count = int(label.max()) + 1 if len(label) else 0
        areas = np.bincount(label, self._runs.stop - self._runs.start, count)
        kept = areas >= smallest
        numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
        self._number = numbers[label]
        self._span = int(self._runs.stop.max()) + 1 if len(label) else 1
        self._keys = self._runs.row.astype(np.int64) * self._span + self._runs.start
        self.count = int(kept.sum())

    def kept(self, tile: Tile) -> tuple[npt.NDArray[np.bool_], Ints]:
        """Which pixels of a tile stay, (h, w) bool, and the region of each damaged one, (n,).

        The region is 0 where a speck was.
        """
        row, start, stop = runs_of(tile.damaged)
        keys = (row.astype(np.int64) + tile.y) * self._span + start + tile.x
        run = np.searchsorted(self._keys, keys, side="right") - 1
        region = np.repeat(self._number[run], stop - start)
        stays = tile.damaged.copy()
        stays[tile.damaged] = region > 0
        return stays, region

    def regions(self, names: list[str]) -> tuple[FoundRegion, ...]:
        """Judge every region.

        Args:
            names: Of the detectors, as the spool counts them.
        """
        classes = np.zeros((self.count + 1, max(DamageClass) + 1), np.int64)
        voices = np.zeros((self.count + 1, len(names)), np.int64)
        sure = np.zeros(self.count + 1, np.int64)
        for tile in self._spool.tiles():
            _, region = self.kept(tile)
            np.add.at(classes, (region, tile.classes), 1)
            np.add.at(voices, (region, tile.voices), 1)
            np.add.at(sure, region, tile.confidence.astype(np.int64))
        areas = classes.sum(axis=1)
        boxes = self._boxes()
        return tuple(
            FoundRegion(
                n,
                Box(*boxes[n].tolist()),
                int(areas[n]),
                KINDS[int(classes[n].argmax())],
                round(int(sure[n]) / (LEVELS * int(areas[n])), 4),
                names[int(voices[n].argmax())],
            )
            for n in range(1, self.count + 1)
        )

    def _boxes(self) -> Longs:
        runs, number = self._runs, self._number
        boxes = np.zeros((self.count + 1, 4), np.int64)
        boxes[:, :2] = np.iinfo(np.int64).max
        np.minimum.at(boxes[:, 0], number, runs.row)
        np.minimum.at(boxes[:, 1], number, runs.start)
        np.maximum.at(boxes[:, 2], number, runs.row + 1)
        np.maximum.at(boxes[:, 3], number, runs.stop)
        return boxes
