"""Crops in batches: new ones made by threads ahead, the others seen before, turned anew."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heritage.ahead import in_turn
from heritage.damage.detect.line_channels import COUNT
from heritage.train.detection.examples import Material, make_example
from heritage.train.detection.recipe import DetectorRecipe

_AHEAD = 2  # squares that wait to be taken, besides those being made


class Crops:
    """Batches for step after step; a crop is made once and seen several times.

    Args:
        material: What crops are made of.
        recipe: How, and how many of a batch are new.
        step: The first step's number.
        workers: Threads that make them ahead.
    """

    def __init__(self, material: Material, recipe: DetectorRecipe, step: int, workers: int) -> None:
        self.material, self.recipe, self._step, self.workers = material, recipe, step, workers
        side = recipe.canvas
        self._squares = torch.empty(recipe.pool, side, side, 3 + COUNT + 1, dtype=torch.uint8)
        self._held = 0

    def __iter__(self) -> Iterator[Tensor]:
        """Crops, uint8 (B, S, S, 3 + COUNT + 1), without end."""
        pool = ThreadPoolExecutor(self.workers, "squares")
        numbers = count(self._step * self.recipe.fresh)
        made = in_turn(pool, self._square, numbers, self.workers + _AHEAD)
        try:
            while True:
                yield self._batch(made)
        finally:
            pool.shutdown(cancel_futures=True)

    def _square(self, number: int) -> NDArray[np.uint8]:
        """Picture, lines and truth of a square; it depends on the seed and its number alone."""
        rng = np.random.default_rng([self.recipe.seed, number])
        example = make_example(rng, self.material, self.recipe)
        return np.dstack([example.picture, example.lines, example.truth])

    def _batch(self, made: Iterator[NDArray[np.uint8]]) -> Tensor:
        rng = np.random.default_rng([self.recipe.seed, self._step, 1])
        self._step += 1
        new = self._fill(made)
        old = rng.integers(min(self._held, self.recipe.pool), size=self.recipe.batch - len(new))
        side = self.recipe.crop
        crops = []
        for slot in (*new, *old.tolist()):
            y, x = rng.integers(self.recipe.canvas - side + 1, size=2).tolist()
            turned = torch.rot90(
                self._squares[slot, y : y + side, x : x + side], int(rng.integers(4))
            )
            crops.append(turned.flip(1) if rng.integers(2) else turned)
        return torch.stack(crops)

    def _fill(self, made: Iterator[NDArray[np.uint8]]) -> list[int]:
        """Put new squares into the pool, over the oldest ones; a first batch is new altogether."""
        recipe = self.recipe
        wanted = min(recipe.fresh, recipe.batch) if self._held else recipe.batch
        slots: list[int] = []
        while len(slots) < wanted:
            slots.append(self._held % recipe.pool)
            self._squares[slots[-1]] = torch.from_numpy(next(made))
            self._held += 1
        return slots
