"""The discriminators by the names that recipes give them."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from models.critics.biggan import ProjectionDiscriminator
from models.critics.local import ContextEncoderDiscriminator, GlobalLocalDiscriminator
from models.critics.patch import (
    AotDiscriminator,
    Discriminator,
    PatchDiscriminator,
    SnPatchDiscriminator,
    SpectralPatchDiscriminator,
)
from models.critics.stylegan2 import StyleGAN2Discriminator


class WholePicture(Discriminator):
    """StyleGAN2's discriminator behind the common call: one logit for a picture, no maps.

    Args:
        resolution: Height and width of the windows.
        channel_base: As its own.
        channel_max: As its own.
        group: As its own.
    """

    def __init__(
        self,
        resolution: int = 256,
        channel_base: int = 32768,
        channel_max: int = 512,
        group: int = 4,
    ) -> None:
        super().__init__()
        self.network = StyleGAN2Discriminator(resolution, 4, channel_base, channel_max, group)

    def forward(self, image: Tensor, mask: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """(B, 3, H, W) in 0..1 and its mask to logits (B, 1, 1, 1)."""
        mask = torch.zeros_like(image[:, :1]) if mask is None else mask
        return self.network.judge(image, mask)[:, :, None, None], []


DISCRIMINATORS = {
    "aot": AotDiscriminator,
    "biggan": ProjectionDiscriminator,
    "context-encoder": ContextEncoderDiscriminator,
    "deepfillv2": SnPatchDiscriminator,
    "edgeconnect": SpectralPatchDiscriminator,
    "global-local": GlobalLocalDiscriminator,
    "lama": PatchDiscriminator,
    "stylegan2": WholePicture,
}


def check_discriminator(kind: str = "lama", **arguments: Any) -> None:  # noqa: ANN401 - each its own
    """Refuse a discriminator that does not exist, without making one.

    Raises:
        ValueError: Naming the kinds, or the arguments that this kind takes.
    """
    if kind not in DISCRIMINATORS:
        raise ValueError(f"no kind {kind!r}; there are {', '.join(DISCRIMINATORS)}")
    known = inspect.signature(DISCRIMINATORS[kind]).parameters
    for name in arguments:
        if name not in known:
            raise ValueError(f"{kind} takes no {name!r}; it takes {', '.join(known)}")


def make_discriminator(kind: str = "lama", **arguments: Any) -> Discriminator:  # noqa: ANN401
    """A discriminator with random weights.

    Args:
        kind: One of ``DISCRIMINATORS``.
        arguments: Its constructor's.

    Raises:
        ValueError: If there is no such kind, or it takes no such argument.
    """
    check_discriminator(kind, **arguments)
    made: Discriminator = DISCRIMINATORS[kind](**arguments)
    return made
