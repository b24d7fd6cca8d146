"""Training windows made on the device that learns from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from heritage.train.augment import Augmentation
from heritage.train.device_cache import PictureCache
from heritage.train.device_draws import Draws
from heritage.train.device_frames import choose_frames
from heritage.train.device_look import DeviceLook
from heritage.train.device_masks import MaskBank
from heritage.train.workers import Sample, central_hole


class DeviceWindows:
    """Batches of windows and masks, without a loader that could be too slow.

    They depend on the seed, the step's number and the rank alone, so that a training that was
    killed and resumed sees what it would have seen. They are not those that ``Windows`` makes of
    the same seed, but follow the same chances.

    Args:
        cache: The pictures.
        bank: Masks, or None for a hole in the centre.
        side: Of the windows.
        batch: Windows per step.
        native: Share of windows at the picture's own resolution.
        seed: Of everything random.
        labels: Number of the kind of object of every picture, -1 where unknown; None for all.
        centre: Side of a square hole in the middle, where there is no bank.
        augmentation: What else happens to windows.
        rank: Number of this process among those that train together; each has its own windows.
    """

    def __init__(
        self,
        cache: PictureCache,
        bank: MaskBank | None,
        side: int,
        batch: int,
        native: float,
        seed: int,
        labels: Sequence[int] | None = None,
        centre: int = 0,
        augmentation: Augmentation | None = None,
        rank: int = 0,
    ) -> None:
        self.cache, self.bank = cache, bank
        self.side, self.batch, self.native = side, batch, native
        self.seed, self.rank = seed, rank
        self.augmentation = augmentation or Augmentation()
        count = len(cache.heights)
        self.labels = torch.tensor([-1] * count if labels is None else list(labels))
        self._look = DeviceLook(self.augmentation, side, seed, cache.device)
        hole = torch.from_numpy(central_hole(side, centre)).float()
        self._hole = hole.to(cache.device).expand(batch, 1, side, side)

    def step(self, number: int) -> Sample:
        """The batch of one step, on the device."""
        cache = self.cache
        draws = Draws(self.seed, number, self.rank, self.batch)
        chosen = cache.readable[draws.below(len(cache.readable))]
        frames = choose_frames(
            draws, chosen, cache.heights[chosen], cache.widths[chosen], self.side, self.native,
            self.augmentation,
        )  # fmt: skip
        image = self._look(cache.windows(frames, self.side), draws)
        mask = self._hole.clone() if self.bank is None else self.bank.masks(draws, number)
        return image, mask, self.labels[chosen].to(cache.device)

    def from_step(self, first: int) -> Iterator[Sample]:
        """Endless batches from step ``first`` on."""
        number = first
        try:
            while True:
                yield self.step(number)
                number += 1
        finally:
            if self.bank is not None:
                self.bank.close()
