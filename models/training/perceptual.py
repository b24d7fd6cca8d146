"""Losses over feature maps: two pictures are close when a network sees the same in them.

The maps come from one of the networks in ``models.features``: sequences of (B, C, h, w), one per
layer. Everything is computed in float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor

Maps = Sequence[Tensor]


def perceptual_l1(ours: Maps, theirs: Maps, weights: Sequence[float] | None = None) -> Tensor:
    """Sum over layers of the mean absolute difference, weighted.

    Johnson et al., "Perceptual Losses for Real-Time Style Transfer", ECCV 2016, in the form of
    EdgeConnect (Nazeri et al., 2019, section 3.2) and AOT-GAN, both over
    ``models.features.vgg.PERCEPTUAL``.

    Args:
        ours: Feature maps of filled pictures.
        theirs: The same of the originals.
        weights: One per layer; all 1 where None.
    """
    if weights is None:
        weights = [1.0] * len(ours)
    terms = [
        weight * F.l1_loss(a.float(), b.float())
        for weight, a, b in zip(weights, ours, theirs, strict=True)
    ]
    return torch.stack(terms).sum()


def gram(features: Tensor) -> Tensor:
    """Which features occur together, wherever they do: F F^T / (C h w), (B, C, C).

    F has a row per channel (Gatys et al., CVPR 2016, eq. 3, with EdgeConnect's divisor).
    """
    channels, height, width = features.shape[1:]
    rows = features.float().flatten(2)
    with torch.autocast(features.device.type, enabled=False):  # sums over a whole map
        return rows @ rows.transpose(1, 2) / (channels * height * width)


def style_l1(ours: Maps, theirs: Maps) -> Tensor:
    """Sum over layers of the mean absolute difference of Gram matrices.

    EdgeConnect (Nazeri et al., 2019, section 3.2) and AOT-GAN, both over
    ``models.features.vgg.STYLE``.
    """
    terms = [F.l1_loss(gram(a), gram(b)) for a, b in zip(ours, theirs, strict=True)]
    return torch.stack(terms).sum()


def high_receptive_field(ours: Maps, theirs: Maps) -> Tensor:
    """Sum over layers of the mean squared difference.

    LaMa's perceptual loss (Suvorov et al., WACV 2022, section 2.2), over
    ``models.features.resnet_dilated``, whose neurons see whole objects. The equation has the mean
    over layers; the published weight of 30 belongs to the sum, which its authors' training takes.
    """
    terms = [F.mse_loss(a.float(), b.float()) for a, b in zip(ours, theirs, strict=True)]
    return torch.stack(terms).sum()
