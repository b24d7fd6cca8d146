"""Rectangles in which a whole master can be read once, without holding much of it."""

from __future__ import annotations

from collections.abc import Iterator

from heritage.geometry import Box
from heritage.tiff import MasterInfo

PIECE = 4 << 20  # pixels at once


def scan_boxes(info: MasterInfo, pixels: int = PIECE) -> Iterator[Box]:
    """Boxes that cover a master, whole rows of its tiles or strips at a time, left to right.

    Args:
        info: The master.
        pixels: About how many pixels a box may have; more where a single segment has more.
    """
    tall = max(1, min(info.segment_height, info.height))
    wide = max(1, min(info.segment_width, info.width))
    rows = tall * max(1, min(512, pixels // wide) // tall)
    columns = wide * max(1, pixels // rows // wide)
    if rows * columns > pixels:
        # One segment is larger than a piece: the reader keeps it decoded while it is cut up.
        columns = max(1, pixels // rows)
    for y in range(0, info.height, rows):
        for x in range(0, info.width, columns):
            yield Box(y, x, min(y + rows, info.height), min(x + columns, info.width))
