"""A batch of windows on its way to the device: read in place, so that nothing is copied twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.restore.leading import Lead
from heritage.restore.views import View
from heritage.restore.windows import Window

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Shown:
    """What is remembered of a window while it is computed.

    Args:
        window: Which.
        hole: (h, w) pixels that nobody knows.
        damaged: (h, w) pixels of the mask.
        lead: What the coarser scale says; None where it was not asked.
    """

    window: Window
    hole: Bools
    damaged: Bools
    lead: Lead | None


class Staged:
    """Windows of one shape, laid out as a model takes them.

    Args:
        count: How many.
        shape: Rows and columns of each.
        pinned: Whether a GPU will fetch them: memory that never moves is fetched faster.

    Attributes:
        images: (count, 3, h, w) float32.
        holes: (count, 1, h, w) bool.
    """

    def __init__(self, count: int, shape: tuple[int, int], pinned: bool) -> None:
        self.images = _empty((count, 3, *shape), "float32", pinned)
        self.holes = _empty((count, 1, *shape), "bool", pinned)
        self._images: Floats = self.images.numpy()
        self._holes: Bools = self.holes.numpy()

    def put(self, place: int, window: Window, view: View, lead: Lead | None) -> Shown:
        """Lay a window down; several threads may do so at different places.

        In a guided window the hole outside the core is shown as known, as the coarser scale solved
        it: that is what brings context to the middle of a hole larger than the window.
        """
        hole, image = view.hole, view.image
        if lead is not None:
            core = np.zeros_like(hole)
            core[window.core.within(window.box)] = True
            lent = hole & ~core & lead.covered
            image, hole = np.where(lent[..., None], lead.picture, image), hole & ~lent
        # In place: fresh memory costs ten times what the copying does.
        cv2.split(image, list(self._images[place]))
        self._holes[place, 0] = hole
        return Shown(window, view.hole, view.damaged, lead)

    def image(self, place: int) -> Floats:
        """(3, h, w) of one window, as it was shown."""
        return np.asarray(self._images[place], np.float32)


def _empty(shape: tuple[int, ...], dtype: str, pinned: bool) -> Tensor:
    import torch

    kind = getattr(torch, dtype)
    try:
        return torch.empty(shape, dtype=kind, pin_memory=pinned)
    except RuntimeError:  # the system grants only so much memory that never moves
        return torch.empty(shape, dtype=kind)
