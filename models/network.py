"""What every inpainting network of this package is, whatever its published forward takes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class InpaintingNetwork(nn.Module):
    """Base of the generators: one call, and what a caller must know to make it.

    ``forward`` keeps the arguments, ranges and polarities of the publication, so that published
    weights and outputs can be compared; ``complete`` is the same network in this package's terms.

    Attributes:
        multiple: Height and width must be multiples of this.
        least: And at least this.
        side: The only height and width it works at, or None where any do.
        latent: Length of the random vector that alternatives are drawn from; 0 if it has none.
        guidance: What else it is shown, (B, 1, H, W), computed outside of torch; None if nothing.
        besides: What its inpainter adds to the network's picture, which an export lacks, in words.
        aside: Bytes per pixel that adding it takes, while the network itself is at rest.
    """

    multiple: int = 1
    least: int = 1
    side: int | None = None
    latent: int = 0
    guidance: str | None = None
    besides: str = ""
    aside: int = 0

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> Sequence[Tensor]:
        """Every picture the network makes of a batch, the finished one last.

        Coarse-to-fine networks give more than one; training has a loss on each.

        Args:
            image: (B, 3, H, W) float32 in 0..1, zero inside the holes.
            mask: (B, 1, H, W) float32, 1 inside the holes and 0 elsewhere.
            latent: (B, ``latent``) standard normal; None for the most typical answer, and for
                networks that have no other.
            truncation: 0 to 1; less means safer and more alike where there is a ``latent``.

        Returns:
            Each (B, 3, H, W) float32 on the scale of ``image``, not clamped, known pixels not yet
            put back.
        """
        raise NotImplementedError

    def complete(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> Tensor:
        """The finished picture: the last of ``stages``."""
        return self.stages(image, mask, latent, truncation)[-1]

    def guided(self, image: Tensor, mask: Tensor, guide: Tensor) -> Tensor:
        """The finished picture for a ``guidance`` that is given: the part that can be exported."""
        raise NotImplementedError


def in_float32(module: nn.Module, x: Tensor) -> Tensor:
    """Run a network's last layers outside autocast.

    A picture computed in bfloat16 has fewer levels than an 8-bit file; features may be coarse,
    the picture made from them may not.
    """
    with torch.autocast(x.device.type, enabled=False):
        result: Tensor = module(x.float())
    return result
