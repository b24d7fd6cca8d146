"""Whether one sees where a fill begins: gradients across a border against those nearby."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from heritage.evaluate.metrics import Mask, Picture

_NEAR = 8  # pixels that count as nearby


def seam_visibility(filled: Picture, where: Mask) -> float | None:
    """Steps across the border of the hole, relative to those in the known picture beside it.

    A step is the difference of two neighbouring pixels, mean over the colours. Those with one pixel
    in the hole and one outside are compared with those of which both are known and lie within 8
    pixels of the hole. Definition ours. It needs no truth.

    Returns:
        About 1 where the border looks like its surroundings, 2 where it is seen as a line; below 1
        where it is smoother. None without border or surroundings.
    """
    near = _grown(where, _NEAR)
    crossing, beside = [], []
    for axis in (0, 1):
        first, second = _pairs(where, axis)
        close = np.logical_or(*_pairs(near, axis))
        steps = _steps(filled, axis)
        crossing.append(steps[first != second])
        beside.append(steps[~first & ~second & close])
    return _ratio(crossing, beside)


def window_visibility(
    filled: Picture, where: Mask, rows: Sequence[int], columns: Sequence[int]
) -> float | None:
    """Steps across the borders of a model's windows inside the hole, relative to those beside them.

    Args:
        filled: (H, W, 3).
        where: (H, W).
        rows: First rows of windows, and the rows after their last ones.
        columns: The same of columns.

    Returns:
        About 1 where nothing shows. None where no border of a window crosses the hole.
    """
    crossing, beside = [], []
    for axis, places in ((0, rows), (1, columns)):
        both = np.logical_and(*_pairs(where, axis))
        steps = _steps(filled, axis)
        number = np.arange(1, filled.shape[axis])  # a step belongs to the pixel after it
        at = np.isin(number, list(places))
        near = ~at & np.isin(number, [p + d for p in places for d in range(-_NEAR, _NEAR + 1)])
        shape = (-1, 1) if axis == 0 else (1, -1)
        crossing.append(steps[both & at.reshape(shape)])
        beside.append(steps[both & near.reshape(shape)])
    return _ratio(crossing, beside)


def window_borders(length: int, side: int | None) -> list[int]:
    """Where the windows of a network of one size begin and end along an axis; none if it has one.

    As ``models.tiling`` places them: half a window apart, the last flush with the end.
    """
    if side is None or length <= side:
        return []
    starts = [*range(0, length - side, max(1, side // 2)), length - side]
    ends = {start + side for start in starts}
    return sorted((set(starts) | ends) - {0, length})


def _pairs(values: Mask, axis: int) -> Iterator[Mask]:
    """Of all neighbours along an axis the first ones, then the second ones."""
    yield values[:-1] if axis == 0 else values[:, :-1]
    yield values[1:] if axis == 0 else values[:, 1:]


def _steps(picture: Picture, axis: int) -> NDArray[np.float32]:
    return np.asarray(np.abs(np.diff(picture, axis=axis)).mean(axis=2), np.float32)


def _grown(mask: Mask, reach: int) -> Mask:
    import cv2

    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), square), bool)


def _ratio(
    crossing: Sequence[NDArray[np.float32]], beside: Sequence[NDArray[np.float32]]
) -> float | None:
    across, nearby = np.concatenate(crossing), np.concatenate(beside)
    if not across.size or not nearby.size:
        return None
    # Half a grey level of 8 bits: what is flatter than that cannot be told from flat.
    least = 0.5 / 255
    return float(across.mean(dtype=np.float64) / max(float(nearby.mean(dtype=np.float64)), least))
