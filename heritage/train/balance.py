"""What a discriminator thought of a batch: is it level with the generator, or far ahead?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from heritage.train.watch import boundary
from models.training.adversarial import touched_patches
from models.training.losses import mean_over


@contextmanager
def overheard(discriminator: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the logits a discriminator gives inside the block, in order, without gradient.

    Args:
        discriminator: The module that is called, in its wrapper if it has one. Of a loss these are
            the logits of the real pictures and then those of the filled ones; penalties ask the
            network inside the wrapper, and are not overheard.
    """
    logits: list[Tensor] = []
    handle = discriminator.register_forward_hook(
        lambda _module, _given, answer: logits.append(answer[0].detach())
    )
    try:
        yield logits
    finally:
        handle.remove()


def balance(kind: str, real: Tensor, fake: Tensor, area: Tensor) -> Mapping[str, Tensor]:
    """Share of patches that the discriminator takes for what they are.

    Args:
        kind: Of the adversarial loss.
        real: (B, C, h, w), logits of real pictures.
        fake: (B, C, h, w), logits of filled ones.
        area: (B, 1, H, W), 1 where pixels were filled: only patches that hold some count as filled.

    Returns:
        ``real_right`` and ``fake_right``, 0..1 each; nothing for a kind whose logits mean nothing
        by themselves.
    """
    middle = boundary(kind)
    if middle is None:
        return {}
    filled = touched_patches(area.float(), fake)
    return {
        "real_right": (real > middle).float().mean(),
        "fake_right": mean_over((fake <= middle).float(), filled),
    }


def shortened(norm: Tensor | None) -> Tensor:
    """The norm of a gradient as a scalar tensor; 0 where there was none."""
    return torch.zeros(()) if norm is None else norm.detach()
