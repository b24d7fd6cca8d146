"""The coarser solution as a finer window needs it: put together and enlarged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heritage.geometry import Box
from heritage.restore.blend import SHARED, Piece, WindowIndex, blend
from heritage.restore.guide import enlarge
from heritage.restore.levels import reduced_box
from heritage.restore.patches import PatchFolder
from heritage.restore.plan import Plan
from heritage.restore.windows import Window

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Lead:
    """What the next coarser level says about a window.

    Args:
        picture: (h, w, 3) working RGB, at the window's scale.
        covered: (h, w) where it says anything.
    """

    picture: Floats
    covered: Bools


class Leader:
    """Looks up what coarser levels found.

    Args:
        plan: The plan.
        patches: Its patches; those of the level above a window's must be there.
        level: Level of the windows to be led.
    """

    def __init__(self, plan: Plan, patches: PatchFolder, level: int) -> None:
        self._plan = plan
        self._patches = patches
        self._level = level + 1
        self._windows = WindowIndex(plan.at(level + 1))

    def lead(self, window: Window) -> Lead | None:
        """What the coarser level says about a window; None where it was not asked."""
        if not window.guided:
            return None
        height, width = self._plan.level_size(self._level)
        box = reduced_box(window.box).grown(1).clipped(height, width)
        picture, valid = self._composite(box, box.grown(2).clipped(height, width))
        shown = enlarge(picture, box, window.box)
        covered = enlarge(valid[..., None].astype(np.float32), box, window.box)[..., 0] > 0.999
        return Lead(shown, covered)

    def _composite(self, box: Box, around: Box) -> tuple[Floats, Bools]:
        """Known pixels as they were read, damaged ones as the windows blended."""
        picture = np.zeros((box.height, box.width, 3), np.float32)
        known = np.zeros((box.height, box.width), np.bool_)
        hole, pieces = known.copy(), []
        for window in self._windows.overlapping(around):
            patch = self._patches.read(window.number)
            core = window.core.within(window.box)
            damaged = patch.marks[core] != 0
            values = patch.values[core][damaged]
            pieces.append(Piece.of(window, damaged, np.full(len(values), SHARED, np.uint8), values))
            if window.box.overlaps(box):
                part = window.box.intersection(box)
                here, there = part.within(box), part.within(window.box)
                read = patch.marks[there] == 0
                picture[here] = np.where(read[..., None], patch.values[there], picture[here])
                known[here] |= read
                hole[here] |= ~read
        answer, answered = blend(pieces, box, hole, self._plan.overlap)
        picture[hole] = np.where(answered[:, None], answer, picture[hole])
        known[hole] |= answered
        return picture, known
