"""The truncation trick: how far a random vector may lie from the most typical one.

Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis", ICLR 2019,
section 3.1: a generator that was trained with normal vectors is sampled with truncated normal ones.
The nearer the bounds, the safer each picture and the more alike they all are. The paper draws anew
every value that falls outside; here each value is moved to the same quantile of the truncated
normal instead. The distribution is the same, and one vector gives a path from the wildest to the
most typical picture: nothing is drawn again, no number jumps.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import torch
from torch import Tensor


def threshold_of(truncation: float) -> float:
    """The bound, in standard deviations, for a truncation of 0 to 1.

    ``truncation`` is the share of the normal distribution that is kept: P(-t <= z <= t), so
    t = Phi^-1((1 + truncation) / 2). 1 keeps everything (t is infinite), 0.954 gives t = 2, 0.683
    gives t = 1, 0.383 gives t = 0.5, and 0 leaves the most typical vector alone.

    Raises:
        ValueError: If it lies outside 0..1.
    """
    if not 0 <= truncation <= 1:
        raise ValueError(f"truncation must lie within 0..1, not {truncation}")
    quantile = (1 + truncation) / 2
    return NormalDist().inv_cdf(quantile) if quantile < 1 else math.inf


def truncate(z: Tensor, threshold: float) -> Tensor:
    """Move standard normal values to the same quantiles of the normal truncated to +-``threshold``.

    z' = Phi^-1(Phi(-t) + Phi(z) (Phi(t) - Phi(-t))), which is odd, monotone and smooth in z, and
    monotone in t. With Phi(x) = (1 + erf(x / sqrt 2)) / 2 it becomes
    sqrt(2) erfinv(erf(t / sqrt 2) erf(z / sqrt 2)), which keeps its digits near zero.

    Args:
        z: Any shape, floating point, standard normal.
        threshold: t >= 0; infinity returns ``z`` itself.

    Returns:
        Like ``z``, within -t..t; zero throughout where t is 0.

    Raises:
        ValueError: If the threshold is negative or not a number.
    """
    if not threshold >= 0:
        raise ValueError(f"threshold must be 0 or more, not {threshold}")
    share = math.erf(threshold / math.sqrt(2))
    if share == 1:  # no double lies between this bound and infinity
        return z
    # In the tails float32 runs out of digits, and these are few numbers. MPS has no doubles.
    wide = z.float() if z.device.type == "mps" else z.double()
    moved = math.sqrt(2) * torch.erfinv(share * torch.erf(wide / math.sqrt(2)))
    return moved.clamp(-threshold, threshold).to(z.dtype)
