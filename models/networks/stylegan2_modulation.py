"""StyleGAN2's modulated convolutions: a style vector scales what each layer lets through.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020, section 2.2.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.networks.stylegan2 import Dense, activate
from models.networks.stylegan2_filter import filtered, fir, fixed_precision

Noise = Literal["const", "random", "none"]

_EPSILON = 1e-8


def modulated_convolution(
    x: Tensor,
    weight: Tensor,
    style: Tensor,
    demodulate: bool = True,
    kernel: Tensor | None = None,
) -> Tensor:
    """Convolution with weights scaled per picture (eq. 1 and 3).

    The scales are applied to the activations before and after one ordinary convolution. That is
    the same sum as scaled weights, needs no convolution of its own per picture, and exports.

    Args:
        x: (B, I, H, W).
        weight: (O, I, k, k); k odd.
        style: (B, I), what scales each input channel.
        demodulate: Whether every output channel is brought back to the scale it would have for
            inputs of unit variance.
        kernel: Low-pass filter; with it the output has twice the height and width.

    Returns:
        (B, O, H, W) or (B, O, 2H, 2W), in the precision of ``style`` where demodulated or enlarged.
    """
    scale = None
    if demodulate:
        # Equal factors cancel below; taken out first, nothing overflows or drowns in the epsilon.
        weight = weight * (weight.square().mean((1, 2, 3), keepdim=True) + _EPSILON).rsqrt()
        style = style * (style.square().mean(1, keepdim=True) + _EPSILON).rsqrt()
        with fixed_precision(x):
            energy = style.square() @ weight.square().sum((2, 3)).t()
        scale = (energy + _EPSILON).rsqrt()[:, :, None, None]
    x = x * style.to(x.dtype)[:, :, None, None]
    side = weight.shape[-1]
    if kernel is None:
        y = F.conv2d(x, weight, padding=side // 2)
    else:
        taps = kernel.shape[-1]
        before = side // 2 + (taps + 1) // 2 - (side - 1)
        after = side // 2 + (taps - 2) // 2 - (side - 2)
        y = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        y = filtered(y, kernel, (before, after), gain=4.0)
    return y if scale is None else y * scale


class StyledConv(nn.Module):
    """Modulated 3x3 convolution, noise, bias, activation.

    Args:
        ins: Input channels.
        outs: Output channels.
        style: Length of the vector that modulates.
        side: Height and width of the output.
        up: Whether to double.
        clamp: Bound of the activation.
        idle_filter: Whether a filter is stored that nothing uses, as one published layer does.
    """

    resample_filter: Tensor
    noise_const: Tensor

    def __init__(
        self,
        ins: int,
        outs: int,
        style: int,
        side: int,
        up: bool = False,
        clamp: float | None = None,
        idle_filter: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outs, ins, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outs))
        self.affine = Dense(style, ins, bias=1.0)
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise_const", torch.randn(side, side))
        if up or idle_filter:
            self.register_buffer("resample_filter", fir())
        self.up, self.clamp = up, clamp

    def forward(self, x: Tensor, w: Tensor, noise: Noise = "const") -> Tensor:
        """(B, ins, H, W) and (B, style) to (B, outs, side, side).

        ``noise``: the stored picture of it, a new one for every call, or none.
        """
        kernel = self.resample_filter if self.up else None
        y = modulated_convolution(x, self.weight, self.affine(w), kernel=kernel)
        if noise == "const":
            y = y + self.noise_const * self.noise_strength
        elif noise == "random":
            y = y + torch.randn_like(y[:, :1]) * self.noise_strength
        y = activate(y + self.bias[:, None, None], self.clamp)
        return y.to(x.dtype)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to a picture, without demodulation, outside autocast."""

    def __init__(self, ins: int, outs: int, style: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outs, ins, 1, 1))
        self.bias = nn.Parameter(torch.zeros(outs))
        self.affine = Dense(style, ins, bias=1.0)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """(B, ins, H, W) and (B, style) to (B, outs, H, W)."""
        style = self.affine(w) * (1 / math.sqrt(self.weight.shape[1]))
        with fixed_precision(x):
            y = modulated_convolution(x.to(style.dtype), self.weight, style, demodulate=False)
            return y + self.bias[:, None, None]
