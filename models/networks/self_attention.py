"""Self-attention over a feature map: every place may look at every other."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """What each place finds at the places that resemble what it asks for, added to what it has.

    Zhang et al., "Self-Attention Generative Adversarial Networks", ICML 2019: o = v(softmax(f(x)^T
    g(x)) h(x)) (eq. 1 and 2, energies not scaled), y = gain o + x (eq. 3). The gain starts at zero:
    a network first learns from neighbourhoods, then from afar. As in the authors' networks queries
    and keys have an eighth of the channels and values half, and keys and values are max-pooled to
    half the sides. The weights are then (B, H W, H W / 4): at a sixteenth of the picture's size
    1 MB for 512 x 512 pixels, 268 MB for 2048 x 2048.

    They are multiplied out rather than left to a fused kernel: that has no second derivative, which
    the gradient penalties of a discriminator need.

    Args:
        channels: Of the feature map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        asked, told = max(1, channels // 8), max(1, channels // 2)
        self.query = nn.Conv2d(channels, asked, 1, bias=False)
        self.key = nn.Conv2d(channels, asked, 1, bias=False)
        self.value = nn.Conv2d(channels, told, 1, bias=False)
        self.output = nn.Conv2d(told, channels, 1, bias=False)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape, any H, W >= 1."""
        height, width = x.shape[-2:]
        asked = self.query(x).flatten(2)
        keys = F.max_pool2d(self.key(x), 2, ceil_mode=True).flatten(2)
        values = F.max_pool2d(self.value(x), 2, ceil_mode=True).flatten(2)
        energies = asked.transpose(1, 2) @ keys
        weights = torch.softmax(energies, dim=-1).to(values.dtype)  # autocast widens it
        found = values @ weights.transpose(1, 2)
        far: Tensor = self.output(found.unflatten(2, (height, width)))
        return x + self.gain * far
