"""A teacher for MI-GAN: a CoModGAN that is watched while it paints.

Sargsyan et al., "MI-GAN", ICCV 2023, section 3.2: the student is to add at every size what the
teacher adds there (the loss is ``models.training.migan_training.distillation_loss``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from models.checkpoints import load_weights
from models.errors import ModelNotFound, WeightsRefused
from models.networks.comodgan import CoModGAN, config_of
from models.registry import build, find_card
from models.training.subjects import Batch
from models.weights_file import load_weights as load_checked


@contextmanager
def recorded(network: nn.Module) -> Iterator[list[Tensor]]:
    """While open, the list receives what every size adds to the picture, the smallest first.

    Args:
        network: With a ``synthesis`` whose blocks paint by ``torgb``: MI-GAN or CoModGAN.
    """
    added: list[Tensor] = []

    def keep(_: nn.Module, __: object, picture: Tensor) -> None:
        added.append(picture)

    blocks = network.get_submodule("synthesis").named_modules()
    handles = [m.register_forward_hook(keep) for name, m in blocks if name.endswith(".torgb")]
    try:
        yield added
    finally:
        for handle in handles:
            handle.remove()


class Teacher:
    """A trained CoModGAN, frozen.

    Args:
        network: Of the student's resolution.
    """

    def __init__(self, network: CoModGAN) -> None:
        self.network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def increments(self, batch: Batch) -> list[Tensor]:
        """What it adds at every size; its random vector is drawn from torch's own state."""
        latent = torch.randn(len(batch.image), self.network.latent).to(batch.image.device)
        with recorded(self.network) as added:
            self.network.stages(batch.emptied, batch.mask, latent)
        return added


def load_teacher(name: str) -> Teacher:
    """A teacher from an installed model's name, or from a safetensors file.

    Raises:
        ModelNotFound: If there is none of that name.
        WeightsRefused: If it is no CoModGAN.
    """
    if Path(name).suffix == ".safetensors":
        if not Path(name).is_file():
            raise ModelNotFound(f"the teacher is missing: {name}")
        state = load_weights(Path(name))
        config = config_of({key: tuple(tensor.shape) for key, tensor in state.items()})
        if config is None:
            raise WeightsRefused(f"{name}: a teacher must be a CoModGAN")
        network = CoModGAN(**config)
        network.load_state_dict(state, strict=True)
        return Teacher(network)
    card = find_card(name)
    made = build(card.architecture, card.config) if card.architecture else None
    if not isinstance(made, CoModGAN):
        raise WeightsRefused(f"{name}: a teacher must be a CoModGAN")
    load_checked(made, card)
    return Teacher(made)
