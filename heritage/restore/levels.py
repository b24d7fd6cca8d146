"""Coarser views of a master: level k is reduced by 2**k on each side.

A reduced pixel covers a block of 2**k x 2**k full-scale pixels (fewer at the right and lower edge).
Its colour is the mean of the block's *known* pixels, so damage never bleeds into what is known. It
counts as damaged where at least half of its block is: a hairline thus vanishes two levels up, where
its surroundings say all there is to say, while "any damaged pixel" would let a net of cracks
swallow the whole picture just when the middle of a large loss needs to see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from heritage.geometry import Box

Bool = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
ReadMask = Callable[[Box], Bool]
ReadPicture = Callable[[Box], Floats]

_CHUNK = 1024


def level_size(height: int, width: int, level: int) -> tuple[int, int]:
    """Rows and columns of a level of a (height, width) raster."""
    return -(-height // (1 << level)), -(-width // (1 << level))


def reduced_box(box: Box, levels: int = 1) -> Box:
    """The pixels ``levels`` coarser that cover ``box``."""
    scale = 1 << levels
    return Box(box.y0 // scale, box.x0 // scale, -(-box.y1 // scale), -(-box.x1 // scale))


def enlarged_box(box: Box, levels: int, height: int, width: int) -> Box:
    """The pixels ``levels`` finer, in a raster of that finer size, which ``box`` covers."""
    scale = 1 << levels
    scaled = Box(box.y0 * scale, box.x0 * scale, box.y1 * scale, box.x1 * scale)
    return scaled.clipped(height, width)


def level_mask(read: ReadMask, level: int, box: Box, height: int, width: int) -> Bool:
    """The damage of a level in ``box``: (h, w) bool.

    Args:
        read: The full-scale mask.
        level: Which level.
        box: In pixels of that level.
        height: Rows at full scale.
        width: Columns at full scale.
    """
    if level == 0:
        return read(box)
    damage = np.zeros((box.height, box.width), np.bool_)
    for chunk, source in _chunks(level, box, height, width):
        full = read(source)
        if full.any():
            present = _sums(np.ones((source.height, 1), np.float32), level) * _sums(
                np.ones((1, source.width), np.float32), level
            )
            damage[chunk.within(box)] = 2 * _sums(full.astype(np.float32), level) >= present
    return damage


def level_picture(
    read: ReadPicture, read_mask: ReadMask, level: int, box: Box, height: int, width: int
) -> tuple[Floats, Bool]:
    """Picture and damage of a level in ``box``: (h, w, c) float32 and (h, w) bool.

    Each full-scale pixel under the box is read once, in chunks. Where a block has no known pixel,
    the picture is 0.

    Args:
        read: The full-scale picture, (h, w, c) float32.
        read_mask: The full-scale mask.
        level: Which level.
        box: In pixels of that level.
        height: Rows at full scale.
        width: Columns at full scale.
    """
    if level == 0:
        return read(box), read_mask(box)
    picture: Floats | None = None
    damage = np.zeros((box.height, box.width), np.bool_)
    for chunk, source in _chunks(level, box, height, width):
        part, known = reduce_known(read(source), (~read_mask(source)).astype(np.float32), level)
        if picture is None:
            picture = np.zeros((box.height, box.width, part.shape[2]), np.float32)
        picture[chunk.within(box)] = part
        damage[chunk.within(box)] = known <= 0.5
    assert picture is not None
    return picture, damage


def reduce_known(picture: Floats, known: Floats, levels: int = 1) -> tuple[Floats, Floats]:
    """Reduce a picture by 2**levels, averaging what is known.

    Args:
        picture: (h, w, c).
        known: (h, w), the share of each pixel that is known, 0..1.
        levels: How often to halve.

    Returns:
        The reduced picture and the reduced share; a ragged last row or column is a mean over the
        pixels there are. Done twice it equals ``levels=2`` where sides are even.
    """
    h, w = known.shape
    count = _sums(np.ones((h, 1), np.float32), levels) * _sums(np.ones((1, w), np.float32), levels)
    weight = _sums(known, levels)
    total = _sums(picture * known[..., None], levels)
    mean = np.divide(
        total, weight[..., None], out=np.zeros_like(total), where=weight[..., None] > 0
    )
    return mean, weight / count


def _sums(values: Floats, levels: int) -> Floats:
    """Sums over blocks of 2**levels; an axis of length 1 stays one block."""
    for axis in (0, 1):
        edges = np.arange(0, values.shape[axis], 1 << levels)
        values = np.add.reduceat(values, edges, axis=axis, dtype=np.float32)
    return values


def _chunks(level: int, box: Box, height: int, width: int) -> Iterator[tuple[Box, Box]]:
    """Pieces of ``box`` with the full-scale rectangle under each."""
    step = max(1, _CHUNK >> level)
    for y in range(box.y0, box.y1, step):
        for x in range(box.x0, box.x1, step):
            chunk = Box(y, x, min(y + step, box.y1), min(x + step, box.x1))
            yield chunk, enlarged_box(chunk, level, height, width)
