"""Measures of a fill against what surrounds it: values at the end of the scale, and noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.damage.masks import MaskReader
from heritage.geometry import Box
from heritage.restore.colour import WorkingSpace, needs_value_range
from heritage.restore.grain import RING, measure
from heritage.tiff import Master, MasterInfo

Bools = NDArray[np.bool_]
Native = NDArray[Any]

MARGIN: Final = 2 * RING
PLACES: Final = 16
"""Tiles of the mask in which noise is measured, evenly spread."""


def ends_of(info: MasterInfo) -> tuple[int, int] | None:
    """Lowest and highest value of a sample; None where the scale has no ends that mean clipping."""
    kind = np.dtype(info.dtype).kind
    if kind not in "iu" or info.colour == "palette" or info.bits > 16:
        return None
    return (-info.max_value - 1 if kind == "i" else 0), info.max_value


@dataclass
class Clipping:
    """Filled pixels with a colour sample at the lowest or highest value.

    Attributes:
        ends: Of the scale.
        samples: Colour samples of a pixel.
        filled: Pixels of the fill.
        clipped: Those at an end of the scale.
        introduced: Those of them at an end that no known pixel around them reaches.
        reached: (2, samples), whether any known pixel of the picture is at an end.
    """

    ends: tuple[int, int]
    samples: int
    filled: int = 0
    clipped: int = 0
    introduced: int = 0
    reached: Bools = field(init=False)

    def __post_init__(self) -> None:
        self.reached = np.zeros((2, self.samples), np.bool_)

    @property
    def share(self) -> float:
        """Part of the fill that was clipped without example, 0..1."""
        return self.introduced / max(1, self.filled)

    def know(self, pixels: Native, damaged: Bools) -> None:
        """Learn from a part of the picture what its known pixels reach."""
        if not self.reached.all():
            self.reached |= self._reach(pixels[~damaged] if damaged.any() else pixels)

    def judge(self, pixels: Native, damaged: Bools, core: tuple[slice, slice]) -> None:
        """Count the clipped pixels of one place, after all of the picture is known.

        Args:
            pixels: (h, w, samples) of the restored picture, with a margin.
            damaged: (h, w), the mask there.
            core: The part without the margin.
        """
        near = cv2.dilate(damaged.astype(np.uint8), np.ones((2 * RING + 1,) * 2, np.uint8)) > 0
        ring = near & ~damaged
        example = self._reach(pixels[ring]) if ring.any() else self.reached
        filled = pixels[core][damaged[core]][:, : self.samples]
        at_ends = np.stack([filled <= self.ends[0], filled >= self.ends[1]])
        self.filled += len(filled)
        self.clipped += int(np.count_nonzero(at_ends.any(axis=(0, 2))))
        self.introduced += int(np.count_nonzero((at_ends & ~example[:, None]).any(axis=(0, 2))))

    def _reach(self, pixels: Native) -> Bools:
        """(2, samples), whether any of (..., samples) is at an end. Channel by channel: faster."""
        found = np.zeros((2, self.samples), np.bool_)
        if pixels.size:
            for sample in range(self.samples):
                values = pixels[..., sample]
                found[:, sample] = values.min() <= self.ends[0], values.max() >= self.ends[1]
        return found


@dataclass(frozen=True)
class Noise:
    """The finest detail of a fill and of its surroundings.

    Args:
        fill: Standard deviation, as a share of the full scale.
        surround: The same beside the fill.
        places: Places in which both were measured.
    """

    fill: float
    surround: float
    places: int


def noise_of(restored: Master, mask: MaskReader) -> Noise | None:
    """The noise of the fill; None where such samples have none, or nothing could be measured.

    Args:
        restored: The restored picture.
        mask: What was filled.
    """
    if needs_value_range(restored.info.dtype):
        return None
    space = WorkingSpace.of(restored.info)
    if not space.has_grain:
        return None
    found = []
    for tile in _spread(list(mask.blocks())):
        box = around(tile, restored.info)
        damaged = mask.read(box)
        fill = np.zeros_like(damaged)
        fill[tile.within(box)] = damaged[tile.within(box)]
        planes = np.ascontiguousarray(np.moveaxis(space.to_rgb(restored.read(box)), 2, 0))
        grain = measure(planes, planes, damaged, fill)
        if grain.weight:
            found.append([float(np.trace(part)) / 3 for part in (grain.inside, grain.around)])
    if not found:
        return None
    fill_variance, surround_variance = np.maximum(np.mean(found, axis=0), 0).tolist()
    return Noise(fill_variance**0.5, surround_variance**0.5, len(found))


def around(tile: Box, info: MasterInfo) -> Box:
    """A tile of the mask with a margin, inside the picture."""
    return tile.grown(MARGIN).clipped(info.height, info.width)


def _spread(tiles: list[Box]) -> Iterator[Box]:
    for index in np.unique(np.linspace(0, len(tiles) - 1, min(PLACES, len(tiles))).astype(int)):
        yield tiles[int(index)]
