"""Pictures in memory, and the random windows cut from them.

A step's windows depend on the seed and the step's number alone, so a training that was killed and
resumed sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from heritage.damage.simulate import Mask, simulate
from heritage.errors import HeritageError

Picture = NDArray[np.uint8]
Sample = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff"}


def picture_paths(folder: Path) -> list[Path]:
    """All pictures under a folder, sorted.

    Raises:
        HeritageError: If there is none.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES)
    if not paths:
        raise HeritageError("holds no pictures (JPEG, PNG or TIFF)", folder)
    return paths


def load_pictures(folder: Path, smallest: int = 0) -> list[Picture]:
    """All pictures under a folder as uint8 (H, W, 3), in the order of ``picture_paths``.

    Args:
        folder: Searched recursively.
        smallest: Pictures with a shorter side below this many pixels are enlarged to it.

    Raises:
        HeritageError: If there is none.
    """
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda p: _load(p, smallest), picture_paths(folder)))


def _load(path: Path, smallest: int) -> Picture:
    with Image.open(path) as image:
        picture = np.asarray(image.convert("RGB"))
    side = min(picture.shape[:2])
    if side < smallest:
        scale = smallest / side
        size = [max(smallest, round(s * scale)) for s in picture.shape[1::-1]]
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    return picture


def load_masks(folder: Path | None) -> list[Mask]:
    """Real damage masks (PNG, at least 64 pixels a side) as uint8 of 0 and 1."""
    masks = []
    for path in sorted(folder.rglob("*.png")) if folder else []:
        with Image.open(path) as image:
            mask = (np.asarray(image.convert("L")) > 127).astype(np.uint8)
        if min(mask.shape) >= 64:
            masks.append(mask)
    return masks


def cut(rng: np.random.Generator, picture: Picture, side: int, native: float) -> Picture:
    """A random square window, mirrored, turned and slightly toned: (side, side, 3)."""
    reach = min(picture.shape[:2])
    size = side
    if rng.random() >= native or reach < side:
        size = int(np.clip(side * np.exp(rng.uniform(np.log(0.5), np.log(2.5))), 48, reach))
    size = min(size, reach)
    y = int(rng.integers(0, picture.shape[0] - size + 1))
    x = int(rng.integers(0, picture.shape[1] - size + 1))
    window = picture[y : y + size, x : x + size]
    if size != side:
        how = cv2.INTER_AREA if size > side else cv2.INTER_CUBIC
        window = cv2.resize(window, (side, side), interpolation=how).astype(np.uint8)
    window = np.rot90(window, int(rng.integers(4)))
    if rng.random() < 0.5:
        window = window[:, ::-1]
    if rng.random() < 0.3:
        gain, gamma = rng.uniform(0.85, 1.1, 3), rng.uniform(0.8, 1.25)
        window = np.clip(255 * gain * (window / 255.0) ** gamma, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(window)


class Windows:
    """Batches of windows and masks, made a few steps ahead by threads.

    Args:
        pictures: To cut from.
        masks: Real masks for the family ``real``.
        side: Of the windows.
        batch: Windows per step.
        mix: Weights of the damage families.
        native: Share of windows at the picture's own resolution.
        seed: Of everything random.
        labels: Number of the kind of object of every picture, -1 where unknown; None for all.
        centre: Side of a square hole in the middle instead of simulated damage; 0 for the latter.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        masks: Sequence[Mask],
        side: int,
        batch: int,
        mix: Mapping[str, float],
        native: float,
        seed: int,
        labels: Sequence[int] | None = None,
        centre: int = 0,
    ) -> None:
        self.pictures, self.masks = pictures, masks
        self.side, self.batch, self.mix, self.native, self.seed = side, batch, mix, native, seed
        self.labels = [-1] * len(pictures) if labels is None else labels
        self.centre = centre

    def step(self, number: int) -> Sample:
        """Images (B, 3, S, S) float32 in 0..1, masks (B, 1, S, S) of 0 and 1, and labels (B,)."""
        images, masks, labels = [], [], []
        for item in range(self.batch):
            rng = np.random.default_rng((self.seed, number, item))
            chosen = int(rng.integers(len(self.pictures)))
            images.append(cut(rng, self.pictures[chosen], self.side, self.native))
            masks.append(self._mask(rng))
            labels.append(self.labels[chosen])
        image = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        mask = torch.from_numpy(np.stack(masks))[:, None].float()
        return image, mask, torch.tensor(labels)

    def _mask(self, rng: np.random.Generator) -> Mask:
        if not self.centre:
            return simulate(rng, self.side, self.side, self.mix, self.masks)
        mask = np.zeros((self.side, self.side), np.uint8)
        first = (self.side - self.centre) // 2
        mask[first : first + self.centre, first : first + self.centre] = 1
        return mask

    def from_step(self, first: int, ahead: int = 3) -> Iterator[Sample]:
        """Endless batches from step ``first`` on."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            waiting = [pool.submit(self.step, first + i) for i in range(ahead)]
            number = first + ahead
            while True:
                yield waiting.pop(0).result()
                waiting.append(pool.submit(self.step, number))
                number += 1
