"""What a step needs besides pictures and masks: random vectors, labels, edges."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from heritage.train.labels import UNKNOWN
from models.networks.canny import SIGMA, canny_edges
from models.training.subjects import Batch, Completion

_UNLABELLED = 0.1  # share of labels withheld, so that an unknown kind of object means something


def seed_step(seed: int, number: int) -> None:
    """Set torch's random state for one step of a training.

    Random vectors, dropout and noise depend on the training's seed and the step's number alone, so
    a training that was cut ends like one that was not.

    Args:
        seed: Of the training.
        number: Of the step.
    """
    (word,) = np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)
    torch.manual_seed(int(word) >> 1)


def batch_of(
    network: nn.Module, subject: Completion, image: Tensor, mask: Tensor, label: Tensor | None
) -> Batch:
    """A batch with all that a network is told.

    Args:
        network: The generator.
        subject: What it makes.
        image: (B, 3, H, W) in 0..1.
        mask: (B, 1, H, W), 1 inside the holes.
        label: (B,) int64, kinds of object, or None.
    """
    latent = edges = None
    length = int(getattr(network, "latent", 0))
    if length:  # drawn on the CPU: the same on every device
        latent = torch.randn(len(image), length).to(image.device)
    if label is not None:
        kept = torch.rand(len(label)) >= _UNLABELLED
        label = torch.where(kept, label.cpu(), UNKNOWN).to(image.device)
    if subject.edges:
        sigma = float(getattr(network, "sigma", SIGMA))
        edges = canny_edges(image, torch.zeros_like(mask), sigma)
    return Batch(image, mask, latent, label, edges)
