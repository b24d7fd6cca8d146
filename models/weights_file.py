"""Reading a weights file into a network: the right bytes, into the right places, or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from safetensors import SafetensorError
from safetensors.torch import load as parse
from torch import Tensor, nn

from models.errors import ModelNotFound, WeightsRefused

_NAMED = 3  # misfits named in a message before it only counts them


class Promise(Protocol):
    """What a card says of its weights: whose they are, where they lie, and their SHA-256."""

    @property
    def name(self) -> str:
        """What the card's model is called."""

    @property
    def weights(self) -> Path | None:
        """The safetensors file."""

    @property
    def sha256(self) -> str | None:
        """Of that file."""


def load_weights(network: nn.Module, card: Promise) -> None:
    """Fill ``network`` in place with the weights that the card promises.

    The file is read once, so what is checked is what is used.

    Raises:
        ModelNotFound: If the file is not there.
        WeightsRefused: If its SHA-256 is not the card's, it is no safetensors file, or a tensor is
            missing, unknown, not finite or of another shape.
    """
    path = card.weights
    if path is None or not path.is_file():
        raise ModelNotFound(f"the weights of {card.name} are missing: {path}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise WeightsRefused(
            f"{path}: not the file its model card describes (SHA-256 differs); fetch it again"
        )
    try:
        tensors = parse(content)
    except SafetensorError as error:
        raise WeightsRefused(f"{path}: not a safetensors file ({error})") from error
    _refuse_misfits(path, network.state_dict(), tensors)
    network.load_state_dict(tensors, strict=True)


def _refuse_misfits(path: Path, wanted: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    misfits = [f"{key} is missing" for key in wanted.keys() - found.keys()]
    misfits += [f"{key} is unknown to the network" for key in found.keys() - wanted.keys()]
    for key in wanted.keys() & found.keys():
        have, want = tuple(found[key].shape), tuple(wanted[key].shape)
        if have != want:
            misfits.append(f"{key} has shape {have}, the network wants {want}")
        elif found[key].is_floating_point() and not bool(found[key].isfinite().all()):
            misfits.append(f"{key} holds values that are not finite")
    if misfits:
        misfits.sort()
        more = f"; and {len(misfits) - _NAMED} more" if len(misfits) > _NAMED else ""
        raise WeightsRefused(
            f"{path}: does not fit the network: {'; '.join(misfits[:_NAMED])}{more}"
        )
