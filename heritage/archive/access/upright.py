"""A master as it is hung: the TIFF orientation (tag 274) carried out, not only written down.

Masters are never turned. What is made to be looked at is, because most viewers of tiles and
pyramids do not read the tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heritage.geometry import Box

Samples = NDArray[Any]


@dataclass(frozen=True)
class Upright:
    """How the stored rows and columns of a picture lie when it stands upright.

    TIFF 6.0, section "Orientation": where the 0th row and the 0th column are.

    Args:
        orientation: 1 to 8.
        stored_height: Rows as they are stored.
        stored_width: Columns as they are stored.
    """

    orientation: int
    stored_height: int
    stored_width: int

    @property
    def lying(self) -> bool:
        """Whether stored rows are columns of the upright picture."""
        return self.orientation >= 5

    @property
    def height(self) -> int:
        """Rows of the upright picture."""
        return self.stored_width if self.lying else self.stored_height

    @property
    def width(self) -> int:
        """Columns of the upright picture."""
        return self.stored_height if self.lying else self.stored_width

    def turned(self, pixels: Samples) -> Samples:
        """Stored pixels, upright.

        Args:
            pixels: (h, w, ...).

        Returns:
            The same or (w, h, ...), contiguous.
        """
        upright = pixels.swapaxes(0, 1) if self.lying else pixels
        down, across = (-1 if flips else 1 for flips in self._flips)
        return np.ascontiguousarray(upright[::down, ::across])

    def box(self, stored: Box) -> Box:
        """Where a box of the stored picture lies in the upright one."""
        return self._flipped(_swapped(stored) if self.lying else stored)

    def stored(self, upright: Box) -> Box:
        """Where a box of the upright picture lies in the stored one."""
        box = self._flipped(upright)
        return _swapped(box) if self.lying else box

    @property
    def _flips(self) -> tuple[bool, bool]:
        """Whether top and bottom, left and right change places, after rows became columns."""
        return self.orientation in (3, 4, 7, 8), self.orientation in (2, 3, 6, 7)

    def _flipped(self, box: Box) -> Box:
        down, across = self._flips
        y = (self.height - box.y1, self.height - box.y0) if down else (box.y0, box.y1)
        x = (self.width - box.x1, self.width - box.x0) if across else (box.x0, box.x1)
        return Box(y[0], x[0], y[1], x[1])


def _swapped(box: Box) -> Box:
    return Box(box.x0, box.y0, box.x1, box.y1)
