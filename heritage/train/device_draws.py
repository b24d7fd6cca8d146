"""Random numbers for one step of a training, for a whole batch at once."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class Draws:
    """What chance says about the windows of one step; one row for each.

    The numbers come from a generator on the CPU, so that they are the same for every device, and
    depend on nothing but the arguments.

    Args:
        seed: Of the training.
        number: Of the step.
        rank: Of this process among those that train together.
        batch: Windows of the step.
    """

    def __init__(self, seed: int, number: int, rank: int, batch: int) -> None:
        self.batch = batch
        (word,) = np.random.SeedSequence((seed, number, rank)).generate_state(1, np.uint64)
        self._generator = torch.Generator().manual_seed(int(word) >> 1)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """(B, *shape) float64, evenly from ``low`` to ``high``."""
        drawn = torch.rand((self.batch, *shape), generator=self._generator, dtype=torch.float64)
        return low + (high - low) * drawn

    def below(self, limit: int | Tensor) -> Tensor:
        """(B,) int64, whole numbers from 0 to below ``limit``, which may be another for each."""
        return (self.uniform(0, 1) * limit).floor().long()

    def happens(self, chance: float) -> Tensor:
        """(B,) bool: true with a chance; nothing is drawn for what never happens."""
        if chance <= 0:
            return torch.zeros(self.batch, dtype=torch.bool)
        return self.uniform(0, 1) < chance
