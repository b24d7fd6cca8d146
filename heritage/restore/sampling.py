"""Fill a few windows of a plan on trial, as a run does, and throw the result away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from heritage.damage.masks import MaskReader
from heritage.restore.allocator import keep_memory_steady, memory_reused
from heritage.restore.colour import WorkingSpace
from heritage.restore.filling import repeatable
from heritage.restore.paces import Work
from heritage.restore.patching import patch_of
from heritage.restore.staging import Staged
from heritage.restore.views import ViewReader
from heritage.restore.windows import Window
from heritage.tiff import Master, MasterInfo

if TYPE_CHECKING:
    from models.inpainter import Inpainter

_REACH = 64.0  # pixels; where a coarser scale rules, which no trial has


class Sampler:
    """A model at a master's own windows; call it with windows of one shape while ``at_work``.

    Args:
        inpainter: On its device.
        master: The open master.
        mask: Its open mask.
        grain: Whether grain is wanted.
    """

    def __init__(self, inpainter: Inpainter, master: Master, mask: MaskReader, grain: bool) -> None:
        # Of a master whose range nobody has looked for yet any will do: time hardly depends on it.
        space = WorkingSpace.of(master.info, (0.0, _largest(master.info)))
        self._reader = ViewReader(master, mask, space)
        self._inpainter = inpainter
        self._thread: ThreadPoolExecutor
        self._grain = grain and inpainter.card.kind != "test" and space.has_grain

    def __call__(self, windows: list[Window]) -> Work:
        """Fill windows of one shape.

        Returns:
            With the seconds that they would take in a run, where one thread fills windows while
            others read the next and finish the last ones.
        """
        started = time.perf_counter()
        staged = Staged(len(windows), windows[0].shape, False)
        shown = [
            staged.put(place, window, self._reader.read(window), None)
            for place, window in enumerate(windows)
        ]
        read = time.perf_counter()
        answer = self._thread.submit(self._inpainter, staged.images, staged.holes)
        filled = answer.result().cpu().numpy()
        answered = time.perf_counter()
        for place, one in enumerate(shown):
            patch_of(one, staged.image(place), filled[place], self._grain, _REACH)
        beside = read - started + time.perf_counter() - answered
        damaged = sum(int(np.count_nonzero(one.hole)) for one in shown)
        computed = sum(window.box.area for window in windows)
        return Work(computed / 1e6, damaged / 1e6, max(answered - read, beside))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Memory and threads as in the middle of a run, past what only the first call takes."""
        import torch

        image, hole = torch.full((1, 3, 64, 64), 0.5), torch.zeros((1, 1, 64, 64), dtype=torch.bool)
        hole[..., 28:36, 28:36] = True
        keep_memory_steady()
        # A thread of its own, as in a run: the allocator serves it otherwise than the first one.
        with repeatable(), memory_reused(), ThreadPoolExecutor(1, "trial") as self._thread:
            self._thread.submit(self._inpainter, image, hole).result()
            yield


def _largest(info: MasterInfo) -> float:
    dtype = np.dtype(info.dtype)
    return float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0
