"""The look of training windows changed on the device, for a whole batch at once.

The same changes as ``heritage.train.augment`` makes to one window, with the same chances; turns
and mirrors are made while the pixels are read (``device_cache``). Every change is made to those
windows only that it happens to.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heritage.train.augment import Augmentation
from heritage.train.device_draws import Draws
from heritage.train.device_jpeg import through_jpeg
from heritage.train.looks import PAPERS, chroma_matrix, grain_envelope

_SIZES = 4  # sizes of grain that are kept ready
_SPARE = 256  # pixels by which the kept noise is larger than a window
_OWN = 0x677261  # sets the noise apart from other random numbers


class DeviceLook:
    """Changes windows on a device.

    Args:
        how: What may happen.
        side: Of the windows.
        seed: Of the training.
        device: Where they are.
    """

    def __init__(self, how: Augmentation, side: int, seed: int, device: torch.device) -> None:
        self.how, self.side, self.device = how, side, device
        self._papers = torch.from_numpy(PAPERS).to(device)
        self._noise = self._ready_noise(seed) if how.grain > 0 else None

    def __call__(self, image: Tensor, draws: Draws) -> Tensor:
        """Changed windows.

        Args:
            image: (B, 3, S, S) float32 in 0..1; may be overwritten.
            draws: Source of randomness.
        """
        steps = (
            (self.how.colour, self._coloured),
            (self.how.tint, self._tinted),
            (self.how.tone, self._toned),
            (self.how.grain, self._grained),
            (self.how.jpeg, self._stored),
        )
        for chance, change in steps:
            if chance > 0:
                items = draws.happens(chance).nonzero()[:, 0]
                if len(items):
                    image[items.to(self.device)] = change(image, items, draws).clamp_(0, 1)
        return image

    def _of(self, image: Tensor, items: Tensor) -> Tensor:
        return image[items.to(self.device)]

    def _here(self, drawn: Tensor, items: Tensor) -> Tensor:
        """What was drawn for some windows, (N, ...), on the device."""
        return drawn[items].float().to(self.device)

    def _coloured(self, image: Tensor, items: Tensor, draws: Draws) -> Tensor:
        how = self.how
        saturation = draws.uniform(*how.saturation)[items].tolist()
        hue = draws.uniform(-how.hue, how.hue)[items].tolist()
        contrast = self._here(draws.uniform(*how.contrast, 1, 1), items)
        matrices = [chroma_matrix(s, h) for s, h in zip(saturation, hue, strict=True)]
        table = torch.from_numpy(np.array(matrices).reshape(-1, 3, 3)).float().to(self.device)
        bare = (self._of(image, items) - 0.5).flatten(2)
        return ((contrast * table) @ bare + 0.5).view(-1, 3, self.side, self.side)

    def _tinted(self, image: Tensor, items: Tensor, draws: Draws) -> Tensor:
        paper = self._papers[draws.below(len(PAPERS))[items].to(self.device)]
        strength = self._here(draws.uniform(*self.how.tint_strength, 1), items)
        tint = 1 - strength * (1 - paper)
        return self._of(image, items) * tint[..., None, None]

    def _toned(self, image: Tensor, items: Tensor, draws: Draws) -> Tensor:
        gain = self._here(draws.uniform(*self.how.gain, 3, 1, 1), items)
        gamma = self._here(draws.uniform(*self.how.gamma, 1, 1, 1), items)
        return gain * self._of(image, items) ** gamma

    def _grained(self, image: Tensor, items: Tensor, draws: Draws) -> Tensor:
        assert self._noise is not None
        strength = self._here(draws.uniform(*self.how.grain_strength, 1, 1, 1), items)
        size, top, left = (
            draws.below(limit)[items].to(self.device) for limit in (_SIZES, _SPARE, _SPARE)
        )
        along = torch.arange(self.side, device=self.device)
        rows, columns = top[:, None, None] + along[:, None], left[:, None, None] + along
        noise = self._noise[size[:, None, None], rows, columns].permute(0, 3, 1, 2)
        bare = self._of(image, items)
        envelope = grain_envelope(bare.mean(dim=1, keepdim=True))
        return bare + strength * envelope * noise

    def _stored(self, image: Tensor, items: Tensor, draws: Draws) -> Tensor:
        low, high = self.how.jpeg_quality
        quality = self._here(low + draws.below(high - low + 1), items)
        top, left = (int(draws.below(16)[0]) for _ in range(2))
        return through_jpeg(self._of(image, items), quality, top, left)

    def _ready_noise(self, seed: int) -> Tensor:
        """Grain of several sizes in three colours, (sizes, S + spare, S + spare, 3), made once.

        It is made on the CPU, so that it is the same for every device, and cut anew for every
        window.
        """
        length = self.side + _SPARE
        made: list[NDArray[np.float32]] = []
        for size in np.linspace(*self.how.grain_size, _SIZES):
            rng = np.random.default_rng((seed, _OWN, len(made)))
            noise = rng.standard_normal((length, length, 4)).astype(np.float32)
            noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), float(size)), np.float32)
            noise /= noise.std(axis=(0, 1))
            made.append(0.95 * noise[..., :1] + 0.3 * noise[..., 1:])
        return torch.from_numpy(np.stack(made).astype(np.float32)).to(self.device)
