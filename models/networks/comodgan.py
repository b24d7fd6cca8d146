"""CoModGAN: StyleGAN2 that is told what lies around the hole.

Zhao et al., "Large Scale Image Completion via Co-Modulated Generative Adversarial Networks", ICLR
2021. An encoder turns the known pixels into feature maps and one vector; every convolution of the
StyleGAN2 generator is modulated by that vector and by the mapped random vector together (eq. 5),
so that a large hole is invented and yet belongs to its picture. Other random vectors give other
proposals.

The module tree is named like the PyTorch release whose checkpoints are bare state dicts
(``mapping.fc0.weight``, ``encoder.b512.conv0.weight``, ``synthesis.b4.conv.affine.weight`` ...);
``models.networks.comodgan_layout`` brings checkpoints of another port into these names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models.critics.stylegan2 import DownBlock
from models.network import InpaintingNetwork
from models.networks import stylegan2
from models.networks.comodgan_layout import PORT_MARKERS, name_here
from models.networks.comodgan_synthesis import Synthesis
from models.networks.stylegan2 import Conv, Dense
from models.networks.stylegan2_modulation import Noise

_MARKERS = ("mapping.fc0.weight", "encoder.b4.fc.weight", "synthesis.b4.fc.weight")


class _Bottleneck(nn.Module):
    """The last 4x4 features, and the vector that describes the known pixels as a whole."""

    def __init__(self, width: int, outs: int, dropout: float, clamp: float | None) -> None:
        super().__init__()
        self.conv = Conv(width, width, 3, clamp=clamp)
        self.fc = Dense(width * 16, outs, active=True, clamp=clamp)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, 4, 4) to a vector (B, outs) and features (B, C, 4, 4)."""
        features = self.conv(x)
        return self.dropout(self.fc(features.flatten(1))), features


class Encoder(nn.Module):
    """Known pixels to a vector and feature maps of every size.

    Args:
        widths: Channels by side, from ``resolution`` down to 4.
        channels: Of the input.
        outs: Length of the vector.
        dropout: Share of the vector that training drops: the network then relies on z as well.
        clamp: Bound of the activations.
    """

    def __init__(
        self, widths: dict[int, int], channels: int, outs: int, dropout: float, clamp: float | None
    ) -> None:
        super().__init__()
        top = max(widths)
        for side in sorted(widths, reverse=True)[:-1]:
            picture = channels if side == top else 0
            block = DownBlock(widths[side], widths[side // 2], picture, clamp=clamp)
            self.add_module(f"b{side}", block)
        self.b4 = _Bottleneck(widths[4], outs, dropout, clamp)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, channels, H, W) to (B, outs) and the maps, the smallest first."""
        *blocks, last = self.children()
        maps: list[Tensor] = []
        for block in blocks:
            x, features = block(x)
            maps.append(features)
        vector, features = last(x)
        return vector, [features, *reversed(maps)]


class CoModGAN(InpaintingNetwork):
    """The co-modulated generator.

    Args:
        resolution: Height and width, a power of two from 8 (published: 256 and 512).
        channel_base: Channels at a side of n are ``channel_base // n`` ...
        channel_max: ... but at most this.
        z: Length of the random vector.
        w: Length of the mapped random vector.
        vector: Length of the encoder's vector.
        mapping_layers: Layers of the mapping network.
        dropout: Of the encoder's vector, in training.
        clamp: Bound of the activations, which keeps half precision finite; None for weights
            that were trained without.
    """

    def __init__(
        self,
        resolution: int = 512,
        channel_base: int = 32768,
        channel_max: int = 512,
        z: int = 512,
        w: int = 512,
        vector: int = 1024,
        mapping_layers: int = 8,
        dropout: float = 0.5,
        clamp: float | None = 256.0,
    ) -> None:
        super().__init__()
        if resolution < 8 or resolution & (resolution - 1):
            raise ValueError(f"resolution must be a power of two from 8, not {resolution}")
        sides = [2**i for i in range(2, resolution.bit_length())]
        widths = {side: min(channel_base // side, channel_max) for side in sides}
        self.mapping = stylegan2.Mapping(z, w, mapping_layers, clamp)
        self.encoder = Encoder(widths, 4, vector, dropout, clamp)
        self.synthesis = Synthesis(widths, vector, w, clamp)
        self.latent = z
        self.multiple = self.least = self.side = resolution

    def forward(
        self,
        x: Tensor,
        z: Tensor | None = None,
        truncation: float = 1.0,
        noise: Noise = "random",
    ) -> Tensor:
        """The published forward.

        Args:
            x: (B, 4, H, W): known - 0.5, where known is 1 outside the hole and 0 inside; then the
                picture in -1..1 times known.
            z: (B, z) standard normal; None takes the average w, the completion that truncation
                leads to.
            truncation: 0 to 1.
            noise: As in ``StyledConv``.

        Returns:
            (B, 3, H, W), about -1..1, not clamped; known pixels are not put back.
        """
        vector, maps = self.encoder(x)
        mean = self.mapping.w_avg.expand(x.shape[0], -1)
        w = mean if z is None else self.mapping(z, truncation)
        picture: Tensor = self.synthesis(vector, maps, w, noise)
        return picture

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> list[Tensor]:
        """One picture; with the stored noise, in training with new noise each time."""
        known = 1 - mask
        x = torch.cat([known - 0.5, (2 * image - 1) * known], dim=1)
        picture = self(x, latent, truncation, "random" if self.training else "const")
        return [(picture + 1) / 2]


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Arguments of ``CoModGAN`` for weights of these shapes.

    Args:
        shapes: By key, in the layout of this file or in that of the port. Tensors of the latter
            then go through ``models.networks.comodgan_layout.converted``.

    Returns:
        The arguments, or None if this is no CoModGAN.
    """
    port = all(marker in shapes for marker in PORT_MARKERS)
    if port:
        shapes = {name_here(key): shape for key, shape in shapes.items()}
    widths = {
        int(found[1]): shapes[found[0]][0]
        for found in (re.fullmatch(r"encoder\.b(\d+)\.conv0?\.weight", key) for key in shapes)
        if found
    }
    if not all(marker in shapes for marker in _MARKERS) or len(widths) < 2:
        return None
    w, z = shapes["mapping.fc0.weight"]
    return {
        "resolution": max(widths),
        "channel_base": max(side * width for side, width in widths.items()),
        "channel_max": max(widths.values()),
        "z": z,
        "w": w,
        "vector": shapes["encoder.b4.fc.weight"][0],
        "mapping_layers": sum(bool(re.fullmatch(r"mapping\.fc\d+\.weight", key)) for key in shapes),
        "clamp": None if port else 256.0,
    }
