"""A master's samples in the one form in which means are taken: whole numbers, more is lighter.

Means must be of amounts, before any conversion for a screen. So indices become the colours they
stand for, bits become the ends of a scale, Lab's signed samples are shifted, white-is-zero is
turned, and floats and wide integers are fitted to their range; 8 bits stay 8, all else is 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heritage.restore.colour import needs_value_range
from heritage.review.pictures.areas import Samples
from heritage.tiff import MasterInfo

LAB_UNIT = 256
"""16-bit samples per unit of a* and b*, which lie 128 units above zero; L* fills the scale."""


@dataclass(frozen=True)
class SampleForm:
    """How one master's samples become amounts.

    Args:
        info: What the master is.
        low: The sample shown as 0, of floats and of integers that are signed or wider than 16 bits.
        high: The sample shown as full scale.
    """

    info: MasterInfo
    low: float = 0.0
    high: float = 1.0

    @property
    def needs_range(self) -> bool:
        """Whether ``low`` and ``high`` have to be found in the master."""
        return needs_value_range(self.info.dtype) and self.info.colour != "lab"

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8 or uint16."""
        small = self.info.bits <= 8 or self.info.colour == "palette"
        return np.dtype(np.uint8 if small and not self._ranged else np.uint16)

    @property
    def full(self) -> int:
        """Full scale: 255 or 65535."""
        return int(np.iinfo(self.dtype).max)

    @property
    def channels(self) -> int:
        """1, 3 or 4."""
        return 3 if self.info.colour == "palette" else self.info.colour_samples

    def of(self, native: Samples) -> Samples:
        """Amounts of stored samples.

        Args:
            native: (h, w, samples) as they are stored; alpha and extra samples are left aside.

        Returns:
            (h, w, channels) in ``dtype``, contiguous.
        """
        colour = native[..., : self.info.colour_samples]
        if self.info.colour == "palette":
            table = self._palette()
            return table[np.minimum(colour[..., 0], len(table) - 1)]
        if self.info.colour == "lab":
            return self._lab(colour)
        amounts = self._fitted(colour) if self._ranged else self._unsigned(colour)
        turned = self.info.white_is_zero and self.info.colour == "grey"
        return np.ascontiguousarray(self.full - amounts if turned else amounts)

    @property
    def _ranged(self) -> bool:
        return np.dtype(self.info.dtype).kind not in "bu" or self.info.bits > 16

    def _palette(self) -> NDArray[np.uint8]:
        table = self.info.palette_table
        assert table is not None
        return np.rint(table / 257).astype(np.uint8)

    def _unsigned(self, colour: Samples) -> Samples:
        largest = self.info.max_value
        if largest == self.full:
            return colour
        scaled: Samples = (colour.astype(np.uint32) * self.full + largest // 2) // largest
        return scaled.astype(self.dtype)

    def _fitted(self, colour: Samples) -> Samples:
        low, high = self.low, self.high
        if np.dtype(self.info.dtype).kind == "i" and not self.needs_range:
            low, high = float(-self.info.max_value - 1), float(self.info.max_value)
        share = (np.nan_to_num(colour.astype(np.float64), nan=low) - low) / (high - low)
        return np.rint(np.clip(share, 0, 1) * self.full).astype(self.dtype)

    def _lab(self, colour: Samples) -> Samples:
        kind = np.dtype(self.info.dtype)
        if kind.kind == "f":
            share = np.nan_to_num(colour.astype(np.float64))
            share[..., 1:] += 128
            share *= [self.full / 100, LAB_UNIT, LAB_UNIT]
            return np.rint(np.clip(share, 0, self.full)).astype(self.dtype)
        amounts = np.ascontiguousarray(colour).view(np.dtype(f"u{kind.itemsize}")).copy()
        if self.info.lab_encoding == "cielab":
            amounts[..., 1:] ^= self.full // 2 + 1
        elif self.full > 255:  # ICC.1:2001, table 26: L* = 100 is 0xFF00
            light = amounts[..., 0].astype(np.uint32)
            amounts[..., 0] = np.minimum((light * 257 + 128) >> 8, self.full)
        return amounts
