"""A smooth, strictly rising curve through a few knots, and its inverse."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Knot = tuple[float, float]

_HALVINGS = 52


@dataclass(frozen=True)
class Curve:
    """A monotone cubic through knots (Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5, 1984).

    Args:
        knots: (before, after) in rising order; the first is (0, 0), the last ends at 1.

    Raises:
        ValueError: They do not rise, or do not begin at 0 and end at 1.
    """

    knots: tuple[Knot, ...]

    def __post_init__(self) -> None:
        at = np.array(self.knots, np.float64)
        if at.ndim != 2 or at.shape[0] < 2 or at.shape[1] != 2 or not np.isfinite(at).all():
            raise ValueError("a curve needs two knots of two numbers at least")
        if (np.diff(at, axis=0) <= 0).any():
            raise ValueError("the knots of a curve must rise")
        if self.knots[0] != (0.0, 0.0) or self.knots[-1][1] != 1.0:
            raise ValueError("a curve goes from (0, 0) to an end at 1")

    @property
    def is_identity(self) -> bool:
        """Whether every value stays as it is."""
        return all(before == after for before, after in self.knots)

    @property
    def end(self) -> float:
        """The value that becomes 1."""
        return self.knots[-1][0]

    @cached_property
    def _pieces(self) -> tuple[Doubles, Doubles, Doubles]:
        """Places of the knots, their values and the slopes there."""
        x, y = np.array(self.knots, np.float64).T
        width, slope = np.diff(x), np.diff(y) / np.diff(x)
        tangent = np.empty_like(x)
        tangent[0], tangent[-1] = slope[0], slope[-1]
        if len(x) > 2:
            one, other = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
            tangent[1:-1] = (one + other) / (one / slope[:-1] + other / slope[1:])
        return x, y, tangent

    def __call__(self, values: Doubles) -> Doubles:
        """Values of any shape after the curve; those beyond its ends are held there."""
        if self.is_identity:
            return np.clip(values, 0.0, self.end)
        x, y, tangent = self._pieces
        at = np.clip(values, 0.0, x[-1])
        piece = np.minimum(np.searchsorted(x, at, side="right") - 1, len(x) - 2)
        width = (x[1:] - x[:-1])[piece]
        t = (at - x[piece]) / width
        low, high = y[piece], y[piece + 1]
        rise = high - low
        leave, arrive = tangent[piece] * width, tangent[piece + 1] * width
        # Hermite form by Horner: low at t = 0, low + rise at t = 1.
        square, cube = 3 * rise - 2 * leave - arrive, leave + arrive - 2 * rise
        return np.asarray(np.clip(low + t * (leave + t * (square + t * cube)), 0.0, 1.0))

    def inverse(self, values: Doubles) -> Doubles:
        """The values that the curve sends to ``values`` (any shape, 0..1), by bisection."""
        if self.is_identity:
            return np.clip(values, 0.0, self.end)
        low, high = np.zeros_like(values), np.full_like(values, self.end)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = self(middle) < values
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2)
