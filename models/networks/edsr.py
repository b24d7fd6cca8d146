"""A residual network without normalisation, for damage a few pixels wide.

The body is that of EDSR (Lim et al., "Enhanced Deep Residual Networks for Single Image
Super-Resolution", CVPR Workshops 2017, section 3.2): 3x3 convolutions around skips, and no batch
normalisation, which would shift the very levels that have to be continued. As in ESPCN (Shi et
al., CVPR 2016) pixels are folded into channels, so that all of it works at half size and nothing
is lost. Across a hairline it is an interpolation learned from pictures of the kind: what it adds
is a residual over a smooth prefill.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, takewhile
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.network import InpaintingNetwork, in_float32
from models.prefill import prefill


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a skip: (B, C, H, W) to the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Add what the convolutions make of ``x`` to it."""
        return x + self.conv2(F.relu(self.conv1(x)))  # type: ignore[no-any-return]


class EDSR(InpaintingNetwork):
    """The network.

    Args:
        width: Channels.
        n_blocks: Residual blocks; each lets it see ``4 * shuffle / 2`` pixels further.
        shuffle: Pixels per side that are folded into channels.
    """

    def __init__(self, width: int = 64, n_blocks: int = 10, shuffle: int = 2) -> None:
        super().__init__()
        self.head = nn.Conv2d(4 * shuffle**2, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(n_blocks)))
        self.tail = nn.Conv2d(width, 3 * shuffle**2, 3, padding=1)
        nn.init.zeros_(self.tail.weight)  # a residual starts from nothing
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]
        for block in self.body:
            nn.init.zeros_(block.conv2.bias)  # type: ignore[union-attr, arg-type]
            with torch.no_grad():
                block.conv2.weight.mul_(0.1)  # type: ignore[union-attr, operator]
        self.shuffle = self.multiple = shuffle

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4, H, W), the prefilled picture minus 0.5 and the mask; to the residual."""
        first = self.head(F.pixel_unshuffle(x, self.shuffle))
        return F.pixel_shuffle(in_float32(self.tail, first + self.body(first)), self.shuffle)

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> list[Tensor]:
        """One picture: its smooth prefill and the residual over it."""
        guess = prefill(image, mask)
        return [guess + self(torch.cat([guess - 0.5, mask], dim=1)).float()]


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """The constructor's arguments, told from the shapes of a state dict.

    Args:
        shapes: Shape of every tensor by name, wrappers stripped.

    Returns:
        None if these are not the weights of this network.
    """
    first, last = shapes.get("head.weight"), shapes.get("tail.weight")
    if first is None or last is None or len(first) != 4 or "body.0.conv1.weight" not in shapes:
        return None
    blocks = takewhile(lambda i: f"body.{i}.conv1.weight" in shapes, count())
    shuffle = round((first[1] / 4) ** 0.5)
    return {"width": first[0], "n_blocks": len(list(blocks)), "shuffle": shuffle}
