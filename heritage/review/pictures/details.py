"""One detail of a restoration, before and after, for whoever wants a first impression."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heritage.geometry import Box
from heritage.restore.provenance import file_names, read_provenance
from heritage.review.pictures.scene import Scene
from heritage.review.pictures.view import View

SIDE = 320
"""Of the detail, in pixels of the master: it is shown as it is."""


def largest_fill(folder: Path, master: Path, cache: Path) -> NDArray[np.uint8]:
    """The place with the largest fill, before and after side by side, pixel by pixel.

    Args:
        folder: The restoration, ``OUTPUT/NAME``.
        master: Where its master lies.
        cache: Folder for what the review room prepares.

    Returns:
        (h, 2w, 3) uint8 sRGB, each half at most ``SIDE`` wide and high.

    Raises:
        HeritageError: If a file is gone or cannot be read.
        OSError: If the record cannot be read.
        ValueError: If the record is none.
    """
    record = read_provenance(folder / file_names(folder.name)["provenance"])
    said = record["regions"]
    largest = max(
        (dict(zip(said["columns"], row, strict=True)) for row in said["rows"]),
        key=lambda region: region["area"],
    )
    with Scene(master, folder, cache, record["master"]["page"]) as scene:
        middle = (
            (largest["top"] + largest["bottom"]) // 2,
            (largest["left"] + largest["right"]) // 2,
        )
        box = _around(middle, scene.height, scene.width)
        halves = [
            scene.render(view, box, box.width, box.height) for view in (View.BEFORE, View.AFTER)
        ]
    return np.concatenate(halves, axis=1)


def _around(middle: tuple[int, int], height: int, width: int) -> Box:
    """A square about a place, moved into the picture."""
    y0 = max(0, min(middle[0] - SIDE // 2, height - SIDE))
    x0 = max(0, min(middle[1] - SIDE // 2, width - SIDE))
    return Box(y0, x0, min(height, y0 + SIDE), min(width, x0 + SIDE))
