"""What can be looked at, and how its tones are stretched for the eye."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


class View(StrEnum):
    """What is shown of a restoration.

    Attributes:
        BEFORE: The master.
        AFTER: The master with the digital completion, but for the regions that are undone.
        MASK: A transparent sheet that marks the regions.
        DIFFERENCE: A transparent sheet that shows how much the completion changes.
        TRATTEGGIO: AFTER, what is filled hatched by fine vertical lines, as conservators do it
            to keep a retouch recognisable.
    """

    BEFORE = "before"
    AFTER = "after"
    MASK = "mask"
    DIFFERENCE = "difference"
    TRATTEGGIO = "tratteggio"

    @property
    def transparent(self) -> bool:
        """Whether it is a sheet to be laid over a picture: RGBA."""
        return self in (View.MASK, View.DIFFERENCE)

    @property
    def needs_restoration(self) -> bool:
        """Whether it shows anything else than the master."""
        return self is not View.BEFORE


@dataclass(frozen=True)
class Levels:
    """Window and level: which part of the tones is stretched over the display's range.

    Applied to a master's own samples, in all their bits, before they are reduced to 8 of them.
    With inks, less ink counts as lighter; of Lab only L* is stretched.

    Args:
        low: What is shown black, as a share of the samples' full scale, 0..1.
        high: What is shown white, greater than ``low``.
        gamma: Middle tones become lighter above 1 and darker below, 0.1..10.

    Raises:
        ValueError: If a value is out of range.
    """

    low: float = 0.0
    high: float = 1.0
    gamma: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise ValueError("levels need 0 <= low < high <= 1")
        if not 0.1 <= self.gamma <= 10:
            raise ValueError("gamma must lie between 0.1 and 10")

    def table(self, full: int) -> NDArray[np.uint8]:
        """What each sample becomes.

        Args:
            full: The largest sample, 255 or 65535.

        Returns:
            (full + 1,) uint8.
        """
        return _table(self, full)


@lru_cache(maxsize=32)
def _table(levels: Levels, full: int) -> NDArray[np.uint8]:
    share = np.linspace(0, 1, full + 1)
    stretched = np.clip((share - levels.low) / (levels.high - levels.low), 0, 1)
    table = np.rint(stretched ** (1 / levels.gamma) * 255).astype(np.uint8)
    table.flags.writeable = False
    return table
