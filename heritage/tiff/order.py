"""Work in threads, results in order: the same bytes however the threads were scheduled."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from heritage.ahead import in_turn
from heritage.tiff.grid import Cell

Encoded = list[tuple[Cell, int, bytes]]
"""The planes of a cell that were encoded: the cell, the plane, its bytes."""
Progress = Callable[[int, int], None]

IN_FLIGHT: Final = 16 << 20
"""Decoded bytes of the cells that are worked on at once; several times that much is in use."""
THREADS: Final = min(4, os.cpu_count() or 1)


def in_order(
    cells: Sequence[Cell],
    pixel_bytes: int,
    work: Callable[[Cell], Encoded],
    store: Callable[[Encoded], None],
    progress: Progress | None,
) -> None:
    """Decode, paint and encode cells in a few threads; store them one after the other.

    Args:
        cells: At least one.
        pixel_bytes: Of a decoded pixel, by which the cells under way are bounded.
        work: Called from threads.
        store: Called from this thread, in the order of the cells.
        progress: Told how many are stored, and of how many.
    """
    weight = cells[0].rows * cells[0].columns * pixel_bytes
    ahead = max(1, min(4 * THREADS, IN_FLIGHT // max(weight, 1)))
    with ThreadPoolExecutor(min(THREADS, ahead), "compose") as pool:
        for done, encoded in enumerate(in_turn(pool, work, cells, ahead), 1):
            store(encoded)
            if progress is not None:
                progress(done, len(cells))
