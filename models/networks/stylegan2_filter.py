"""Low-pass filters around every change of size, as StyleGAN2 has them.

Karras et al., CVPR 2020, use the binomial filter [1, 3, 3, 1] wherever a map is halved or doubled,
so that no aliases arise (Zhang, "Making convolutional networks shift-invariant again", ICML 2019).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor


def fixed_precision(x: Tensor) -> torch.autocast:
    """A context on the device of ``x`` in which autocast lowers nothing."""
    return torch.autocast(x.device.type, enabled=False)


def fir(taps: tuple[float, ...] = (1.0, 3.0, 3.0, 1.0)) -> Tensor:
    """The two-dimensional filter of these taps, (n, n), with sum 1."""
    line = torch.tensor(taps) / sum(taps)
    return torch.outer(line, line)


def _per_channel(x: Tensor, kernel: Tensor) -> Tensor:
    return kernel.expand(x.shape[1], 1, *kernel.shape)


def filtered(
    x: Tensor, kernel: Tensor, padding: tuple[int, int], stride: int = 1, gain: float = 1.0
) -> Tensor:
    """Convolve every channel with ``kernel``, in the precision of the kernel.

    Args:
        x: (B, C, H, W).
        kernel: (n, n).
        padding: Zeros before and after, in both directions.
        stride: Of every this many outputs one is kept.
        gain: Factor of the outcome.

    Returns:
        (B, C, h, w) of the dtype of ``kernel``; h = (H + sum(padding) - n) // stride + 1.
    """
    before, after = padding
    with fixed_precision(x):
        padded = F.pad(x.to(kernel.dtype), (before, after, before, after))
        weight = _per_channel(x, kernel.flip(0, 1) * gain)  # conv2d correlates
        return F.conv2d(padded, weight, stride=stride, groups=x.shape[1])


def downsampled(x: Tensor, kernel: Tensor) -> Tensor:
    """Half the height and width: (B, C, H, W) to (B, C, H/2, W/2), of the dtype of ``x``."""
    taps = kernel.shape[-1]
    return filtered(x, kernel, ((taps - 1) // 2, (taps - 2) // 2), stride=2).to(x.dtype)


def upsampled(x: Tensor, kernel: Tensor) -> Tensor:
    """Twice the height and width: zeros between the pixels, then the filter, at gain 4.

    Args:
        x: (B, C, H, W).
        kernel: (4, 4), or (n, n) with n even.

    Returns:
        (B, C, 2H, 2W) of the dtype of ``kernel``.
    """
    with fixed_precision(x):
        weight = _per_channel(x, kernel * 4.0)
        return F.conv_transpose2d(
            x.to(kernel.dtype),
            weight,
            stride=2,
            padding=(kernel.shape[-1] - 2) // 2,
            groups=x.shape[1],
        )
