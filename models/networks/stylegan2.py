"""StyleGAN2: equalised layers, the mapping network, path lengths.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020
(arXiv:1912.04958). Names of parameters and buffers follow the public PyTorch releases of networks
built on it, so that their checkpoints load strictly.

Everything is plain torch: differentiable as often as R1 and path lengths need, exportable, and the
same on any device. Weights are scaled at run time ("equalised learning rate"), which keeps the
step of an optimiser equal for all layers.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.networks.stylegan2_filter import downsampled, filtered, fir, fixed_precision

_SLOPE = 0.2
_GAIN = math.sqrt(2.0)  # keeps the second moment through the leaky rectifier
_EPSILON = 1e-8


def activate(x: Tensor, clamp: float | None, gain: float = 1.0) -> Tensor:
    """Leaky ReLU of slope 0.2 times sqrt(2) ``gain``, within plus or minus ``clamp`` ``gain``."""
    y = F.leaky_relu(x, _SLOPE) * (_GAIN * gain)
    return y if clamp is None else y.clamp(-clamp * gain, clamp * gain)


class Dense(nn.Module):
    """Equalised linear layer, always in its own precision: (B, ins) to (B, outs).

    Args:
        ins: Input features.
        outs: Output features.
        active: Whether ``activate`` follows.
        bias: Initial bias.
        rate: Learning rate relative to the other layers (0.01 in the mapping network).
        clamp: Bound of the activation.
    """

    def __init__(
        self,
        ins: int,
        outs: int,
        active: bool = False,
        bias: float = 0.0,
        rate: float = 1.0,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outs, ins) / rate)
        self.bias = nn.Parameter(torch.full((outs,), bias))
        self.active, self.rate, self.clamp = active, rate, clamp

    def forward(self, x: Tensor) -> Tensor:
        """Scale, multiply, add, activate."""
        with fixed_precision(x):
            weight = self.weight * (self.rate / math.sqrt(self.weight.shape[1]))
            y = F.linear(x.to(weight.dtype), weight, self.bias * self.rate)
            return activate(y, self.clamp) if self.active else y


class Conv(nn.Module):
    """Equalised convolution: (B, ins, H, W) to (B, outs, H, W), or half of it.

    Args:
        ins: Input channels.
        outs: Output channels.
        kernel: 1 or 3.
        down: Whether to filter and halve.
        active: Whether a bias and ``activate`` follow.
        clamp: Bound of the activation.
    """

    resample_filter: Tensor

    def __init__(
        self,
        ins: int,
        outs: int,
        kernel: int,
        down: bool = False,
        active: bool = True,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outs, ins, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outs)) if active else None
        self.down, self.clamp = down, clamp
        if down:
            self.register_buffer("resample_filter", fir())

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """Convolve, then scale the outcome by ``gain``."""
        weight = self.weight * (1 / math.sqrt(self.weight[0].numel()))
        side = weight.shape[-1]
        if not self.down:
            y = F.conv2d(x, weight, padding=side // 2)
        elif side == 1:  # what a 1x1 convolution would drop need not be filtered
            y = F.conv2d(downsampled(x, self.resample_filter), weight)
        else:
            taps = self.resample_filter.shape[-1]
            padding = (side // 2 + (taps - 1) // 2, side // 2 + (taps - 2) // 2)
            y = F.conv2d(filtered(x, self.resample_filter, padding).to(x.dtype), weight, stride=2)
        if self.bias is None:
            return y * gain
        return activate(y + self.bias.to(y.dtype)[:, None, None], self.clamp, gain)


class Mapping(nn.Module):
    """The mapping network: a random vector z to w, in which styles are disentangled.

    Args:
        z: Length of z.
        w: Length of w.
        layers: Dense layers.
        clamp: Bound of the activations.
        beta: How slowly the average of w, towards which truncation leads, follows in training.
    """

    w_avg: Tensor

    def __init__(
        self, z: int, w: int, layers: int = 8, clamp: float | None = None, beta: float = 0.995
    ) -> None:
        super().__init__()
        for i in range(layers):
            dense = Dense(w if i else z, w, active=True, rate=0.01, clamp=clamp)
            self.add_module(f"fc{i}", dense)
        self.register_buffer("w_avg", torch.zeros(w))
        self.beta = beta

    def forward(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        """(B, z) standard normal to (B, w).

        ``truncation`` (Karras et al., CVPR 2019, appendix B) draws w towards its average: 0 gives
        the average itself, 1 leaves w alone.
        """
        x = z * (z.square().mean(1, keepdim=True) + _EPSILON).rsqrt()
        for layer in self.children():
            x = layer(x)
        if self.training:
            with torch.no_grad():
                self.w_avg.copy_(x.mean(0).lerp(self.w_avg, self.beta))
        return x if truncation == 1.0 else torch.lerp(self.w_avg.expand_as(x), x, truncation)


def path_length_penalty(
    image: Tensor, w: Tensor, average: Tensor, noise: Tensor, decay: float = 0.01
) -> tuple[Tensor, Tensor]:
    """Path length regularisation (eq. 4): a step in w should change the picture by a fixed amount.

    With J the Jacobian of the picture by w and y noise, the length is that of the row J^T y, taken
    as the gradient of <image, y> and divided by the square root of the number of pixels; the
    penalty is its mean squared distance from a running average.

    Args:
        image: (B, 3, H, W) made from ``w``.
        w: (B, D), or (B, layers, D), where squared lengths are averaged over layers.
        average: Scalar, the running average so far; 0 at the start.
        noise: Standard normal, of the shape of ``image``.
        decay: Weight of the new lengths in the average.

    Returns:
        The penalty, and the average to pass next time.
    """
    pixels = image.shape[-2] * image.shape[-1]
    aim = (image.float() * noise).sum() / math.sqrt(pixels)
    (gradient,) = torch.autograd.grad(aim, w, create_graph=True)
    squared = gradient.float().square().sum(-1)
    lengths = (squared.mean(1) if squared.ndim > 1 else squared).sqrt()
    moved = torch.lerp(average, lengths.detach().mean(), decay)
    return (lengths - moved).square().mean(), moved
