"""Smaller versions of a picture in its own file, made anew where the picture changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heritage.errors import MasterRefused
from heritage.geometry import Box
from heritage.tiff.codec import Pixels, can_encode, words
from heritage.tiff.grid import Cell
from heritage.tiff.parsing import StructureReader
from heritage.tiff.picture import Picture
from heritage.tiff.structure import SUB_IFDS, Directory

REDUCED: Final = 0b1
"""NewSubfileType: a smaller version of another image of the file (TIFF 6.0, section 8)."""
AT_ONCE: Final = 1024
"""Side of the square of the picture from which a level is made at once, in pixels."""

Bools = NDArray[np.bool_]
Paint = Callable[[Box, Pixels], None]
Touched = Callable[[Box], bool]


@dataclass(frozen=True)
class Level:
    """A smaller version of a picture.

    Attributes:
        picture: Its own page, open; close it.
        base: The picture at full size.
        scale: How many pixels of the picture go into one of it, along each side.
    """

    picture: Picture
    base: Picture
    scale: int

    def under(self, box: Box) -> Box:
        """The pixels of the picture from which those of a box are made."""
        scale, info = self.scale, self.base.info
        whole = Box(box.y0 * scale, box.x0 * scale, box.y1 * scale, box.x1 * scale)
        return whole.clipped(info.height, info.width)

    def cells(self, touched: Touched) -> list[Cell]:
        """The cells of it that must be made anew."""
        return [cell for cell in self.picture.grid.cells() if touched(self.under(cell.box))]

    def paint(self, box: Box, pixels: Pixels, paint: Paint, touched: Touched) -> None:
        """Make anew what the picture's changes reach, in place.

        Args:
            box: Of this level.
            pixels: What is there, (h, w, samples).
            paint: Changes pixels of the picture.
            touched: Whether anything of the picture changes in a box.
        """
        step = max(1, AT_ONCE // self.scale)
        for y in range(box.y0, box.y1, step):
            for x in range(box.x0, box.x1, step):
                part = Box(y, x, min(y + step, box.y1), min(x + step, box.x1))
                under = self.under(part)
                if touched(under):
                    before = read_box(self.base, under)
                    after = before.copy()
                    paint(under, after)
                    self._reduce(before, after, pixels[part.within(box)])

    def reached(self, box: Box, damaged: Callable[[Box], Bools]) -> Bools:
        """Which pixels of a box are made from at least one damaged pixel of the picture, (h, w)."""
        reached = np.zeros((box.height, box.width), np.bool_)
        step = max(1, AT_ONCE // self.scale)
        for y in range(box.y0, box.y1, step):
            for x in range(box.x0, box.x1, step):
                part = Box(y, x, min(y + step, box.y1), min(x + step, box.x1))
                mask = damaged(self.under(part))
                rows, columns = (np.arange(0, size, self.scale) for size in mask.shape)
                reached[part.within(box)] = _blocks(np.logical_or, mask, rows, columns)
        return reached

    def _reduce(self, before: Pixels, after: Pixels, pixels: Pixels) -> None:
        rows, columns = (np.arange(0, size, self.scale) for size in after.shape[:2])
        differs = words(before) != words(after)
        colours = self.base.info.colour_samples
        # A colour goes as a whole; alpha and the like are not touched with it.
        differs[..., :colours] = differs[..., :colours].any(axis=2, keepdims=True)
        changed = _blocks(np.logical_or, differs, rows, columns)
        np.copyto(pixels, reduced(after, rows, columns, self._averages), where=changed)

    @property
    def _averages(self) -> bool:
        return self.base.info.colour != "palette" and np.dtype(self.base.info.dtype).kind != "b"


def reduced(
    pixels: Pixels, rows: NDArray[np.int64], columns: NDArray[np.int64], average: bool
) -> Pixels:
    """A picture made smaller.

    Args:
        pixels: (h, w, samples).
        rows: First row of each block that becomes one pixel.
        columns: First column of each.
        average: The mean of each block, rounded; else its middle pixel: colours of a table, and
            black and white, have no mean.
    """
    if not average:
        last = pixels.shape[0] - 1, pixels.shape[1] - 1
        step = [int(first[1]) if len(first) > 1 else 1 for first in (rows, columns)]
        middle_rows = np.minimum(rows + step[0] // 2, last[0])
        middle: Pixels = pixels[middle_rows][:, np.minimum(columns + step[1] // 2, last[1])]
        return middle
    total = _blocks(np.add, pixels.astype(np.float64), rows, columns)
    heights = np.diff(rows, append=pixels.shape[0])[:, None, None]
    mean = total / (heights * np.diff(columns, append=pixels.shape[1])[None, :, None])
    return mean.astype(pixels.dtype) if pixels.dtype.kind == "f" else _rounded(mean, pixels.dtype)


def _rounded(mean: NDArray[np.float64], dtype: np.dtype[np.generic]) -> Pixels:
    rounded: Pixels = np.floor(mean + 0.5).astype(dtype)
    return rounded


def _blocks(
    fold: np.ufunc, pixels: Pixels, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> Pixels:
    folded: Pixels = fold.reduceat(fold.reduceat(pixels, rows, axis=0), columns, axis=1)
    return folded


def read_box(picture: Picture, box: Box) -> Pixels:
    """The pixels of a box, (h, w, samples)."""
    out = np.empty((box.height, box.width, picture.info.samples), picture.codec.dtype)
    for cell in picture.grid.cells_in(box):
        part = cell.box.intersection(box)
        out[part.within(box)] = picture.joined(cell)[part.within(cell.box)]
    return out


def levels_of(base: Picture) -> Iterator[Level]:
    """The smaller versions of a picture that can be made anew like it.

    Those with pixels of another kind (thumbnails), or in a compression that loses detail, are
    left out; they stay as they are.

    Args:
        base: The picture at full size.
    """
    for directory in smaller_versions(base):
        try:
            picture = Picture(base.path, base.info.page, level_at=directory.at)
        except MasterRefused:
            continue
        scale = _scale(base, picture)
        if scale and _alike(base, picture):
            yield Level(picture, base, scale)
        else:
            picture.close()


def smaller_versions(base: Picture) -> Iterator[Directory]:
    """Directories that say of themselves that they are smaller versions of a picture."""
    for code, child in base.directory.children:
        if code == SUB_IFDS and _is_smaller(base.reader, child):
            yield child
    for page in base.structure.pages[base.info.page + 1 :]:
        if not _is_smaller(base.reader, page):
            break
        yield page


def _is_smaller(reader: StructureReader, directory: Directory) -> bool:
    tag = directory.tags.get(254)
    return tag is not None and tag.count == 1 and bool(int(reader.values(tag)[0]) & REDUCED)


def _scale(base: Picture, picture: Picture) -> int:
    """By which whole number a level is smaller; 0 if by none."""
    big, small = base.info, picture.info
    scale = max(2, round(big.width / small.width))
    fits = all(
        length // scale <= reduced_length <= -(-length // scale)
        for length, reduced_length in ((big.width, small.width), (big.height, small.height))
    )
    return scale if fits and max(small.width, small.height) < max(big.width, big.height) else 0


def _alike(base: Picture, picture: Picture) -> bool:
    one, other = base.info, picture.info
    kinds = [(i.samples, i.dtype, i.bits, i.photometric, i.palette) for i in (one, other)]
    return kinds[0] == kinds[1] and can_encode(picture.page) and not other.lossy
