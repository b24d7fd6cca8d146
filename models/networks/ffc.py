"""Fast Fourier convolutions: local ones, and global ones in the Fourier domain, side by side.

Chi, Jiang and Mu, "Fast Fourier Convolution", NeurIPS 2020, in the form that LaMa uses (Suvorov et
al., WACV 2022). A feature map is a pair (local, global). Local channels see 3x3 neighbourhoods; a
share ``ratio`` of the channels is global and passes through the Fourier domain, where a 1x1
convolution sees the whole window at once. That is what lets a shallow network continue a frame or
a weave across a hole.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FourierUnit(nn.Module):
    """A 1x1 convolution on the real Fourier spectrum: (B, C, H, W) to (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """Transform, mix channels, transform back; always in float32 (no FFT in bfloat16)."""
        batch, channels, height, width = x.shape
        with torch.autocast(x.device.type, enabled=False):
            spectrum = torch.fft.rfft2(x.float(), norm="ortho")
            parts = torch.view_as_real(spectrum).permute(0, 1, 4, 2, 3)
            parts = parts.reshape(batch, 2 * channels, height, -1)
        parts = torch.relu(self.bn(self.conv_layer(parts)))
        with torch.autocast(x.device.type, enabled=False):
            parts = parts.float().reshape(batch, channels, 2, height, -1)
            spectrum = torch.view_as_complex(parts.permute(0, 1, 3, 4, 2).contiguous())
            image: Tensor = torch.fft.irfft2(spectrum, s=(height, width), norm="ortho")
        return image.to(x.dtype)


class SpectralTransform(nn.Module):
    """Global-to-global path of a fast Fourier convolution, with half the channels inside."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.conv1 = nn.Sequential(
            nn.Conv2d(in_channels, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True)
        )
        self.fu = FourierUnit(half)
        self.conv2 = nn.Conv2d(half, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        x = self.conv1(x)
        return self.conv2(x + self.fu(x))  # type: ignore[no-any-return]


def _conv(ins: int, outs: int, kernel: int, stride: int, padding: int) -> nn.Module | None:
    if ins == 0 or outs == 0:
        return None
    return nn.Conv2d(ins, outs, kernel, stride, padding, padding_mode="reflect", bias=False)


class FFC(nn.Module):
    """Fast Fourier convolution between (local, global) pairs.

    Args:
        ins: Input channels, of which the share ``ratio_in`` is global.
        outs: Output channels, of which the share ``ratio_out`` is global.
        kernel: Side of the local convolutions.
        ratio_in: Global share of the input, 0 to 1.
        ratio_out: Global share of the output, 0 to 1.
        stride: 1 or 2; 2 only without a global-to-global path.
        padding: Reflected pixels on every side.
    """

    def __init__(
        self,
        ins: int,
        outs: int,
        kernel: int,
        ratio_in: float,
        ratio_out: float,
        stride: int = 1,
        padding: int = 0,
    ) -> None:
        super().__init__()
        global_in, global_out = int(ins * ratio_in), int(outs * ratio_out)
        local_in, local_out = ins - global_in, outs - global_out
        self.convl2l = _conv(local_in, local_out, kernel, stride, padding)
        self.convl2g = _conv(local_in, global_out, kernel, stride, padding)
        self.convg2l = _conv(global_in, local_out, kernel, stride, padding)
        both = global_in and global_out
        self.convg2g = SpectralTransform(global_in, global_out) if both else None

    def forward(self, local: Tensor, spread: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Mix both paths; ``spread`` is the global half, None where there is none."""
        assert self.convl2l is not None
        out_local = self.convl2l(local)
        if spread is not None and self.convg2l is not None:
            out_local = out_local + self.convg2l(spread)
        if self.convl2g is None:
            return out_local, None
        out_spread = self.convl2g(local)
        if spread is not None and self.convg2g is not None:
            out_spread = out_spread + self.convg2g(spread)
        return out_local, out_spread


class FFCBlock(nn.Module):
    """FFC, batch normalisation, ReLU."""

    def __init__(
        self,
        ins: int,
        outs: int,
        kernel: int,
        ratio_in: float = 0.0,
        ratio_out: float = 0.0,
        stride: int = 1,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.ffc = FFC(ins, outs, kernel, ratio_in, ratio_out, stride, padding)
        spread = int(outs * ratio_out)
        self.bn_l = nn.BatchNorm2d(outs - spread)
        self.bn_g = nn.BatchNorm2d(spread) if spread else None

    def forward(self, pair: tuple[Tensor, Tensor | None]) -> tuple[Tensor, Tensor | None]:
        """(local, global) in, (local, global) out."""
        local, spread = self.ffc(*pair)
        local = torch.relu(self.bn_l(local))
        if spread is not None and self.bn_g is not None:
            spread = torch.relu(self.bn_g(spread))
        return local, spread


class FFCResnetBlock(nn.Module):
    """Two 3x3 FFC blocks around a skip."""

    def __init__(self, channels: int, ratio: float) -> None:
        super().__init__()
        self.conv1 = FFCBlock(channels, channels, 3, ratio, ratio, padding=1)
        self.conv2 = FFCBlock(channels, channels, 3, ratio, ratio, padding=1)

    def forward(self, pair: tuple[Tensor, Tensor | None]) -> tuple[Tensor, Tensor | None]:
        """(local, global) in, (local, global) out."""
        local, spread = self.conv2(self.conv1(pair))
        if spread is None or pair[1] is None:
            return pair[0] + local, None
        return pair[0] + local, pair[1] + spread
