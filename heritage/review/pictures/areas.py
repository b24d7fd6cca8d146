"""Making pictures smaller by the exact mean of what each pixel covers, and larger by repetition.

A pixel of the screen covers a rectangle of the raster, whose edges may lie between pixels. Because
its value depends on that rectangle alone, neighbouring tiles have no seam.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from heritage.review.pictures.frames import Frame

Samples = NDArray[Any]


def shown(pixels: Samples, frame: Frame) -> Samples:
    """A part of a raster at the size it is shown.

    Args:
        pixels: (h, w, c) uint8, uint16 or float32, c at most 4.
        frame: In pixels of the raster; what leaves it by rounding is cut off.

    Returns:
        (frame.height, frame.width, c), means where it shrinks, repeated pixels where it grows.
    """
    edges = [round(float(edge), 4) for edge in (frame.top, frame.left, frame.bottom, frame.right)]
    whole = all(edge.is_integer() for edge in edges)
    if whole and frame.down >= 1 and frame.across >= 1:
        y0, x0, y1, x1 = (int(edge) for edge in edges)
        return _resized(pixels[max(y0, 0) : y1, max(x0, 0) : x1], frame.height, frame.width)
    rows = _along(pixels, edges[0], edges[2], frame.height)
    columns = _along(rows.swapaxes(0, 1), edges[1], edges[3], frame.width).swapaxes(0, 1)
    return in_type(columns, pixels.dtype)


def in_type(values: Samples, dtype: np.dtype[Any]) -> Samples:
    """Values as samples: rounded and clipped where these are whole numbers."""
    if values.dtype == dtype or dtype.kind == "f":
        return values.astype(dtype, copy=False)
    limit = np.iinfo(dtype).max
    rounded: Samples = np.clip(np.floor(values + 0.5), 0, limit).astype(dtype)
    return rounded


def reduced(pixels: Samples, factor: int) -> Samples:
    """Means of blocks of ``factor`` x ``factor`` pixels; at the lower and right edge, of fewer.

    Args:
        pixels: (h, w, c) uint8 or uint16.
        factor: Side of the blocks.

    Returns:
        (ceil(h / factor), ceil(w / factor), c), the same type.
    """
    height, width, channels = pixels.shape
    rows, columns = -(-height // factor), -(-width // factor)
    out = np.empty((rows, columns, channels), pixels.dtype)
    for y0, y1 in _cuts(height, factor):
        for x0, x1 in _cuts(width, factor):
            there = slice(y0 // factor, -(-y1 // factor)), slice(x0 // factor, -(-x1 // factor))
            shape = there[0].stop - there[0].start, there[1].stop - there[1].start
            out[there] = _resized(pixels[y0:y1, x0:x1], *shape)
    return out


def _cuts(length: int, factor: int) -> list[tuple[int, int]]:
    """The whole blocks along a side, and what is left."""
    whole = length // factor * factor
    return [(a, b) for a, b in ((0, whole), (whole, length)) if b > a]


def _resized(pixels: Samples, height: int, width: int) -> Samples:
    if pixels.shape[:2] == (height, width):
        return pixels
    out = cv2.resize(np.ascontiguousarray(pixels), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(out).reshape(height, width, pixels.shape[2])


def _along(pixels: Samples, first: float, last: float, count: int) -> Samples:
    """Means (float32) of ``count`` equal stretches of axis 0; or its pixels, where it grows."""
    edges = np.clip(np.linspace(first, last, count + 1), 0, len(pixels))
    if last - first <= count:
        middles = np.floor((edges[:-1] + edges[1:]) / 2).astype(np.intp)
        nearest: Samples = pixels[np.clip(middles, 0, len(pixels) - 1)]
        return nearest
    flat = np.ascontiguousarray(pixels, np.float32).reshape(len(pixels), -1)
    means: Samples = _weights(edges, len(pixels)) @ flat
    return means.reshape(count, *pixels.shape[1:])


def _weights(edges: NDArray[np.float64], length: int) -> csr_array:
    """How much of each pixel (column) lies in each stretch (row); the sum of a row is 1."""
    first = np.minimum(np.floor(edges[:-1]).astype(np.int32), length - 1)
    last = np.maximum(np.ceil(edges[1:]).astype(np.int32), first + 1)
    pointers = np.concatenate([[0], np.cumsum(last - first)])
    stretch = np.repeat(np.arange(len(first)), last - first)
    pixel = first[stretch] + np.arange(len(stretch)) - pointers[stretch]
    shares = np.minimum(edges[stretch + 1], pixel + 1) - np.maximum(edges[stretch], pixel)
    shares = np.maximum(shares, 1e-9)
    shares /= np.add.reduceat(shares, pointers[:-1])[stretch]
    return csr_array((shares.astype(np.float32), pixel, pointers), (len(first), length))
