"""LaMa: resolution-robust large mask inpainting with Fourier convolutions.

Suvorov et al., "Resolution-robust Large Mask Inpainting with Fourier Convolutions", WACV 2022
(arXiv:2109.07161). The module tree is numbered like the published checkpoints
(``model.1.ffc.convl2l.weight`` ...), so that they load strictly.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.adversarial import complete
from models.cards import InpainterCard
from models.device import channels_last
from models.ffc import FFCBlock, FFCResnetBlock
from models.inpainter import Inpainter
from models.padding import pad_to_multiple
from models.prefill import prefill

_LEAST = 64  # pixels per side that leave every layer more than its padding


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
            after the last (Shi et al., CVPR 2016). 1 as published; with 2 the full-size layers
            disappear, which cost much and see little.
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
