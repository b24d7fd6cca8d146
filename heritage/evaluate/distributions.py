"""Whether fills look like pictures at all: their features against those of the truth, as crowds.

A fill may be unlike the truth and still be plausible. These distances compare all fills of a family
together with the truths in the same places, on features of SqueezeNet, and are named so: FID and
KID are the same formulas on Inception's official weights and other numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.errors import HeritageError
from heritage.evaluate.metrics import Mask

if TYPE_CHECKING:
    from torch import Tensor

_CELLS = 4  # features of the last map that make one sample, along each side: 64 pixels
_LEAST = 2  # samples without which there is no spread
_MOST = 4096  # samples for the kernel, which needs memory for their square

Samples = NDArray[np.float32]


class PackageMissing(HeritageError):
    """An optional package of the evaluation is not installed."""


def samples_of(deepest: Tensor, where: Mask) -> Samples:
    """What SqueezeNet sees in and around the hole: one row for every block of 64 pixels it touches.

    Args:
        deepest: (1, C, h, w), the last map of the features.
        where: (H, W), the hole.

    Returns:
        (N, C): means of unit-normalised features, scaled to the length √C, so that the kernel of
        ``kernel_distance`` has the range it was made for.
    """
    from models.features.squeezenet import unit

    features = unit(deepest.float())[0].permute(1, 2, 0).cpu().numpy()
    height, width, channels = features.shape
    hole = cv2.resize(where.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0
    step = min(_CELLS, height, width)
    rows = [
        features[y : y + step, x : x + step].mean(axis=(0, 1))
        for y in range(0, height - step + 1, step)
        for x in range(0, width - step + 1, step)
        if hole[y : y + step, x : x + step].any()
    ]
    found = np.stack(rows) if rows else np.zeros((0, channels), np.float32)
    return np.asarray(found * np.sqrt(channels), np.float32)


def frechet_distance(filled: Samples, truth: Samples) -> float | None:
    """Fréchet distance of two crowds of features taken for Gaussian.

    Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium", NeurIPS 2017, equation 6. The trace of the root of a product of two covariances is
    the sum of singular values of the product of their factors; that is exact, and ten times faster
    than the root (torchmetrics gives the same, see the tests). It depends on the number of samples:
    only numbers from as many samples can be compared.

    Args:
        filled: (N, C).
        truth: (M, C).

    Returns:
        None for fewer than two samples.
    """
    if min(len(filled), len(truth)) < _LEAST:
        return None
    means, factors = [], []
    for samples in (filled, truth):
        values = samples.astype(np.float64)
        means.append(values.mean(axis=0))
        factor = np.linalg.qr(values - means[-1], mode="r")
        factors.append(factor / np.sqrt(len(values) - 1))
    shift = float(np.square(means[0] - means[1]).sum())
    spread = sum(float(np.square(factor).sum()) for factor in factors)
    shared = np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum()
    return max(0.0, shift + spread - 2 * float(shared))


def kernel_distance(filled: Samples, truth: Samples) -> float | None:
    """Squared maximum mean discrepancy with the cubic kernel of KID (of torchmetrics).

    Bińkowski et al., "Demystifying MMD GANs", ICLR 2018, section 4, equation 4. Samples come in
    pairs, fill and truth of one place, which resemble each other more than samples drawn apart: as
    a sample is not compared with itself, it is not compared with its partner. It does not depend on
    the number of samples, apart from noise; it may come out slightly below zero. Of more than 4096
    samples every second, third … is used.

    Args:
        filled: (N, C).
        truth: (N, C), of the same places.

    Raises:
        PackageMissing: If torchmetrics is not installed.
    """
    number = len(filled)
    if number < _LEAST:
        return None
    import torch

    try:
        from torchmetrics.image.kid import poly_kernel
    except ImportError as error:
        raise PackageMissing(MISSING) from error
    step = -(-number // _MOST)
    ours, theirs = (torch.from_numpy(s[::step]).double() for s in (filled, truth))

    def apart(a: Tensor, b: Tensor) -> float:
        kernel = poly_kernel(a, b)
        return float((kernel.sum() - kernel.trace()) / (len(a) * (len(a) - 1)))

    return apart(ours, ours) + apart(theirs, theirs) - 2 * apart(ours, theirs)


MISSING = 'install the packages of the evaluation: pip install "heritage[evaluate]"'
