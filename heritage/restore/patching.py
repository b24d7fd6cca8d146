"""From what a model answered to what a window contributes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.restore.blend import claims
from heritage.restore.grain import measure
from heritage.restore.guide import merge_guide
from heritage.restore.patches import Patch
from heritage.restore.staging import Shown

Floats = NDArray[np.float32]


def patch_of(shown: Shown, image: Floats, filled: Floats, wants_grain: bool, reach: float) -> Patch:
    """The patch of one window.

    Args:
        shown: The window.
        image: (3, h, w) as it was shown to the model.
        filled: (3, h, w) as it came back.
        wants_grain: Whether its grain is to be measured.
        reach: Depth at which a coarser scale rules, in pixels.
    """
    window, hole = shown.window, shown.hole
    if shown.lead is not None:
        answer, lead = _last(filled), shown.lead
        merged = merge_guide(answer, lead.picture, hole, lead.covered, reach)
        filled = np.moveaxis(merged, 2, 0)
    if window.level > 0:
        return Patch(_last(filled), hole.astype(np.uint8))
    core = window.core.within(window.box)
    damaged = shown.damaged[core]
    values = np.stack([channel[core][damaged] for channel in filled], axis=1)
    marks = claims(window, shown.damaged)[damaged]
    if not wants_grain:
        return Patch(values, marks)
    inside = np.zeros_like(shown.damaged)
    inside[core] = damaged
    return Patch(values, marks, measure(image, filled, hole, inside))


def _last(picture: Floats) -> Floats:
    """(3, h, w) as (h, w, 3), in one piece."""
    return np.asarray(cv2.merge(list(picture)), np.float32)
