"""Simulated damage for a large GPU: made in bulk by the CPU, kept on the device, one bit a pixel.

Not drawn on the device: each family of damage is described once, in ``heritage.damage.simulate``,
and trains the network with the very masks that it is validated and compared by, whichever device
it trains on. Thousands of them fit into the memory that a single batch of features takes, and each
serves in eight positions over ever other windows. Taking one from the bank costs what a copy costs.
They are not shifted: a loss at the edge would then end in a straight line inside the picture.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heritage.damage.simulate import Mask, simulate
from heritage.train.device_draws import Draws
from heritage.train.room import usable_cores

SIZE: Final = 20_000
"""Masks of a full bank."""
_FIRST: Final = 1024  # that must be there before the first step
_PIECE: Final = 64  # made by one thread at a time
_OWN: Final = 0x6D61736B  # sets their random numbers apart from those of the windows


class MaskBank:
    """Masks on a device. It grows while it is in use, at a pace that the step's number sets.

    So a step's masks depend on seed and number alone, and a training need not wait for all of them
    at its beginning.

    Args:
        mix: Weights of the damage families.
        real: Real masks for the family ``real``.
        side: Of the masks, a multiple of 8.
        seed: Of the training.
        device: Where to keep them.
        size: How many.
    """

    def __init__(
        self, mix: Mapping[str, float], real: Sequence[Mask], side: int, seed: int,
        device: torch.device, size: int = SIZE,
    ) -> None:  # fmt: skip
        self._mix, self._real, self._side, self._seed = mix, real, side, seed
        self._bits = torch.zeros((size, side * side // 8), dtype=torch.uint8, device=device)
        self._shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=device)
        self._there = 0
        self._coming: deque[Future[NDArray[np.uint8]]] = deque()
        self._pool: ThreadPoolExecutor | None = None

    def masks(self, draws: Draws, number: int) -> Tensor:
        """The masks of a step: (B, 1, S, S) float32 of 0 and 1.

        Args:
            draws: Source of randomness.
            number: Of the step.
        """
        ready = self.ready(number, draws.batch)
        self._wait_for(ready)
        device = self._bits.device
        slots = draws.below(ready).to(device)
        bits = (self._bits[slots][..., None] >> self._shifts) & 1
        mask = bits.view(draws.batch, self._side, self._side)
        turned, mirrored, upended = (draws.happens(0.5).to(device) for _ in range(3))
        mask = _where(turned, mask.transpose(1, 2), mask)
        mask = _where(mirrored, mask.flip(2), mask)
        mask = _where(upended, mask.flip(1), mask)
        return mask[:, None].float()

    def ready(self, number: int, batch: int) -> int:
        """How many masks a step may choose from; one more for every four windows so far."""
        return min(len(self._bits), _FIRST + number * batch // 4)

    def close(self) -> None:
        """Make no more."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
            self._coming.clear()

    def _wait_for(self, count: int) -> None:
        if self._there < count and self._pool is None:
            self._begin()
        while self._there < count:
            made = torch.from_numpy(self._coming.popleft().result())
            self._bits[self._there : self._there + len(made)] = made.to(self._bits.device)
            self._there += len(made)
        if self._there == len(self._bits):
            self.close()

    def _begin(self) -> None:
        self._pool = ThreadPoolExecutor(max(1, min(8, usable_cores() - 1)), "masks")
        for first in range(self._there, len(self._bits), _PIECE):
            last = min(first + _PIECE, len(self._bits))
            self._coming.append(self._pool.submit(self._make, first, last))

    def _make(self, first: int, last: int) -> NDArray[np.uint8]:
        """Packed masks (last - first, S * S / 8); each depends on seed and its number alone."""
        made = np.empty((last - first, self._bits.shape[1]), np.uint8)
        for slot in range(first, last):
            rng = np.random.default_rng((self._seed, _OWN, slot))
            mask = simulate(rng, self._side, self._side, self._mix, self._real)
            made[slot - first] = np.packbits(mask)
        return made


def _where(which: Tensor, one: Tensor, other: Tensor) -> Tensor:
    return torch.where(which[:, None, None], one, other)
