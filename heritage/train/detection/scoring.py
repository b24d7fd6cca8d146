"""How well damage was found: precision, recall and F1 with a tolerance of a few pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.bool_]
TOLERANCE = 2
"""Pixels by which what is found may miss the truth; usual for craquelure, drawn by hand."""


@dataclass(frozen=True)
class Count:
    """Pixels counted, to be added up over pictures.

    Attributes:
        found: Called damaged.
        right: Of these, within the tolerance of true damage.
        damaged: True damage.
        met: Of this, within the tolerance of what was found.
    """

    found: int = 0
    right: int = 0
    damaged: int = 0
    met: int = 0

    def __add__(self, other: Count) -> Count:
        """Both together."""
        return Count(
            self.found + other.found,
            self.right + other.right,
            self.damaged + other.damaged,
            self.met + other.met,
        )

    @property
    def precision(self) -> float:
        """Share of what was found that is damaged; 1 where nothing was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of the damage that was found; 1 where there is none."""
        return self.met / self.damaged if self.damaged else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def count(found: Map, truth: Map, ignored: Map | None = None) -> Count:
    """Compare what was found with the truth.

    Args:
        found: (H, W).
        truth: (H, W).
        ignored: Pixels that count neither way.
    """
    counts = np.ones(truth.shape, bool) if ignored is None else ~ignored
    found, truth = found & counts, truth & counts
    near_truth, near_found = near(truth), near(found)
    return Count(
        int(found.sum()),
        int((found & near_truth).sum()),
        int(truth.sum()),
        int((truth & near_found).sum()),
    )


def near(where: Map, distance: int = TOLERANCE) -> Map:
    """Pixels within a distance (of a disc) of any of ``where``."""
    side = 2 * distance + 1
    offsets = np.arange(side) - distance
    disc = (offsets[:, None] ** 2 + offsets**2 <= distance**2).astype(np.uint8)
    return np.asarray(cv2.dilate(where.astype(np.uint8), disc) > 0)


def thinned(where: Map) -> Map:
    """Centre lines, one pixel wide: for truths that are drawn so."""
    from skimage.morphology import skeletonize

    return np.asarray(skeletonize(where), bool)
