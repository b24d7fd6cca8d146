"""Does a generator paint the same into every hole? The variety of fills against that of pictures.

A generator in mode collapse paints one pattern wherever it is asked, or one answer whatever it
draws. Colours do not give it away, for they come from the rim of the hole; the fine structure does.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor

_BLUR = 15  # pixels: what is coarser is taken from the surroundings


def fine(images: Tensor) -> Tensor:
    """Images less their local mean over a square of 15 pixels: (B, C, H, W), around zero."""
    half = _BLUR // 2
    padded = F.pad(images.float(), (half, half, half, half), mode="reflect")
    return images.float() - F.avg_pool2d(padded, _BLUR, stride=1)


def mean_distance(vectors: Tensor) -> Tensor:
    """Mean Euclidean distance between the rows of (N, D), N >= 2: a scalar."""
    return torch.pdist(vectors.float()).mean()


def pattern_variety(filled: Tensor, truth: Tensor, mask: Tensor) -> float:
    """How different the patterns are that fill one hole in different pictures.

    The fine structure inside the hole, brought to length 1, so that a fill that is merely soft is
    not taken for a repeated one; its mean distance between pictures over the same of the truth.

    Args:
        filled: (B, 3, H, W), different pictures with one hole, filled; B >= 2.
        truth: (B, 3, H, W), the same undamaged.
        mask: (H, W), 1 inside the hole.

    Returns:
        About 1 where every picture gets its own, 0 where all get the same.
    """
    inside = mask > 0
    ours, theirs = (
        mean_distance(F.normalize(fine(images)[:, :, inside].flatten(1), dim=1))
        for images in (filled, truth)
    )
    return float(ours / theirs.clamp_min(1e-6))


def answer_variety(answers: Tensor, truth: Tensor, mask: Tensor) -> float:
    """How different the answers of a network that samples are, for one hole.

    Args:
        answers: (N, 3, H, W), fills of one hole in one picture for N >= 2 random vectors.
        truth: (B, 3, H, W), different pictures; B >= 2.
        mask: (H, W), 1 inside the hole.

    Returns:
        Mean distance of the answers over that of different pictures at the same place.
    """
    inside = mask > 0
    ours, theirs = (mean_distance(images[:, :, inside].flatten(1)) for images in (answers, truth))
    return float(ours / theirs.clamp_min(1e-6))
