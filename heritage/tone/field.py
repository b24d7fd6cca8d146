"""A smooth field of gains over a picture, as a small grid of logarithms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

SMALLEST, LARGEST = 4, 33
"""Rows and columns that a grid may have."""


def spline_weights(places: Doubles, size: int) -> tuple[NDArray[np.intp], Doubles]:
    """Weights of a uniform cubic B-spline: never negative, sum 1, twice continuous.

    Args:
        places: (n,), 0..1 from one border of the picture to the other.
        size: Control points.

    Returns:
        The first of four control points for each place, (n,), and the weights (n, 4).
    """
    spans = size - 3
    at = np.clip(places, 0.0, 1.0) * spans
    first = np.minimum(at.astype(np.intp), spans - 1)
    t = at - first
    rest = 1 - t
    weights = np.stack(
        [
            rest * rest * rest,
            3 * t * t * t - 6 * t * t + 4,
            3 * rest * rest * rest - 6 * rest * rest + 4,
            t * t * t,
        ],
        axis=1,
    )
    return first, weights / 6


@dataclass(frozen=True)
class Field:
    """Gains over a whole picture.

    Args:
        log_gain: Natural logarithms, by row, column and channel (r, g, b).

    Raises:
        ValueError: The grid is too small, too large, ragged or holds something else than numbers.
    """

    log_gain: tuple[tuple[tuple[float, float, float], ...], ...]

    def __post_init__(self) -> None:
        grid = np.array(self.log_gain, np.float64)
        sides = grid.shape[:2]
        if grid.ndim != 3 or grid.shape[2] != 3 or not np.isfinite(grid).all():
            raise ValueError("a field needs three numbers for each place of its grid")
        if min(sides) < SMALLEST or max(sides) > LARGEST or np.abs(grid).max() > 2:
            raise ValueError("a field's grid or its gains are beyond all bounds")

    @cached_property
    def _gains(self) -> Doubles:
        return np.exp(np.array(self.log_gain, np.float64))

    @property
    def largest(self) -> float:
        """No gain anywhere is larger."""
        return float(self._gains.max())

    def gain(self, rows: Doubles, columns: Doubles) -> Doubles:
        """Gains at places, each from itself alone: cutting a picture up changes no bit.

        Args:
            rows: (h,), 0..1 from the upper to the lower border.
            columns: (w,), 0..1 from left to right.

        Returns:
            (h, w, 3), all above 0.
        """
        grid = self._gains
        top, down = spline_weights(rows, grid.shape[0])
        left, across = spline_weights(columns, grid.shape[1])
        lines = grid[top] * down[:, 0, None, None]
        for k in range(1, 4):
            lines = lines + grid[top + k] * down[:, k, None, None]
        gains = lines[:, left] * across[:, 0, None]
        for k in range(1, 4):
            gains = gains + lines[:, left + k] * across[:, k, None]
        return np.asarray(gains)
