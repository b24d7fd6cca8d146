"""A small picture of what was found: damage filled and outlined in a colour for each class.

The colours are those of Okabe and Ito, "Color Universal Design" (2008), which people with any kind
of colour vision tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from heritage.damage.classes import DamageClass
from heritage.damage.detect.finding import Picture
from heritage.damage.detect.proposal import KINDS, FoundRegion
from heritage.geometry import Box

if TYPE_CHECKING:
    from PIL import Image

LONGEST = 2400
"""Pixels of the longer side at most, legend included."""

Colour = tuple[int, int, int]

_COLOURS: tuple[Colour, ...] = (
    (213, 94, 0), (86, 180, 233), (230, 159, 0), (204, 121, 167), (240, 228, 66), (0, 158, 115),
    (0, 114, 178),
)  # fmt: skip
_OWN = ("CRACKS", "SCRATCH", "MATERIAL_LOSS", "LACUNA", "DUST", "STAINING", "HAIR")
_FILL = 0.45  # how much of the colour, against the picture
_LEGEND = 36  # rows of a line of the legend
_QUALITY = 90


def colours_of(present: Iterable[DamageClass]) -> dict[DamageClass, Colour]:
    """A colour for each class: common classes have their own, others those left, then anew."""
    kinds = sorted(set(present))
    colours = {k: _COLOURS[_OWN.index(k.name)] for k in kinds if k.name in _OWN}
    free = [colour for colour in _COLOURS if colour not in colours.values()] or list(_COLOURS)
    others = [kind for kind in kinds if kind not in colours]
    return colours | {kind: free[i % len(free)] for i, kind in enumerate(others)}


class Preview:
    """Gathers a reduced picture while a master is searched.

    Args:
        height: Rows of the master.
        width: Columns.
    """

    def __init__(self, height: int, width: int) -> None:
        self.step = max(1, -(-height // (LONGEST - len(_COLOURS) * _LEGEND)), -(-width // LONGEST))
        shape = -(-height // self.step), -(-width // self.step)
        self._sums = np.zeros((*shape, 3), np.float32)
        self._counts = np.zeros((*shape, 1), np.float32)
        self._classes = np.zeros(shape, np.uint8)

    def add(self, core: Box, picture: Picture) -> None:
        """Take in the pixels of a window."""
        sums, ones = picture, np.ones((*picture.shape[:2], 1), np.float32)
        for axis, (first, last) in enumerate(((core.y0, core.y1), (core.x0, core.x1))):
            inner = np.arange(first // self.step + 1, -(-last // self.step)) * self.step - first
            edges = np.concatenate([[0], inner])
            sums = np.add.reduceat(sums, edges, axis=axis)
            ones = np.add.reduceat(ones, edges, axis=axis)
        y, x = core.y0 // self.step, core.x0 // self.step
        there = slice(y, y + sums.shape[0]), slice(x, x + sums.shape[1])
        self._sums[there] += sums
        self._counts[there] += ones

    def mark(
        self, y: int, x: int, stays: npt.NDArray[np.bool_], classes: npt.NDArray[np.uint8]
    ) -> None:
        """Mark damage of a tile; however small, it is seen.

        Args:
            y: The tile's first row.
            x: Its first column.
            stays: (h, w), where damage is.
            classes: (n,), of these pixels.
        """
        row, column = np.nonzero(stays)
        where = (row + y) // self.step, (column + x) // self.step
        np.maximum.at(self._classes, where, classes)

    def save(self, path: Path, regions: Iterable[FoundRegion]) -> None:
        """Write the JPEG.

        Args:
            path: The file.
            regions: For the legend: the classes in it and how many regions each has.
        """
        import cv2
        from PIL import Image

        image = np.clip(self._sums / np.maximum(self._counts, 1), 0, 1) * np.float32(255)
        counts: dict[DamageClass, int] = {}
        for region in regions:
            counts[region.kind] = counts.get(region.kind, 0) + 1
        present = {KINDS[int(value)] for value in np.unique(self._classes) if value}
        colours = colours_of(present | counts.keys())
        cross = np.ones((3, 3), np.uint8)
        for kind, colour in colours.items():
            own = (self._classes == kind).astype(np.uint8)
            around = (cv2.dilate(own, cross) > 0) & (self._classes == 0)
            inside = own > 0
            painted = np.array(colour, np.float32)
            image[inside] = (1 - _FILL) * image[inside] + np.float32(_FILL) * painted
            image[around] = painted
        picture = Image.fromarray(np.rint(image).astype(np.uint8))
        _with_legend(picture, colours, counts).save(path, "JPEG", quality=_QUALITY, subsampling=0)


def _with_legend(
    picture: Image.Image, colours: dict[DamageClass, Colour], counts: dict[DamageClass, int]
) -> Image.Image:
    """The picture and below it a line for each class, most numerous first."""
    from PIL import Image, ImageDraw, ImageFont

    lines = sorted(counts, key=lambda kind: (-counts[kind], kind))[: len(_COLOURS)]
    words = {kind: f"{kind.name.replace('_', ' ').lower()}: {counts[kind]}" for kind in lines}
    font = ImageFont.load_default(size=_LEGEND * 5 // 9)
    needed = max((int(font.getlength(text)) for text in words.values()), default=0)
    width = max(picture.width, _LEGEND + needed + 8 if lines else 0)
    sheet = Image.new("RGB", (width, picture.height + _LEGEND * len(lines)), "white")
    sheet.paste(picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for line, kind in enumerate(lines):
        top = picture.height + line * _LEGEND
        draw.rectangle((6, top + 6, _LEGEND - 6, top + _LEGEND - 6), colours[kind], "black")
        draw.text((_LEGEND + 2, top + 7), words[kind], "black", font)
    return sheet
