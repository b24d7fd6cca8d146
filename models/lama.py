"""LaMa: resolution-robust large mask inpainting with Fourier convolutions.

Suvorov et al., "Resolution-robust Large Mask Inpainting with Fourier Convolutions", WACV 2022
(arXiv:2109.07161); fast Fourier convolutions after Chi, Jiang and Mu, NeurIPS 2020. The module
tree is numbered like the published checkpoints (``model.1.ffc.convl2l.weight`` ...), so that they
load strictly.

A feature map is a pair (local, global). Local channels see 3x3 neighbourhoods; a share ``ratio``
of the channels is global and passes through the Fourier domain, where a 1x1 convolution sees the
whole window at once. That is what lets a shallow network continue a frame or a weave across a
hole.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.adversarial import complete
from models.cards import InpainterCard
from models.device import channels_last
from models.inpainter import Inpainter
from models.padding import pad_to_multiple
from models.prefill import prefill

_LEAST = 64  # pixels per side that leave every layer more than its padding


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


class _Join(nn.Module):
    """(local, global) to one tensor; holds a place in the published numbering."""

    def forward(self, pair: tuple[Tensor, Tensor | None]) -> Tensor:
        return pair[0] if pair[1] is None else torch.cat([pair[0], pair[1]], dim=1)


class _Fork(nn.Module):
    """One tensor to (local, nothing), after the reflection padding of the first layer."""

    def __init__(self, padding: int) -> None:
        super().__init__()
        self.pad = nn.ReflectionPad2d(padding)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return self.pad(x), None


class LaMa(nn.Module):
    """The FFC residual generator.

    Args:
        ngf: Channels after the first layer; doubled by every downsampling up to ``max_features``.
        n_downsampling: Halvings before the residual blocks.
        n_blocks: Residual FFC blocks (published: 18 in Big, 9 in Fourier).
        ratio: Global share of the channels in the residual blocks.
        max_features: Upper bound of the channels.
        activation: Last layer: ``sigmoid`` as published, or ``none`` for residual output.
        shuffle: Pixels per side that are folded into channels before the first layer and unfolded
            after the last (Shi et al., CVPR 2016). 1 as published; with 2 the costly full-size
            layers disappear, which makes training and running on a CPU about twice as fast.
    """

    def __init__(
        self,
        ngf: int = 64,
        n_downsampling: int = 3,
        n_blocks: int = 18,
        ratio: float = 0.75,
        max_features: int = 1024,
        activation: str = "sigmoid",
        shuffle: int = 1,
    ) -> None:
        super().__init__()
        if activation not in ("sigmoid", "none"):
            raise ValueError(f"activation must be 'sigmoid' or 'none', not {activation!r}")
        widths = [min(max_features, ngf * 2**i) for i in range(n_downsampling + 1)]
        kernel = 7 if shuffle == 1 else 5
        first = FFCBlock(4 * shuffle**2, ngf, kernel)
        layers: list[nn.Module] = [_Fork(kernel // 2), first]
        for i, (ins, outs) in enumerate(pairwise(widths)):
            share = ratio if i == n_downsampling - 1 else 0.0
            layers.append(FFCBlock(ins, outs, 3, 0.0, share, stride=2, padding=1))
        layers += [FFCResnetBlock(widths[-1], ratio) for _ in range(n_blocks)]
        layers.append(_Join())
        for ins, outs in zip(widths[:0:-1], widths[-2::-1], strict=True):
            layers += [
                nn.ConvTranspose2d(ins, outs, 3, stride=2, padding=1, output_padding=1),
                nn.BatchNorm2d(outs),
                nn.ReLU(inplace=True),
            ]
        last = nn.Conv2d(ngf, 3 * shuffle**2, kernel)
        layers += [nn.ReflectionPad2d(kernel // 2), last]
        if activation == "sigmoid":
            layers.append(nn.Sigmoid())
        else:  # a residual starts from nothing
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.model = nn.Sequential(*layers)
        self.shuffle = shuffle
        self.multiple = shuffle * 2**n_downsampling

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4, H, W): picture with the hole emptied or prefilled, and the mask; to (B, 3, H, W).

        H and W must be multiples of ``self.multiple``.
        """
        folded = F.pixel_unshuffle(x, self.shuffle)
        return F.pixel_shuffle(self.model(folded), self.shuffle)


class LaMaInpainter(Inpainter):
    """LaMa behind the common call.

    The card's field ``input`` says what the network was trained to see: ``empty`` (published
    weights: the hole emptied, the whole picture out) or ``prefilled`` (ours: the hole filled
    smoothly, a residual out).

    Args:
        network: With its weights.
        card: What it is.
        device: ``auto`` or a torch device.
    """

    def __init__(self, network: LaMa, card: InpainterCard, device: str = "auto") -> None:
        super().__init__(card, device)
        self._network = channels_last(network.to(self.device))
        self._prefilled = card.details.get("input", "empty") == "prefilled"

    def _fill(self, image: Tensor, holes: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        mask = holes.to(image.dtype)
        if self._prefilled:
            image = prefill(image, mask)
        image, mask = (pad_to_multiple(x, self._network.multiple, _LEAST) for x in (image, mask))
        if self._prefilled:
            filled = complete(self._network, image, mask, image)
        else:
            filled = self._network(torch.cat([image * (1 - mask), mask], dim=1))
        return filled[..., :height, :width]


def inpainter(network: LaMa, card: InpainterCard, device: str) -> Inpainter:
    """The inpainter for a network of this file; what ``models.load`` calls."""
    return LaMaInpainter(network, card, device)
