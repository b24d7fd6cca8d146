"""How an inpainter comes to be in a user's folder: proven first, then seen.

Weights and card are made in a hidden folder beside their place, loaded from there and used once,
and only then moved to where they are found by name. What fails leaves everything as it was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.cards import write_card
from models.checkpoints import save_weights
from models.errors import ModelError, WeightsRefused
from models.footprint import cost
from models.network import InpaintingNetwork
from models.registry import open_inpainter

_PROOF = 96  # pixels per side of the picture that is filled once


def place(
    folder: Path, name: str, tensors: Mapping[str, Tensor], fields: Mapping[str, Any]
) -> None:
    """Write NAME.safetensors and NAME.json, replacing what is there.

    Args:
        folder: Made if it is not there.
        name: A name that may be a file's.
        tensors: The network's complete state dict; numbers keep their type.
        fields: The card, without ``sha256``. One that ``lacks`` something is not proven.

    Raises:
        WeightsRefused: If what was written cannot be loaded, or computes nonsense.
        ModelError: If the folder cannot be written.
    """
    own = {key: tensor.detach().clone() for key, tensor in tensors.items()}  # no memory in common
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=folder) as hidden:
            weights, card = Path(hidden, f"{name}.safetensors"), Path(hidden, f"{name}.json")
            said = {**fields, "sha256": save_weights(weights, own, half=False)}
            write_card(card, said)
            if not fields.get("lacks"):
                write_card(card, said | _prove(name, Path(hidden)))
            (folder / card.name).unlink(missing_ok=True)  # it never describes other weights
            weights.replace(folder / weights.name)
            card.replace(folder / card.name)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written ({error.strerror or error})") from error


def _prove(name: str, folder: Path) -> dict[str, float]:
    """Load it and fill a small picture; what its card can then say of its cost."""
    ramp = torch.linspace(0, 1, _PROOF)
    across, down = ramp.expand(_PROOF, -1), ramp[:, None].expand(-1, _PROOF)
    mask = torch.zeros(1, 1, _PROOF, _PROOF)
    mask[..., 40:56, 40:56] = 1
    inpainter = open_inpainter(name, "cpu", folder)
    try:
        inpainter(torch.stack([across, down, across])[None], mask)
    except ArithmeticError as error:
        raise WeightsRefused(str(error)) from error
    network = getattr(inpainter, "network", None)
    return cost(network) if isinstance(network, InpaintingNetwork) else {}
