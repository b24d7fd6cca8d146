"""Crops in batches: new ones made by worker processes, the others seen before, turned anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from heritage.train.detection.examples import Material, make_example
from heritage.train.detection.recipe import DetectorRecipe


class Examples(Dataset[tuple[NDArray[np.uint8], NDArray[np.uint8]]]):
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

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Picture uint8 (S, S, 3) and truth uint8 (S, S)."""
        rng = np.random.default_rng([self.recipe.seed, self.start + index])
        made = make_example(rng, self.material, self.recipe)
        return made.picture, made.truth


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
        self._pictures = torch.empty(recipe.pool, side, side, 3, dtype=torch.uint8)
        self._truths = torch.empty(recipe.pool, side, side, dtype=torch.uint8)
        self._held = 0

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Pictures uint8 (B, S, S, 3) and truths uint8 (B, S, S), without end."""
        while True:
            yield self._next()

    def _next(self) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([self.recipe.seed, self._step, 1])
        self._step += 1
        new = self._fill()
        old = rng.integers(min(self._held, self.recipe.pool), size=self.recipe.batch - len(new))
        side = self.recipe.crop
        pictures = torch.empty(self.recipe.batch, side, side, 3, dtype=torch.uint8)
        truths = torch.empty(self.recipe.batch, side, side, dtype=torch.uint8)
        for n, slot in enumerate((*new, *old.tolist())):
            y, x = rng.integers(self.recipe.canvas - side + 1, size=2).tolist()
            turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
            cut = slice(y, y + side), slice(x, x + side)
            pictures[n] = _turned(self._pictures[slot][cut], turns, mirrored)
            truths[n] = _turned(self._truths[slot][cut], turns, mirrored)
        return pictures, truths

    def _fill(self) -> list[int]:
        """Put new squares into the pool, over the oldest ones; a first batch is new altogether."""
        recipe = self.recipe
        wanted = min(recipe.fresh, recipe.batch) if self._held else recipe.batch
        slots: list[int] = []
        while len(slots) < wanted:
            pictures, truths = next(self._made)
            for picture, truth in zip(pictures, truths, strict=True):
                slot = self._held % recipe.pool
                self._pictures[slot], self._truths[slot] = picture, truth
                self._held += 1
                slots.append(slot)
        return slots[: recipe.batch]


def _turned(x: Tensor, turns: int, mirrored: bool) -> Tensor:
    turned = torch.rot90(x, turns)
    return turned.flip(1) if mirrored else turned
