"""Normalisation whose gains and biases are told by a class and a random vector."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

_TOGETHER = 8  # channels whose statistics are taken together


def class_vectors(table: Tensor, label: Tensor | None, batch: int) -> Tensor:
    """The vector of each item's class; that of an unknown class is the mean of all.

    Args:
        table: (classes, E), the embedding.
        label: (B,) int64, negative where the class is unknown; None where it is for all.
        batch: B.

    Returns:
        (B, E).
    """
    mean = table.mean(0, keepdim=True)
    if label is None:
        return mean.expand(batch, -1)
    known = F.embedding(label.clamp_min(0), table)
    return torch.where((label >= 0).unsqueeze(1), known, mean)


class ConditionalNorm(nn.Module):
    """Group normalisation, then gains and biases linear in a condition.

    Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis", ICLR 2019,
    section 3 and appendix B.1: the condition is the shared class embedding beside one chunk of the
    random vector, y = x^ (1 + W_g c) + W_b c. They normalise over the batch. Here statistics are of
    one picture alone and none are kept (Wu and He, "Group Normalization", ECCV 2018): windows of
    one master are much alike, so a batch of them says little about the next batch; and a
    completion must not depend on what else happened to lie in its batch.

    Args:
        channels: Of the feature map; multiples of 8 are normalised in groups of 8, others together.
        condition: Length of the condition.
    """

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.groups = channels // _TOGETHER if channels % _TOGETHER == 0 else 1
        self.gain = nn.Linear(condition, channels)
        self.bias = nn.Linear(condition, channels)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, C, H, W) and (B, ``condition``) to (B, C, H, W)."""
        plain = F.group_norm(x, self.groups)
        gain: Tensor = self.gain(condition)
        bias: Tensor = self.bias(condition)
        return plain * (1 + gain[:, :, None, None]) + bias[:, :, None, None]
