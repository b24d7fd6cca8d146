"""How far several fills of the same damage lie apart: where they differ, nobody should be sure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heritage.geometry import Box
from heritage.review.pictures import marks
from heritage.review.pictures.scene import Scene
from heritage.review.pictures.view import View

Bytes = NDArray[np.uint8]


def disagreement(scene: Scene, others: Sequence[Scene], box: Box, width: int, height: int) -> Bytes:
    """A sheet that glows where other restorations of the same master fill the damage otherwise.

    Of several others the one that differs most counts. Where only one of two filled anything, they
    do not disagree about a fill, and nothing glows.

    Args:
        scene: The restoration.
        others: Others of the same master.
        box: Of the master, in pixels.
        width: Columns on the screen.
        height: Rows on the screen.

    Returns:
        (height, width, 4) uint8, RGBA.
    """
    own = scene.render(View.AFTER, box, width, height)
    farthest = own.copy()
    most = np.zeros((height, width), np.int16)
    filled = _filled(scene, box, width, height)
    for other in others:
        fill = other.render(View.AFTER, box, width, height)
        apart = np.abs(fill.astype(np.int16) - own).max(axis=2)
        apart[~(filled & _filled(other, box, width, height))] = 0
        more = apart > most
        farthest[more], most[more] = fill[more], apart[more]
    return marks.heat(own, farthest)


def _filled(scene: Scene, box: Box, width: int, height: int) -> NDArray[np.bool_]:
    return np.asarray(scene.render(View.MASK, box, width, height)[..., 3] > 0)
