"""How sure one can be: intervals of means, and paired comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
_LEVELS = (0.025, 0.975)
_EXACT = 50  # values for which the test counts all rankings


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % bootstrap interval.

    Attributes:
        mean: Over pictures.
        low: Lower end of the interval.
        high: Upper end.
        count: Pictures.
    """

    mean: float
    low: float
    high: float
    count: int

    def to_json(self) -> dict[str, float]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """A paired difference of two models over the same pictures.

    Attributes:
        difference: Mean of the first model's value less the second's.
        low: Lower end of its 95 % bootstrap interval.
        high: Upper end.
        p: Of the Wilcoxon signed-rank test, two-sided: how likely a difference as clear as this one
            would be if neither model were better.
        count: Pictures.
    """

    difference: float
    low: float
    high: float
    p: float
    count: int

    def to_json(self) -> dict[str, float]:
        """Plain values."""
        return asdict(self)


def _resampled(values: NDArray[np.float64]) -> tuple[float, float]:
    """Ends of the percentile interval of the mean; the same picks for the same number of values."""
    picks = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(values[picks].mean(axis=1), _LEVELS)
    return float(low), float(high)


def estimate(values: Sequence[float | None]) -> Estimate | None:
    """Mean and 95 % percentile bootstrap interval; None where nothing was measured.

    Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    known = np.array([value for value in values if value is not None], np.float64)
    if not known.size:
        return None
    return Estimate(float(known.mean()), *_resampled(known), known.size)


def compare(first: Sequence[float | None], second: Sequence[float | None]) -> Comparison | None:
    """Paired comparison over the pictures for which both have a value; None where there is none.

    The test is Wilcoxon's, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1(6),
    1945, by SciPy: exact for up to 50 pictures unless some differ equally, else by the normal
    approximation. Pictures without a difference are left out of it.
    """
    both = zip(first, second, strict=True)
    differences = np.array([a - b for a, b in both if a is not None and b is not None], np.float64)
    if not differences.size:
        return None
    from scipy.stats import wilcoxon

    unequal = differences[differences != 0]
    exact = unequal.size <= _EXACT and np.unique(np.abs(unequal)).size == unequal.size
    method = "exact" if exact else "asymptotic"
    p = float(wilcoxon(unequal, method=method).pvalue) if unequal.size else 1.0
    return Comparison(float(differences.mean()), *_resampled(differences), p, differences.size)
