"""Which of a sampling network's many answers is meant, in numbers that can be written down."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.errors import InputRefused


@dataclass(frozen=True)
class Draw:
    """One draw of a random vector: the same numbers give the same vector on every machine.

    Args:
        seed: Of the series.
        number: 0 is no draw but the network's most typical answer, which is what one gets who does
            not ask for alternatives; from 1 on the place in the series. The first ones do not
            depend on how many are drawn.
        truncation: 0 to 1. At 1 the network's whole variety; less means nearer to its most typical
            answer, at 0 that answer alone. What exactly is truncated is each network's own.

    Raises:
        InputRefused: If a number makes no sense.
    """

    seed: int = 0
    number: int = 0
    truncation: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.truncation <= 1:
            raise InputRefused(f"truncation must lie within 0..1, not {self.truncation}")
        if self.number < 0 or not 0 <= self.seed < 1 << 63:
            raise InputRefused(f"seed and number must not be negative or beyond 63 bits: {self}")

    def latent(self, length: int) -> Tensor | None:
        """(1, ``length``) standard normal float32, on the CPU; None for the most typical answer."""
        if self.number == 0:
            return None
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randn(self.number, length, generator=generator)[-1:]
