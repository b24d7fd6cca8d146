"""CoModGAN's generator: StyleGAN2 whose every convolution hears the known pixels too.

Zhao et al., "Large Scale Image Completion via Co-Modulated Generative Adversarial Networks", ICLR
2021, section 4.1 and figure 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.networks.stylegan2 import Dense
from models.networks.stylegan2_filter import fir, upsampled
from models.networks.stylegan2_modulation import Noise, StyledConv, ToRGB


class _FirstBlock(nn.Module):
    """The generator at 4x4: grown from the encoder's vector instead of a learned constant."""

    def __init__(self, width: int, vector: int, style: int, clamp: float | None) -> None:
        super().__init__()
        self.fc = Dense(vector, width * 16, active=True, clamp=clamp)
        self.conv = StyledConv(width, width, style, 4, clamp=clamp, idle_filter=True)
        self.torgb = ToRGB(width, 3, style)

    def forward(
        self, vector: Tensor, skip: Tensor, styles: Sequence[Tensor], noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """To features (B, C, 4, 4) and picture (B, 3, 4, 4)."""
        x = self.fc(vector).reshape(skip.shape) + skip
        x = self.conv(x.to(skip.dtype), styles[0], noise)
        return x, self.torgb(x, styles[1])


class _Block(nn.Module):
    """The generator at one size: double, add the encoder's map, refine, paint."""

    resample_filter: Tensor

    def __init__(self, ins: int, outs: int, style: int, side: int, clamp: float | None) -> None:
        super().__init__()
        self.register_buffer("resample_filter", fir())
        self.conv0 = StyledConv(ins, outs, style, side, up=True, clamp=clamp)
        self.conv1 = StyledConv(outs, outs, style, side, clamp=clamp)
        self.torgb = ToRGB(outs, 3, style)

    def forward(
        self, x: Tensor, picture: Tensor, skip: Tensor, styles: Sequence[Tensor], noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """(B, ins, H/2, W/2) and (B, 3, H/2, W/2) to (B, outs, H, W) and (B, 3, H, W)."""
        x = self.conv0(x, styles[0], noise) + skip
        x = self.conv1(x, styles[1], noise)
        return x, upsampled(picture, self.resample_filter) + self.torgb(x, styles[2])


class Synthesis(nn.Module):
    """StyleGAN2's skip generator, co-modulated.

    Args:
        widths: Channels by side, from ``resolution`` down to 4.
        vector: Length of the encoder's vector.
        w: Length of the mapped random vector.
        clamp: Bound of the activations.
    """

    def __init__(self, widths: dict[int, int], vector: int, w: int, clamp: float | None) -> None:
        super().__init__()
        style = w + vector
        self.b4 = _FirstBlock(widths[4], vector, style, clamp)
        for side in sorted(widths)[1:]:
            block = _Block(widths[side // 2], widths[side], style, side, clamp)
            self.add_module(f"b{side}", block)
        self.layers = 2 * len(widths)

    def forward(
        self, vector: Tensor, maps: Sequence[Tensor], w: Tensor, noise: Noise = "const"
    ) -> Tensor:
        """Paint.

        Args:
            vector: (B, vector).
            maps: The encoder's, the smallest first.
            w: (B, D), or (B, ``layers``, D) with one vector per layer (style mixing).
            noise: As in ``StyledConv``.

        Returns:
            (B, 3, resolution, resolution), about -1..1.
        """
        ws = w.unbind(1) if w.ndim == 3 else (w,) * self.layers
        styles = [torch.cat([each, vector.to(each.dtype)], dim=1) for each in ws]
        first, *blocks = self.children()
        x, picture = first(vector, maps[0], styles[:2], noise)
        for i, (block, skip) in enumerate(zip(blocks, maps[1:], strict=True), start=1):
            # A block's last style, that of its picture, is also the first of the next.
            x, picture = block(x, picture, skip, styles[2 * i - 1 : 2 * i + 2], noise)
        return picture  # type: ignore[no-any-return]
