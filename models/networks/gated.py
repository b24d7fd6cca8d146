"""Gated convolutions: a layer that learns which of its inputs are worth anything.

Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019 (arXiv:1806.03589),
section 3.1: a second set of filters looks at the same neighbourhood and weights every feature at
every place between 0 and 1, so that a hole, its rim and sound picture can be treated differently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.network import in_float32

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"elu": F.elu, "relu": F.relu}


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Zeros before and after an axis, as TensorFlow's ``SAME`` places them.

    The output has ``ceil(size / stride)`` places, and an odd total puts its extra zero *after*. A
    3-wide kernel with stride 2 on an even axis therefore gets (0, 1), where PyTorch's symmetric
    padding gives (1, 1): every later layer sees the picture shifted by a pixel.

    Args:
        size: Length of the axis.
        kernel: Width of the kernel.
        stride: Step between places.
        dilation: Spacing of the kernel's taps.
    """
    extent = (kernel - 1) * dilation + 1
    total = max(extent - (size % stride or stride), 0)
    return total // 2, total - total // 2


class GatedConv(nn.Module):
    """``activation(features) * sigmoid(gate)``, both from one convolution (equation 3).

    The convolution has twice the channels; the first half are the features, the second the gates.
    Zero padding keeps the size, divided by ``stride``.

    Args:
        ins: Input channels.
        outs: Output channels, after gating.
        kernel: Odd side of the filters.
        stride: 1 or more.
        dilation: Spacing of the taps.
        activation: ``elu`` or ``relu``, of the features.
        same: Pad as TensorFlow's ``SAME`` does; only with a stride is it any different.
    """

    def __init__(
        self,
        ins: int,
        outs: int,
        kernel: int = 3,
        stride: int = 1,
        dilation: int = 1,
        activation: str = "elu",
        same: bool = False,
    ) -> None:
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise ValueError(f"activation must be 'elu' or 'relu', not {activation!r}")
        self._activation = _ACTIVATIONS[activation]
        self._asymmetric = same and stride > 1
        padding = 0 if self._asymmetric else dilation * (kernel - 1) // 2
        self.conv = nn.Conv2d(ins, 2 * outs, kernel, stride, padding, dilation)
        nn.init.kaiming_uniform_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(cast("Tensor", self.conv.bias))

    def forward(self, x: Tensor) -> Tensor:
        """(B, ins, H, W) to (B, outs, ceil(H / stride), ceil(W / stride))."""
        if self._asymmetric:
            kernel, stride, dilation = (
                side[0] for side in (self.conv.kernel_size, self.conv.stride, self.conv.dilation)
            )
            rows = same_padding(x.shape[-2], kernel, stride, dilation)
            columns = same_padding(x.shape[-1], kernel, stride, dilation)
            x = F.pad(x, (*columns, *rows))
        features, gate = self.conv(x).chunk(2, dim=1)
        return self._activation(features) * torch.sigmoid(gate)


class GatedUpsample(nn.Module):
    """Twice the size by repeating pixels, then a gated 3x3 convolution."""

    def __init__(self, ins: int, outs: int) -> None:
        super().__init__()
        self.conv = GatedConv(ins, outs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, ins, H, W) to (B, outs, 2H, 2W)."""
        return cast("Tensor", self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest")))


class PictureConv(nn.Module):
    """The last layer: an ungated 3x3 convolution and tanh, in float32 whatever runs before it."""

    def __init__(self, ins: int, outs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(ins, outs, 3, padding=1)
        nn.init.zeros_(cast("Tensor", self.conv.bias))

    def forward(self, x: Tensor) -> Tensor:
        """(B, ins, H, W) to (B, outs, H, W) float32 in -1..1."""
        return torch.tanh(in_float32(self.conv, x))


def adopt(owner: nn.Module, layers: Mapping[str, nn.Module]) -> tuple[str, ...]:
    """Make layers direct children of a module; returns their names, for ``run``.

    A ``Sequential`` would put its own name before theirs, and published checkpoints have several
    chains of layers side by side in one flat module.
    """
    for name, layer in layers.items():
        owner.add_module(name, layer)
    return tuple(layers)


def run(owner: nn.Module, names: Sequence[str], x: Tensor) -> Tensor:
    """Pass a tensor through children of a module, one after the other."""
    for name in names:
        x = owner.get_submodule(name)(x)
    return x
