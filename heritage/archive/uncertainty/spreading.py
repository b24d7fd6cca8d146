"""How far the fills of each window scatter, computed batch by batch as the fills were.

A hole too deep for one window follows a coarser scale, which is as uncertain as it is. What it lent
to a window adds to the window's own spread in squares, by the law of total variance, with the
weight that the guide has in the fill.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heritage.ahead import in_turn
from heritage.archive.uncertainty.file import MOST
from heritage.errors import NotEnoughMemory
from heritage.resident import resident
from heritage.restore.allocator import give_back, memory_reused
from heritage.restore.blend import claims
from heritage.restore.filling import repeatable
from heritage.restore.guide import merge_guide
from heritage.restore.leading import Leader
from heritage.restore.patches import Patch, PatchFolder
from heritage.restore.patching import patch_of
from heritage.restore.plan import Plan
from heritage.restore.staging import Shown, Staged
from heritage.restore.views import ViewReader
from heritage.restore.windows import Window

if TYPE_CHECKING:
    from models.inpainter import Inpainter

Floats = NDArray[np.float32]
Told = Callable[[int, int], None]
"""Called with windows done and windows in all."""

_FULL = 0.7  # share of the memory beyond which what is not in use is given back


@dataclass(frozen=True)
class Spreading:
    """Computes the windows of a plan, batch by batch; what is found lies on disk.

    Args:
        plan: The windows.
        view: Shows them.
        inpainter: Fills them.
        guides: The fills that finer scales follow.
        spreads: What is found: standard deviations, where the full scale of the master is 1.
    """

    plan: Plan
    view: ViewReader
    inpainter: Inpainter
    guides: PatchFolder
    spreads: PatchFolder

    @classmethod
    def begin(
        cls, plan: Plan, view: ViewReader, inpainter: Inpainter, work: Path, cache: int
    ) -> Spreading:
        """With empty folders.

        Args:
            plan: The windows.
            view: Shows them.
            inpainter: Fills them.
            work: An empty folder for what is found.
            cache: Bytes to keep of each kind of what is found.
        """
        folders = []
        for name in ("guides", "spreads"):
            (work / name).mkdir()
            folders.append(PatchFolder(work / name, plan.batches, name, cache))
        return cls(plan, view, inpainter, *folders)

    def run(self, memory: int, told: Told | None) -> None:
        """All batches, coarser scales first.

        Args:
            memory: Bytes that the process may use.
            told: Called with windows done and windows in all.

        Raises:
            NotEnoughMemory: If the device cannot hold one window.
        """
        done = 0
        with repeatable(), memory_reused(), ThreadPoolExecutor(1, "read") as pool:
            numbered = range(len(self.plan.batches))
            for level, stage in groupby(numbered, lambda number: self._windows(number)[0].level):
                guide, spread = (Leader(self.plan, f, level) for f in (self.guides, self.spreads))
                read_one = partial(self._read, guide=guide, spread=spread)
                # While one is computed, the next is read.
                for read in in_turn(pool, read_one, stage, 2):
                    self._compute(read)
                    done += len(read.shown)
                    if told is not None:
                        told(done, len(self.plan.windows))
                    if resident() > _FULL * memory:
                        give_back()

    def _windows(self, batch: int) -> list[Window]:
        return [self.plan.windows[number] for number in self.plan.batches[batch]]

    def _read(self, batch: int, guide: Leader, spread: Leader) -> _Read:
        windows = self._windows(batch)
        staged = Staged(len(windows), windows[0].shape, False)
        shown, inherited = [], []
        for place, window in enumerate(windows):
            one = staged.put(place, window, self.view.read(window), guide.lead(window))
            shown.append(one)
            inherited.append(self._inherited(one, spread))
        return _Read(batch, staged, shown, inherited)

    def _inherited(self, shown: Shown, spread: Leader) -> Floats | None:
        """(h, w) what the coarser scale's own spread comes to in a window."""
        lead = spread.lead(shown.window)
        if lead is None:
            return None
        nothing = np.zeros((*shown.hole.shape, 1), np.float32)
        merged = merge_guide(nothing, lead.picture[..., :1], shown.hole, lead.covered, self._reach)
        return merged[..., 0]

    @property
    def _reach(self) -> float:
        return min(64.0, float(self.plan.context))

    def _compute(self, read: _Read) -> None:
        spreads, fills = self._answers(read)
        numbers = self.plan.batches[read.batch]
        device = self.inpainter.device_class
        if fills is not None:
            made = {
                number: patch_of(shown, read.staged.image(place), fills[place], False, self._reach)
                for place, (number, shown) in enumerate(zip(numbers, read.shown, strict=True))
            }
            self.guides.write(read.batch, made, device)
        for own, more in zip(spreads, read.inherited, strict=True):
            if more is not None:
                np.hypot(own, more, out=own)
        found = map(_patch_of, read.shown, spreads)
        self.spreads.write(read.batch, dict(zip(numbers, found, strict=True)), device)

    def _answers(self, read: _Read) -> tuple[Floats, Floats | None]:
        """(n, h, w) the spread of each window; (n, 3, h, w) its fill where others follow it."""
        import torch

        from models.uncertain import uncertainty

        images, holes = read.staged.images, read.staged.holes
        try:
            spread = uncertainty(self.inpainter, images, holes)[:, 0].numpy()
            leads = read.shown[0].window.level > 0
            fills = self.inpainter(images, holes).numpy() if leads else None
        except torch.OutOfMemoryError as error:
            raise NotEnoughMemory(
                f"the device cannot hold one window of {self.inpainter.name}; choose another device"
            ) from error
        # All answers are mid-grey then, which is no agreement.
        spread[holes.flatten(1).all(1).numpy()] = MOST
        return spread, fills


@dataclass(frozen=True)
class _Read:
    """A batch that can be computed."""

    batch: int
    staged: Staged
    shown: list[Shown]
    inherited: list[Floats | None]


def _patch_of(shown: Shown, spread: Floats) -> Patch:
    """The spread of a window as patches are kept: three times the same."""
    window = shown.window
    if window.level > 0:
        return Patch(_three(spread), shown.hole.astype(np.uint8))
    core = window.core.within(window.box)
    damaged = shown.damaged[core]
    return Patch(_three(spread[core][damaged]), claims(window, shown.damaged)[damaged])


def _three(values: Floats) -> Floats:
    return np.repeat(values[..., None], 3, axis=-1)
