"""Training windows cut and damaged by threads on the CPU, a few steps ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from heritage.damage.simulate import Mask, simulate
from heritage.errors import HeritageError
from heritage.train.augment import Augmentation, Window, augment
from heritage.train.decoding import Picture
from heritage.train.frames import choose_frame, framed
from heritage.train.sources import LOG, Held, Source, Unreadable

Sample = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Images (B, 3, S, S) float32 in 0..1, masks (B, 1, S, S) float32 of 0 and 1, labels (B,) int64."""

_ATTEMPTS: Final = 100
_AHEAD: Final = 2  # steps that wait to be taken, besides those being made


class Windows:
    """Batches of windows and masks.

    A window depends on the seed, the step's number and its own place in the batch alone: not on
    how many threads make it, nor on what else was read before. So a training that was killed and
    resumed sees what it would have seen. Where a picture turns out to be unreadable, another takes
    its place, and always the same one.

    Args:
        pictures: To cut from: sources, or arrays (H, W, 3) uint8.
        masks: Real masks for the family ``real``.
        side: Of the windows.
        batch: Windows per step.
        mix: Weights of the damage families.
        native: Share of windows at the picture's own resolution.
        seed: Of everything random.
        labels: Number of the kind of object of every picture, -1 where unknown; None for all.
        centre: Side of a square hole in the middle instead of simulated damage; 0 for the latter.
        augmentation: What else happens to windows.
        rank: Number of this process among those that train together; each has its own windows.
        workers: Threads; each makes a whole batch.
    """

    def __init__(
        self,
        pictures: Sequence[Picture | Source],
        masks: Sequence[Mask],
        side: int,
        batch: int,
        mix: Mapping[str, float],
        native: float,
        seed: int,
        labels: Sequence[int] | None = None,
        centre: int = 0,
        augmentation: Augmentation | None = None,
        rank: int = 0,
        workers: int = 1,
    ) -> None:
        self.pictures: list[Source] = [
            Held(picture) if isinstance(picture, np.ndarray) else picture for picture in pictures
        ]
        self.masks = masks
        self.side, self.batch, self.mix, self.native, self.seed = side, batch, mix, native, seed
        self.labels = [-1] * len(pictures) if labels is None else labels
        self.centre, self.rank, self.workers = centre, rank, workers
        self.augmentation = augmentation or Augmentation()
        self._failed: set[int] = set()

    def step(self, number: int) -> Sample:
        """The batch of one step, on the CPU.

        Raises:
            HeritageError: If picture after picture cannot be read.
        """
        items = range(self.rank * self.batch, (self.rank + 1) * self.batch)
        made = [self._item(number, item) for item in items]
        image = torch.from_numpy(np.stack([window for window, _, _ in made]))
        mask = torch.from_numpy(np.stack([mask for _, mask, _ in made]))
        label = torch.tensor([label for _, _, label in made])
        return image.permute(0, 3, 1, 2).contiguous(), mask[:, None].float(), label

    def from_step(self, first: int) -> Iterator[Sample]:
        """Endless batches from step ``first`` on; no more wait than the workers can soon make."""
        pool = ThreadPoolExecutor(self.workers, "windows")
        waiting: deque[Future[Sample]] = deque()
        number = first
        try:
            while True:
                while len(waiting) < self.workers + _AHEAD:
                    waiting.append(pool.submit(self.step, number))
                    number += 1
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _item(self, number: int, item: int) -> tuple[NDArray[np.float32], Mask, int]:
        key = (self.seed, number, item)
        for attempt in range(_ATTEMPTS):
            rng = np.random.default_rng(key if attempt == 0 else (*key, attempt))
            chosen = int(rng.integers(len(self.pictures)))
            try:
                window = self._window(rng, self.pictures[chosen])
            except HeritageError as error:
                self._warn(chosen, error)
            else:
                return window, self._mask(rng), self.labels[chosen]
        raise HeritageError(f"of {_ATTEMPTS} pictures tried for one window, none could be read")

    def _window(self, rng: np.random.Generator, picture: Source) -> NDArray[np.float32]:
        height, width = picture.height, picture.width
        frame = choose_frame(rng, height, width, self.side, self.native, self.augmentation)
        pixels: Window = framed(picture.read(frame.box), frame, self.side)
        window = augment(rng, pixels, self.augmentation)
        if window.dtype == np.uint8:
            return window.astype(np.float32) / np.float32(255)
        return window

    def _mask(self, rng: np.random.Generator) -> Mask:
        if self.centre:
            return central_hole(self.side, self.centre)
        return simulate(rng, self.side, self.side, self.mix, self.masks)

    def _warn(self, chosen: int, error: HeritageError) -> None:
        """Once for every picture, and not again for those named when they were opened."""
        if chosen not in self._failed and not isinstance(self.pictures[chosen], Unreadable):
            LOG.warning("another window is taken instead: %s", error)
        self._failed.add(chosen)


def central_hole(side: int, hole: int) -> Mask:
    """A mask (side, side) with a square hole in its middle."""
    mask = np.zeros((side, side), np.uint8)
    first = (side - hole) // 2
    mask[first : first + hole, first : first + hole] = 1
    return mask
