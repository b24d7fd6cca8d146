"""Which square of a picture becomes a training window, and how it gets the window's size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.geometry import Box
from heritage.train.augment import Augmentation, Window

SMALLEST = 48  # pixels of the picture; a square of fewer shows nothing once enlarged


@dataclass(frozen=True)
class Frame:
    """A square of a picture.

    Attributes:
        box: What is read, in pixels of the picture.
        size: Side of what is kept of it, rotated around its middle; less than the box's own only
            where it is rotated.
        angle: Of that rotation, in degrees.
    """

    box: Box
    size: int
    angle: float = 0.0


def choose_frame(
    rng: np.random.Generator,
    height: int,
    width: int,
    side: int,
    native: float,
    how: Augmentation,
) -> Frame:
    """A random square of a picture.

    Args:
        rng: Source of randomness.
        height: Of the picture.
        width: Of the picture.
        side: Of the training window.
        native: Share of frames that are as large as the window, so that nothing is scaled.
        how: Range of the other scales; chance and range of rotations.
    """
    reach = min(height, width)
    size = side
    if rng.random() >= native or reach < side:
        low, high = np.log(how.scales[0]), np.log(how.scales[1])
        size = int(np.clip(side * np.exp(rng.uniform(low, high)), SMALLEST, reach))
    size = min(size, reach)
    angle, outer = 0.0, size
    if how.rotation > 0 and rng.random() < how.rotation:
        angle = float(rng.uniform(-how.degrees, how.degrees))
        turn = math.radians(angle)
        outer = math.ceil(size * (abs(math.cos(turn)) + abs(math.sin(turn))))
        if outer > reach:  # the corners would not be in the picture
            angle, outer = 0.0, size
    y = int(rng.integers(0, height - outer + 1))
    x = int(rng.integers(0, width - outer + 1))
    return Frame(Box(y, x, y + outer, x + outer), size, angle)


def framed(pixels: Window, frame: Frame, side: int) -> Window:
    """The pixels of a frame's box as a window.

    Args:
        pixels: (box.height, box.width, 3), uint8, or float32 in 0..1.
        frame: Which they are of.
        side: Of the window.

    Returns:
        (side, side, 3) of the same type; reduced by area, enlarged and rotated by cubic
        interpolation.
    """
    size = frame.size
    if frame.angle:
        return _rotated(pixels, frame, side)
    if size == side:
        return pixels
    how = cv2.INTER_AREA if size > side else cv2.INTER_CUBIC
    return _inside(cv2.resize(pixels, (side, side), interpolation=how))


def _rotated(pixels: Window, frame: Frame, side: int) -> Window:
    scale = side / frame.size
    if scale < 1:  # by area first: a cubic alone would let fine patterns through as false ones
        reduced = math.ceil(len(pixels) * scale)
        scale *= len(pixels) / reduced
        pixels = cv2.resize(pixels, (reduced, reduced), interpolation=cv2.INTER_AREA)
    middle = (len(pixels) - 1) / 2
    matrix: NDArray[np.float64] = np.array(
        cv2.getRotationMatrix2D((middle, middle), frame.angle, scale), np.float64
    )
    matrix[:, 2] += (side - 1) / 2 - middle
    window = cv2.warpAffine(
        pixels, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return _inside(window)


def _inside(window: Window) -> Window:
    """Cubic interpolation overshoots; uint8 is cut off by OpenCV itself."""
    return window if window.dtype == np.uint8 else np.clip(window, 0, 1)
