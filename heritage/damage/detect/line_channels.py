"""What the network sees of thin lines beside the picture itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heritage.damage.detect.cracks import lines_of
from heritage.damage.detect.ridges import Grey

COUNT = 5
"""Channels: dark things, dark lines, bright lines, how many more are dark, how they spread."""

_MORE = 32  # of 255 for as many dark lines as bright ones


def line_channels(grey: Grey) -> npt.NDArray[np.uint8]:
    """Evidence of thin lines as uint8 (H, W, COUNT); of what lies within ``cracks.REACH``.

    Args:
        grey: Of ``ridges.grey_of``.
    """
    seen = lines_of(grey)
    more = np.minimum(seen.more * _MORE, 255).astype(np.uint8)
    spread = (seen.spread * 255).astype(np.uint8)
    return np.stack([seen.dark, seen.lines, seen.bright, more, spread], axis=2)
