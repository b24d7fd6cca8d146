"""Compare a master with its restoration, pixel by pixel, bit by bit."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heritage.damage.masks import MaskReader
from heritage.geometry import Box
from heritage.restore.layer import LayerReader, Native, opaque
from heritage.restore.scan import scan_boxes
from heritage.tiff import Master


@dataclass
class Difference:
    """Pixels that differ in one respect: how many, and the first in raster order."""

    count: int = 0
    first: tuple[int, int] = (-1, -1)

    def add(self, differs: NDArray[np.bool_], box: Box) -> None:
        """Count the pixels of one rectangle."""
        found = int(np.count_nonzero(differs))
        if not found:
            return
        y, x = np.unravel_index(int(np.argmax(differs)), differs.shape)
        place = (box.y0 + int(y), box.x0 + int(x))
        self.first = min(self.first, place) if self.count else place
        self.count += found


@dataclass
class Comparison:
    """What differs between master, restored file, mask and layer.

    Attributes:
        pixels: Compared.
        outside: Restored pixels outside the mask that are not the master's.
        inside: Restored pixels inside the mask that are not the layer's.
        alpha: Layer pixels whose alpha is not what the mask says.
    """

    pixels: int = 0
    outside: Difference = field(default_factory=Difference)
    inside: Difference = field(default_factory=Difference)
    alpha: Difference = field(default_factory=Difference)


def compare(master: Master, restored: Master, mask: MaskReader, layer: LayerReader) -> Comparison:
    """Walk once over all four, which must have one size."""
    found = Comparison()
    full = opaque(master.info.dtype)
    for box in scan_boxes(master.info):
        old, new = master.read(box), restored.read(box)
        damaged = mask.read(box)
        found.outside.add(different(old, new) & ~damaged, box)
        pixels, alpha = layer.read(box)
        found.alpha.add(alpha != np.where(damaged, full, 0), box)
        if damaged.any():
            found.inside.add(different(pixels, new) & damaged, box)
        found.pixels += box.area
    return found


def different(one: Native, other: Native) -> NDArray[np.bool_]:
    """Pixels (h, w, samples) -> (h, w) whose bits differ: NaN equals itself, -0.0 is not 0.0."""
    raw = np.dtype(f"u{one.dtype.itemsize}") if one.dtype.kind != "b" else np.dtype(np.uint8)
    unlike = np.ascontiguousarray(one).view(raw) != np.ascontiguousarray(other).view(raw)
    return np.asarray(unlike.any(axis=-1))
