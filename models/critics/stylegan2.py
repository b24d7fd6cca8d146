"""StyleGAN2's residual discriminator, for a picture together with its mask.

Karras et al., CVPR 2020, section 3 and figure 7, as CoModGAN uses it (Zhao et al., ICLR 2021): the
mask is a fourth channel, so that it judges filled pixels knowing which they are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.networks.stylegan2 import Conv, Dense
from models.networks.stylegan2_filter import fir

_HALF = math.sqrt(0.5)


class DownBlock(nn.Module):
    """Two convolutions, the second halves: (B, ins, H, W) to (B, outs, H/2, W/2).

    Args:
        ins: Input channels, or those after ``fromrgb``.
        outs: Output channels.
        picture: Channels of the picture that enters here; 0 where features do.
        residual: Whether a filtered 1x1 shortcut is added, the sum scaled to keep its variance.
        clamp: Bound of the activations.
    """

    def __init__(
        self,
        ins: int,
        outs: int,
        picture: int = 0,
        residual: bool = False,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("resample_filter", fir())  # idle, but published
        if picture:
            self.fromrgb = Conv(picture, ins, 1, clamp=clamp)
        self.conv0 = Conv(ins, ins, 3, clamp=clamp)
        self.conv1 = Conv(ins, outs, 3, down=True, clamp=clamp)
        if residual:
            self.skip = Conv(ins, outs, 1, down=True, active=False)
        self.picture, self.residual = picture, residual

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The halved features, and those of full size between the convolutions."""
        if self.picture:
            x = self.fromrgb(x)
        features = self.conv0(x)
        if not self.residual:
            return self.conv1(features), features
        return self.conv1(features, gain=_HALF) + self.skip(x, gain=_HALF), features


def minibatch_deviation(x: Tensor, group: int = 4) -> Tensor:
    """Append how much the pictures of a group differ (Karras et al., ICLR 2018, section 3).

    Args:
        x: (B, C, H, W).
        group: Pictures compared with each other; the largest divisor of B up to this is taken.

    Returns:
        (B, C + 1, H, W); the last channel holds the standard deviation over the group, averaged
        over features and pixels.
    """
    batch, _, height, width = x.shape
    size = next(n for n in range(min(group, batch), 0, -1) if batch % n == 0)
    groups = x.float().reshape(size, batch // size, -1)
    variance = groups.var(0, correction=0)
    deviation = (variance + 1e-8).sqrt().mean(1)
    channel = deviation.repeat(size)[:, None, None, None].expand(-1, 1, height, width)
    return torch.cat([x, channel.to(x.dtype)], dim=1)


class _Judgement(nn.Module):
    """The last 4x4 features to one number a picture."""

    def __init__(self, width: int, group: int, clamp: float | None) -> None:
        super().__init__()
        self.conv = Conv(width + 1, width, 3, clamp=clamp)
        self.fc = Dense(width * 16, width, active=True, clamp=clamp)
        self.out = Dense(width, 1)
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, 4, 4) to (B, 1)."""
        x = self.conv(minibatch_deviation(x, self.group))
        result: Tensor = self.out(self.fc(x.flatten(1)))
        return result


class StyleGAN2Discriminator(nn.Module):
    """The residual discriminator with minibatch standard deviation.

    Args:
        resolution: Height and width, a power of two from 8.
        channels: Of the input; 4 for mask and picture.
        channel_base: Channels at a side of n are ``channel_base // n`` ...
        channel_max: ... but at most this.
        group: Pictures that the minibatch deviation compares.
        clamp: Bound of the activations.
    """

    def __init__(
        self,
        resolution: int = 512,
        channels: int = 4,
        channel_base: int = 32768,
        channel_max: int = 512,
        group: int = 4,
        clamp: float | None = 256.0,
    ) -> None:
        super().__init__()
        if resolution < 8 or resolution & (resolution - 1):
            raise ValueError(f"resolution must be a power of two from 8, not {resolution}")
        side = resolution
        while side > 4:
            ins, outs = (min(channel_base // n, channel_max) for n in (side, side // 2))
            picture = channels if side == resolution else 0
            self.add_module(f"b{side}", DownBlock(ins, outs, picture, residual=True, clamp=clamp))
            side //= 2
        self.b4 = _Judgement(min(channel_base // 4, channel_max), group, clamp)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4, H, W), (known - 0.5) and the picture in -1..1, to logits (B, 1)."""
        *blocks, last = self.children()
        for block in blocks:
            x, _ = block(x)
        logits: Tensor = last(x)
        return logits

    def judge(self, image: Tensor, mask: Tensor) -> Tensor:
        """The same of (B, 3, H, W) in 0..1, hole filled, and (B, 1, H, W), 1 in the hole."""
        result: Tensor = self(torch.cat([0.5 - mask, 2 * image - 1], dim=1))
        return result
