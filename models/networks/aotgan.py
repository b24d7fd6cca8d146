"""AOT-GAN: aggregated contextual transformations for large holes.

Zeng, Fu, Chao and Guo, "Aggregated Contextual Transformations for High-Resolution Image
Inpainting", IEEE Transactions on Visualization and Computer Graphics 2022 (arXiv:2104.01431). The
module tree carries the names of the published checkpoints (``middle.0.block00.1.weight`` ...), so
that they load strictly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.network import InpaintingNetwork, in_float32

_MARKERS = ("encoder.1.weight", "middle.0.block00.1.weight", "middle.0.gate.1.weight")


class AOTBlock(nn.Module):
    """Splits, transforms and merges a feature map, and lets a gate choose how much of that to take.

    Section 3.1 of the paper: every branch sees the map at another dilation, the fused branches are
    mixed with the input by a gate learned from the input, ``x (1 - g) + fused g``.

    Args:
        channels: Of the feature map; a multiple of the number of rates.
        rates: Dilation of each branch.
    """

    def __init__(self, channels: int, rates: Sequence[int]) -> None:
        super().__init__()
        share = channels // len(rates)
        self._branches = [f"block{i:02d}" for i in range(len(rates))]
        for name, rate in zip(self._branches, rates, strict=True):
            branch = nn.Sequential(*_reflected(channels, share, rate), nn.ReLU(inplace=True))
            self.add_module(name, branch)
        self.fuse = nn.Sequential(*_reflected(channels, channels, 1))
        self.gate = nn.Sequential(*_reflected(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same; H and W above every rate."""
        parts = [self.get_submodule(name)(x) for name in self._branches]
        fused = self.fuse(torch.cat(parts, dim=1))
        gate = torch.sigmoid(spread_out(self.gate(x)))
        return x * (1 - gate) + fused * gate  # type: ignore[no-any-return]


def _reflected(ins: int, outs: int, rate: int) -> tuple[nn.Module, nn.Module]:
    return nn.ReflectionPad2d(rate), nn.Conv2d(ins, outs, 3, dilation=rate)


def spread_out(x: Tensor) -> Tensor:
    """Normalise every channel over its picture to ``5 (2 z - 1)``, z its z-score.

    What the released code puts before the gate's sigmoid: the wide scale makes the gate close to
    hard. The statistics are taken in float32, the result has the type of ``x``.

    Args:
        x: (B, C, H, W) of at least two pixels.
    """
    wide = x.float()
    mean = wide.mean((2, 3), keepdim=True)
    deviation = wide.std((2, 3), keepdim=True) + 1e-9
    return (5 * (2 * (wide - mean) / deviation - 1)).to(x.dtype)


class _Enlarge(nn.Module):
    """Twice the size by bilinear interpolation, then a 3x3 convolution."""

    def __init__(self, ins: int, outs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(ins, outs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
        return self.conv(x)  # type: ignore[no-any-return]


class AOTGAN(InpaintingNetwork):
    """The generator: two halvings, a row of AOT blocks, two doublings.

    Args:
        width: Channels at full size; four times as many in the blocks.
        rates: Dilations of the branches of every block.
        block_num: Number of blocks.

    Raises:
        ValueError: If the branches cannot share the channels evenly.
    """

    multiple = 4

    def __init__(
        self, width: int = 64, rates: Sequence[int] = (1, 2, 4, 8), block_num: int = 8
    ) -> None:
        super().__init__()
        inner = 4 * width
        if not rates or inner % len(rates):
            raise ValueError(f"{inner} channels cannot be shared by {len(rates)} branches")
        self.encoder = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(4, width, 7),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * width, inner, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
        )
        self.middle = nn.Sequential(*(AOTBlock(inner, rates) for _ in range(block_num)))
        self.decoder = nn.Sequential(
            _Enlarge(inner, 2 * width),
            nn.ReLU(inplace=True),
            _Enlarge(2 * width, width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 3, 3, padding=1),
        )
        # A reflection must be shorter than the quarter-size map that it mirrors.
        self.least = self.multiple * (max(rates) + 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """The published call.

        Args:
            x: (B, 3, H, W) in -1..1, 1 inside the holes; H and W multiples of ``multiple``.
            mask: (B, 1, H, W), 1 inside the holes.

        Returns:
            (B, 3, H, W) in -1..1.
        """
        x = self.middle(self.encoder(torch.cat([x, mask], dim=1)))
        *before, last = self.decoder
        for layer in before:
            x = layer(x)
        return torch.tanh(in_float32(last, x))

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> list[Tensor]:
        """The one picture the network makes; see the base class."""
        emptied = (2 * image - 1) * (1 - mask) + mask
        return [(self(emptied, mask) + 1) / 2]


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor arguments of the network that a state dict belongs to.

    Dilations leave no trace in the shapes; they are taken to double from branch to branch, as
    published.

    Args:
        shapes: Key to shape.

    Returns:
        Arguments of ``AOTGAN``, or None if the keys are not of this architecture.
    """
    if not all(key in shapes for key in _MARKERS):
        return None
    branches = sum(f"middle.0.block{i:02d}.1.weight" in shapes for i in range(len(shapes)))
    return {
        "width": shapes["encoder.1.weight"][0],
        "rates": tuple(2**i for i in range(branches)),
        "block_num": len({key.split(".")[1] for key in shapes if key.startswith("middle.")}),
    }
