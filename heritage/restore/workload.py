"""How much work each batch of a plan is: what it computes, and how much damage it removes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heritage.damage.masks import MaskReader
from heritage.restore.plan import Plan
from heritage.restore.windows import Window


@dataclass(frozen=True)
class Load:
    """Work of some windows.

    Attributes:
        computed: Pixels that the model computes, context included.
        shown: Damaged pixels among them.
        damaged: Damaged pixels where the windows have a say: their cores. Where cores overlap,
            and on every level, they count anew.
        regions: Regions that are restored when these windows are.
    """

    computed: int = 0
    shown: int = 0
    damaged: int = 0
    regions: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(
            self.computed + other.computed,
            self.shown + other.shown,
            self.damaged + other.damaged,
            self.regions + other.regions,
        )


def loads(plan: Plan, mask: MaskReader, regions: int) -> tuple[Load, ...]:
    """The load of every batch, by number.

    Args:
        plan: The windows.
        mask: The open mask.
        regions: How many there are in all. Those that several windows share are restored with the
            last batch.
    """
    of_window = [_load(plan, mask, window) for window in plan.windows]
    of_batch = [sum((of_window[n] for n in batch), Load()) for batch in plan.batches]
    if of_batch:
        shared = regions - sum(load.regions for load in of_batch)
        of_batch[-1] += Load(regions=max(0, shared))
    return tuple(of_batch)


def _load(plan: Plan, mask: MaskReader, window: Window) -> Load:
    damage = plan.level_mask(mask.read, window.level, window.box)
    core = damage[window.core.within(window.box)]
    return Load(
        computed=window.box.area,
        shown=int(np.count_nonzero(damage)),
        damaged=int(np.count_nonzero(core)),
        regions=len(window.regions),
    )
