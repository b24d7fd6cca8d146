"""Crops in batches: new ones made by worker processes, the others seen before, turned anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from heritage.damage.detect.line_channels import COUNT
from heritage.train.detection.examples import Material, make_example
from heritage.train.detection.recipe import DetectorRecipe


class Examples(Dataset[NDArray[np.uint8]]):
    """Example number n depends on the seed and n alone.

    Args:
        material: What they are made of.
        recipe: How.
        start: Number of the first.
        count: How many there are.
    """

    def __init__(self, material: Material, recipe: DetectorRecipe, start: int, count: int) -> None:
        self.material, self.recipe = material, recipe
        self.start, self.count = start, count

    def __len__(self) -> int:
        """How many there are."""
        return self.count

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Picture, lines and truth in the channels of uint8 (S, S, 3 + COUNT + 1)."""
        rng = np.random.default_rng([self.recipe.seed, self.start + index])
        made = make_example(rng, self.material, self.recipe)
        return np.dstack([made.picture, made.lines, made.truth])


class Crops:
    """Batches for step after step; a crop is made once and seen several times.

    Args:
        material: What crops are made of.
        recipe: How, and how many of a batch are new.
        step: The first step's number.
        workers: Processes that make them.
    """

    def __init__(self, material: Material, recipe: DetectorRecipe, step: int, workers: int) -> None:
        self.recipe, self._step = recipe, step
        many = Examples(material, recipe, step * recipe.fresh, 1 << 40)
        self._made = iter(
            DataLoader(many, recipe.fresh, sampler=range(1 << 40), num_workers=workers)
        )
        side = recipe.canvas
        self._squares = torch.empty(recipe.pool, side, side, 3 + COUNT + 1, dtype=torch.uint8)
        self._held = 0

    def __iter__(self) -> Iterator[Tensor]:
        """Crops, uint8 (B, S, S, 3 + COUNT + 1), without end."""
        while True:
            yield self._next()

    def _next(self) -> Tensor:
        rng = np.random.default_rng([self.recipe.seed, self._step, 1])
        self._step += 1
        new = self._fill()
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

    def _fill(self) -> list[int]:
        """Put new squares into the pool, over the oldest ones; a first batch is new altogether."""
        recipe = self.recipe
        wanted = min(recipe.fresh, recipe.batch) if self._held else recipe.batch
        slots: list[int] = []
        while len(slots) < wanted:
            for square in next(self._made):
                slots.append(self._held % recipe.pool)
                self._squares[slots[-1]] = square
                self._held += 1
        return slots[: recipe.batch]
