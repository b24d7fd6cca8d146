"""MI-GAN: separable convolutions throughout, made for telephones and quick on any CPU.

Sargsyan, Navasardyan, Xu and Shi, "MI-GAN: A Simple Baseline for Image Inpainting on Mobile
Devices", ICCV 2023. This is the network after training, its parallel branches merged (see
``models.training.migan_training``). The module tree carries the names of the published checkpoints
(``synthesis.b8.conv1.upsample.filter_const`` ...), so that they load strictly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.network import InpaintingNetwork, in_float32

_SMALLEST = 4  # side of the map between encoder and synthesis
_CLAMP = 256.0  # what StyleGAN2 allows an activation, so that half precision cannot overflow


def _activate(x: Tensor) -> Tensor:
    """Leaky ReLU that keeps the variance (Karras et al., StyleGAN2, CVPR 2020), clamped."""
    if torch.is_grad_enabled():
        return (F.leaky_relu(x, 0.2) * math.sqrt(2)).clamp(-_CLAMP, _CLAMP)
    # in place: this network is light on arithmetic, and three passes over memory would dominate
    return F.leaky_relu_(x, 0.2).mul_(math.sqrt(2)).clamp_(-_CLAMP, _CLAMP)


def _binomial(channels: int, gain: float) -> nn.Conv2d:
    """The fixed low-pass 1-3-3-1 on each channel, summing to ``gain``; not trained."""
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    conv = nn.Conv2d(channels, channels, 4, stride=2, padding=1, groups=channels, bias=False)
    conv.weight = nn.Parameter(
        (torch.outer(row, row) * gain).repeat(channels, 1, 1, 1), requires_grad=False
    )
    return conv


class _Halve(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.filter = _binomial(channels, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.filter(x)  # type: ignore[no-any-return]


class _Double(nn.Module):
    """Zeros between the pixels, then the low-pass.

    The release repeats every pixel, multiplies by ``filter_const`` (one where a pixel stays) and
    convolves; a transposed convolution gives the same numbers without multiplying zeros. The
    constant is kept because the checkpoints hold it.
    """

    filter_const: Tensor

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        comb = torch.tensor([[1.0, 0.0], [0.0, 0.0]]).repeat(1, 1, side // 2, side // 2)
        self.register_buffer("filter_const", comb)
        self.filter = _binomial(channels, 4.0)

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.filter.weight.flip(2, 3)  # a transposed convolution reads it backwards
        with torch.autocast(x.device.type, enabled=False):  # slow in bfloat16 where it has groups
            large = F.conv_transpose2d(
                x.float(), kernel, stride=2, padding=1, groups=self.filter.groups
            )
        return large.to(x.dtype)


class Separable(nn.Module):
    """A 3x3 convolution within each channel, then a 1x1 convolution across them.

    Args:
        ins: Input channels.
        outs: Output channels.
        halve: Halve height and width between the two.
        double: Double height and width after them.
        noise_side: Side of the noise added before the last activation; None for no noise.
    """

    noise_const: Tensor

    def __init__(
        self,
        ins: int,
        outs: int,
        halve: bool = False,
        double: bool = False,
        noise_side: int | None = None,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(ins, ins, 3, padding=1, groups=ins)
        self.conv2 = nn.Conv2d(ins, outs, 1, bias=False)
        self.downsample = _Halve(ins) if halve else None
        self.upsample = None
        if double:
            assert noise_side is not None, "only the synthesis enlarges, and there is noise"
            self.upsample = _Double(outs, noise_side)
        self.noisy = noise_side is not None
        self.fresh_noise = False
        if noise_side is not None:
            self.register_buffer("noise_const", torch.randn(noise_side, noise_side))
            self.noise_strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(B, ins, H, W) to (B, outs, H', W')."""
        x = _activate(self.conv1(x))
        if self.downsample is not None:
            x = self.downsample(x)
        x = self.conv2(x)
        if self.upsample is not None:
            x = self.upsample(x)
        if self.noisy:
            x = x + (self._noise(x) * self.noise_strength).to(x.dtype)
        return _activate(x)

    def _noise(self, x: Tensor) -> Tensor:
        if self.fresh_noise and self.training:
            return torch.randn_like(x[:, :1])
        return self.noise_const


class _Encode(nn.Module):
    """One size of the encoder: features for the skip, and the map for the next size."""

    def __init__(self, ins: int, outs: int, halve: bool, pictures: int | None = None) -> None:
        super().__init__()
        self.fromrgb = None if pictures is None else nn.Conv2d(pictures, ins, 1)
        self.conv1 = Separable(ins, ins)
        self.conv2 = Separable(ins, outs, halve=halve)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.fromrgb is not None:
            x = _activate(self.fromrgb(x))
        features = self.conv1(x)
        return features, self.conv2(features)


class _Synthesise(nn.Module):
    """One size of the synthesis: the map, and what this size adds to the picture."""

    def __init__(self, ins: int, outs: int, side: int) -> None:
        super().__init__()
        first = side == _SMALLEST
        self.conv1 = Separable(ins, outs, double=not first, noise_side=None if first else side)
        self.conv2 = Separable(outs, outs, noise_side=None if first else side)
        self.torgb = nn.Conv2d(outs, 3, 1)
        self.upsample = None if first else _Double(3, side)

    def forward(self, x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
        x = self.conv2(self.conv1(x) + skip)
        return x, in_float32(self.torgb, x)


class MIGAN(InpaintingNetwork):
    """The generator at one fixed size.

    Args:
        resolution: Height and width, a power of two from 8; published 256 and 512.
        channel_base: Channels at a size are ``channel_base // size``,
        channel_max: but never more than this.

    Raises:
        ValueError: If there is no such network.
    """

    def __init__(
        self, resolution: int = 256, channel_base: int = 32768, channel_max: int = 512
    ) -> None:
        super().__init__()
        if resolution <= _SMALLEST or resolution & (resolution - 1):
            raise ValueError(f"resolution must be a power of two from 8, not {resolution}")
        if channel_base < resolution or channel_max < 1:
            raise ValueError("some size would have no channels")
        self.config = {
            "resolution": resolution,
            "channel_base": channel_base,
            "channel_max": channel_max,
        }
        self.side = self.multiple = self.least = resolution
        self._sides = [2**i for i in range(2, resolution.bit_length())]
        widths = {side: min(channel_base // side, channel_max) for side in self._sides}
        self.synthesis = nn.Module()
        self.encoder = nn.Module()
        for side in self._sides:
            smaller = max(side // 2, _SMALLEST)
            ins, outs = widths[side], widths[smaller]
            self.synthesis.add_module(f"b{side}", _Synthesise(outs, ins, side))
            pictures = 4 if side == resolution else None
            self.encoder.add_module(f"b{side}", _Encode(ins, outs, side > _SMALLEST, pictures))
        self._draw_weights()

    def _draw_weights(self) -> None:
        """Filters of unit length on average, which the activation's gain expects."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.weight.requires_grad:
                nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def increments(self, x: Tensor) -> list[Tensor]:
        """What every size adds to the picture, the smallest first.

        Args:
            x: As for ``forward``.

        Returns:
            (B, 3, s, s) for s = 4, 8, ... ``resolution``.
        """
        if x.shape[-2:] != (self.side, self.side):
            raise ValueError(f"this MI-GAN works at {self.side} x {self.side}, not {x.shape[-2:]}")
        skips = {}
        for side in reversed(self._sides):
            skips[side], x = self.encoder.get_submodule(f"b{side}")(x)
        parts = []
        for side in self._sides:
            x, part = self.synthesis.get_submodule(f"b{side}")(x, skips[side])
            parts.append(part)
        return parts

    def forward(self, x: Tensor) -> Tensor:
        """The published call.

        Args:
            x: (B, 4, ``resolution``, ``resolution``): known - 0.5 (known 1 outside the holes), and
                the picture in -1..1 times known.

        Returns:
            (B, 3, ``resolution``, ``resolution``), about -1..1, not clamped.
        """
        first, *others = self.increments(x)
        picture = first
        for side, part in zip(self._sides[1:], others, strict=True):
            upsample = self.synthesis.get_submodule(f"b{side}.upsample")
            picture = in_float32(upsample, picture) + part
        return picture

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> list[Tensor]:
        """The one picture the network makes; see the base class."""
        return [self(network_input(image, mask)) / 2 + 0.5]


def network_input(image: Tensor, mask: Tensor) -> Tensor:
    """What the published call takes.

    Args:
        image: (B, 3, H, W) in 0..1.
        mask: (B, 1, H, W), 1 inside the holes.

    Returns:
        (B, 4, H, W): known - 0.5, then the picture in -1..1, zero inside the holes.
    """
    known = 1 - mask
    return torch.cat([known - 0.5, (2 * image - 1) * known], dim=1)


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor arguments of the network that a state dict belongs to.

    Args:
        shapes: Key to shape.

    Returns:
        Arguments of ``MIGAN``, or None if the keys are not of this architecture.
    """
    widths: dict[int, int] = {}
    while (key := f"encoder.b{_SMALLEST << len(widths)}.conv1.conv1.weight") in shapes:
        widths[_SMALLEST << len(widths)] = shapes[key][0]
    if not widths or f"encoder.b{max(widths)}.fromrgb.weight" not in shapes:
        return None
    # Every width bounds the base from below, and the largest of these bounds gives them all back.
    return {
        "resolution": max(widths),
        "channel_base": max(side * width for side, width in widths.items()),
        "channel_max": widths[_SMALLEST],
    }
