"""LaMa: resolution-robust large mask inpainting with Fourier convolutions.

Suvorov et al., "Resolution-robust Large Mask Inpainting with Fourier Convolutions", WACV 2022
(arXiv:2109.07161). The module tree is numbered like the published checkpoints
(``model.1.ffc.convl2l.weight`` ...), so that they load strictly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import count, pairwise, takewhile
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.network import InpaintingNetwork, in_float32
from models.networks.ffc import FFCBlock, FFCResnetBlock
from models.prefill import prefill


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


class LaMa(InpaintingNetwork):
    """The FFC residual generator.

    Args:
        ngf: Channels after the first layer; doubled by every downsampling up to ``max_features``.
        n_downsampling: Halvings before the residual blocks.
        n_blocks: Residual FFC blocks (published: 18 in Big, 9 in Fourier).
        ratio: Global share of the channels in the residual blocks.
        max_features: Upper bound of the channels.
        activation: ``sigmoid`` as published: the hole emptied, the whole picture out; ``none``: the
            hole prefilled smoothly, what that lacks out.
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
        self.residual = activation == "none"
        self.multiple = shuffle * 2**n_downsampling

    least = 64  # pixels per side that leave every layer more than its padding

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4, H, W): picture with the hole emptied or prefilled, and the mask; to (B, 3, H, W).

        H and W must be multiples of ``self.multiple``.
        """
        last = -2 if self.residual else -3
        features = self.model[:last](F.pixel_unshuffle(x, self.shuffle))
        return F.pixel_shuffle(in_float32(self.model[last:], features), self.shuffle)

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> list[Tensor]:
        """One picture: what was seen, or its smooth prefill and the residual over it."""
        if not self.residual:
            return [self(torch.cat([image * (1 - mask), mask], dim=1))]
        guess = prefill(image, mask)
        return [guess + self(torch.cat([guess - 0.5, mask], dim=1)).float()]


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """The constructor's arguments, told from the shapes of a state dict.

    The last layer's activation leaves no trace in the weights: without folded pixels it is taken
    for the published sigmoid, with them for the residual of this package's own training.

    Args:
        shapes: Shape of every tensor by name, wrappers stripped.

    Returns:
        None if these are not the weights of a LaMa generator.
    """
    first = shapes.get("model.1.ffc.convl2l.weight")
    if first is None or len(first) != 4:
        return None
    shuffle = math.isqrt(first[1] // 4)
    halvings = takewhile(lambda i: f"model.{i}.ffc.convl2l.weight" in shapes, count(2))
    n_downsampling = len(list(halvings))
    blocks = takewhile(
        lambda i: f"model.{i}.conv1.ffc.convl2l.weight" in shapes, count(2 + n_downsampling)
    )
    deepest = f"model.{1 + n_downsampling}.ffc.convl2"
    local = shapes[f"{deepest}l.weight"][0]
    spread = shapes.get(f"{deepest}g.weight", (0,))[0]
    ratio = spread / (local + spread)
    if int((local + spread) * ratio) < spread:  # the constructor cuts off, it does not round
        ratio = math.nextafter(ratio, 1)
    config = {
        "ngf": first[0],
        "n_downsampling": n_downsampling,
        "n_blocks": len(list(blocks)),
        "ratio": ratio,
        "activation": "sigmoid" if shuffle == 1 else "none",
        "shuffle": shuffle,
    }
    if local + spread != min(1024, first[0] * 2**n_downsampling):
        config["max_features"] = local + spread
    return config
