"""Let the solution of a coarser level lead a finer one in the depth of a hole."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heritage.damage.depth import distances
from heritage.geometry import Box

Bool = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]


def enlarge(coarse: Floats, coarse_box: Box, box: Box) -> Floats:
    """A coarser level's picture in the pixels of the level above it, interpolated bilinearly.

    Sample positions depend on the raster's pixels alone, not on how it is cut into boxes.

    Args:
        coarse: (h, w, c) of ``coarse_box``, in pixels of the coarser level.
        coarse_box: Must cover ``box`` reduced by two; a pixel more around it avoids repeating
            edges.
        box: In pixels of the finer level.

    Returns:
        (box.height, box.width, c) float32.
    """
    rows = _along(coarse, 0, box.y0, box.y1, coarse_box.y0)
    return _along(rows, 1, box.x0, box.x1, coarse_box.x0)


def _along(coarse: Floats, axis: int, start: int, stop: int, origin: int) -> Floats:
    position = (np.arange(start, stop) + 0.5) / 2 - 0.5 - origin
    position = np.clip(position, 0, coarse.shape[axis] - 1)
    low = np.minimum(np.floor(position).astype(np.int64), max(coarse.shape[axis] - 2, 0))
    high = np.minimum(low + 1, coarse.shape[axis] - 1)
    share = (position - low).astype(np.float32)
    share = share.reshape([-1 if n == axis else 1 for n in range(coarse.ndim)])
    below, above = coarse.take(low, axis), coarse.take(high, axis)
    return np.asarray(below + share * (above - below), np.float32)


def merge_guide(
    fill: Floats,
    guide: Floats,
    hole: Bool,
    known_guide: Bool | None = None,
    reach: float = 64.0,
    sigma: float = 4.0,
) -> Floats:
    """Give a fill the guide's forms and colours in depth, and keep its own near the border.

    ``fill + w * lowpass(guide - fill)``: the low-pass is a Gaussian normalised within the hole, so
    known pixels have no part in it; ``w`` rises smoothly (3t^2 - 2t^3) from 0 at the hole's border
    to 1 at ``reach`` pixels from it.

    Args:
        fill: (h, w, c) the inpainter's answer.
        guide: (h, w, c) the coarser solution at this scale.
        hole: (h, w) the damage.
        known_guide: (h, w) where the guide says something; everywhere if None.
        reach: From which depth the guide rules, in pixels; at most the window's context, so that
            windows agree about depth.
        sigma: Width of the low-pass; the guide lacks what is finer than about 4 pixels.

    Returns:
        (h, w, c) float32, equal to ``fill`` outside the hole.
    """
    where = hole if known_guide is None else hole & known_guide
    if not where.any():
        return fill
    depth = np.clip(distances(hole) / np.float32(reach), 0, 1)
    weight = depth * depth * (3 - 2 * depth)
    difference = np.where(where[..., None], guide - fill, np.float32(0))
    smooth = _smooth(difference, where, sigma)
    return np.where(where[..., None], fill + weight[..., None] * smooth, fill)


def _smooth(values: Floats, where: Bool, sigma: float) -> Floats:
    """A Gaussian over the pixels ``where`` holds, normalised by how many there are."""
    import cv2

    share = cv2.GaussianBlur(
        where.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_CONSTANT
    )
    total = cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    total = total.reshape(values.shape)
    return np.asarray(total / np.maximum(share, 1e-6)[..., None], np.float32)
