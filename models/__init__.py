"""Inpainters: networks, their weights and the classical methods, behind one call.

::

    inpainter = models.load("telea")
    restored = inpainter(image, mask)

``image`` is (B, 3, H, W) float32 in 0..1, ``mask`` (B, 1, H, W) with non-zero where pixels are to
be restored. This package imports nothing else of this project; importing it does not import torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.cards import InpainterCard
from models.errors import (
    DeviceMissing,
    ExportFailed,
    InputRefused,
    ModelError,
    ModelNotFound,
    WeightsRefused,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from models.inpainter import Inpainter

__all__ = [
    "DeviceMissing",
    "ExportFailed",
    "InpainterCard",
    "InputRefused",
    "ModelError",
    "ModelNotFound",
    "WeightsRefused",
    "available",
    "create",
    "load",
    "uncertainty",
]


def available(folder: Path | str | None = None) -> list[InpainterCard]:
    """The inpainters that can be loaded here, the default first, then by kind and name.

    Args:
        folder: Where a user's own weights lie; by default ``HERITAGE_MODELS``, or the folder
            ``models`` of the workspace ``HERITAGE_HOME``.
    """
    from models.registry import cards

    return cards(folder)


def load(
    name: str | None = None,
    device: str = "auto",
    folder: Path | str | None = None,
    precision: str = "auto",
) -> Inpainter:
    """The inpainter of that name, ready to be called.

    Args:
        name: A name of ``available()``, or ``identity``; None means the default.
        device: ``auto`` (a GPU that works, else the CPU), or a torch device such as ``cuda:1``.
        folder: As in ``available``.
        precision: ``auto`` (bfloat16 where the device has units for it), ``float32`` or
            ``bfloat16``; classical methods are float32 always.

    Raises:
        ModelNotFound: If there is none of that name, or its weights are missing.
        WeightsRefused: If its weights are not those its card promises, or do not fit.
        DeviceMissing: If the device asked for is not there.
    """
    from models.registry import open_inpainter

    return open_inpainter(name, device, folder, precision)


def create(name: str, **config: Any) -> nn.Module:  # noqa: ANN401 - each architecture has its own
    """The bare, untrained torch module of an architecture.

    Raises:
        ModelNotFound: If there is no architecture of that name.
    """
    from models.registry import build

    return build(name, config)


def uncertainty(
    inpainter: Inpainter, image: Tensor, mask: Tensor, draws: int = 4, seed: int = 0
) -> Tensor:
    """How much a fill scatters: (B, 1, H, W) standard deviation over flips, turns and draws.

    Args:
        inpainter: Of ``load``.
        image: (B, 3, H, W) float32 in 0..1.
        mask: (B, 1, H, W), non-zero where pixels are to be restored.
        draws: Alternatives for each of the eight turns, where the inpainter samples.
        seed: Of the alternatives.
    """
    from models.uncertain import uncertainty as spread

    return spread(inpainter, image, mask, draws, seed)
