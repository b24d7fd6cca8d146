"""A deep network for what goes where, and a shallow one at full size that makes it fit.

Coarse-to-fine as in Yi et al., "Generative Image Inpainting with Contextual Attention" (CVPR 2018),
with other halves: LaMa, which sees the whole window at an eighth of its size, and EDSR, which sees
every pixel that is known around the hole. LaMa has no skips: what it puts beside a known pixel does
not know that pixel's exact value. The fine network does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from models.network import InpaintingNetwork
from models.networks import edsr, lama

_COARSE = {"ngf": 48, "n_downsampling": 2, "n_blocks": 6, "activation": "none", "shuffle": 2}


class CoarseToFine(InpaintingNetwork):
    """The two, one after the other.

    Args:
        coarse: Arguments of ``LaMa``.
        fine: Arguments of ``EDSR``.
    """

    def __init__(
        self, coarse: Mapping[str, Any] | None = None, fine: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.coarse = lama.LaMa(**(coarse or _COARSE))
        self.fine = edsr.EDSR(**(fine or {}))
        self.multiple = max(self.coarse.multiple, self.fine.multiple)
        self.least = max(self.coarse.least, self.fine.least)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """The finished picture, for (B, 3, H, W) in 0..1 and (B, 1, H, W) of 0 and 1."""
        return self.stages(image, mask)[-1]

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> list[Tensor]:
        """The coarse picture and the finished one."""
        coarse = self.coarse.complete(image, mask)
        guess = torch.where(mask > 0, coarse, image)
        return [coarse, guess + self.fine(torch.cat([guess - 0.5, mask], dim=1)).float()]


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """The constructor's arguments, told from the shapes of a state dict.

    Args:
        shapes: Shape of every tensor by name, wrappers stripped.

    Returns:
        None if these are not the weights of such a pair.
    """
    coarse = lama.config_of(under("coarse.", shapes))
    fine = edsr.config_of(under("fine.", shapes))
    return None if coarse is None or fine is None else {"coarse": coarse, "fine": fine}


def under(prefix: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The shapes of one half, under its own names."""
    found = {name for name in shapes if name.startswith(prefix)}
    return {name.removeprefix(prefix): shapes[name] for name in found}
