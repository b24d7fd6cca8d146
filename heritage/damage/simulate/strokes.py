"""Strokes that wander, from hairlines to broad ones, and scratches, which hardly do."""

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.damage.simulate.fields import Field, Mask, Points
from heritage.damage.simulate.lines import draw_curves


def _stroke(
    rng: np.random.Generator, mask: Mask, thickness: tuple[float, float], segments: tuple[int, int]
) -> None:
    """Draw one wandering stroke of slowly changing thickness."""
    height, width = mask.shape
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    angle = rng.uniform(0, 2 * np.pi)
    thick = rng.uniform(*thickness)
    for _ in range(int(rng.integers(segments[0], segments[1] + 1))):
        angle += rng.normal(0, 0.6)
        length = rng.uniform(0.06, 0.24) * min(height, width)
        end_x, end_y = x + length * np.cos(angle), y + length * np.sin(angle)
        thick = float(np.clip(thick * rng.uniform(0.8, 1.25), *thickness))
        width_px = max(1, round(thick))
        ends = (int(x), int(y)), (int(end_x), int(end_y))
        cv2.line(mask, *ends, color=1, thickness=width_px)
        if width_px > 3:
            cv2.circle(mask, ends[1], width_px // 2, 1, -1)
        x, y = end_x, end_y


def thick_strokes(rng: np.random.Generator, height: int, width: int) -> Mask:
    """One to four strokes, a twelfth to a fifth of the shorter side thick."""
    mask = np.zeros((height, width), np.uint8)
    side = min(height, width)
    for _ in range(int(rng.integers(1, 5))):
        _stroke(rng, mask, (side / 12, side / 5), (1, 4))
    return mask


def medium_strokes(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Three to eight strokes, 4 pixels to a twelfth of the shorter side thick."""
    mask = np.zeros((height, width), np.uint8)
    side = min(height, width)
    for _ in range(int(rng.integers(3, 9))):
        _stroke(rng, mask, (4, max(5.0, side / 12)), (2, 7))
    return mask


def dense_hairlines(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Four to nineteen strokes of one to four pixels, however small the picture.

    For training: in a window of 128 pixels the lines cover mostly 3 to 20 %, so that a network
    learns from every window. ``hairlines`` covers the same small part of a picture of any size.
    """
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(4, 20))):
        _stroke(rng, mask, (1, rng.uniform(1.1, 4.0)), (3, 16))
    return mask


def hairlines(
    rng: np.random.Generator,
    height: int,
    width: int,
    widths: tuple[float, float] = (1.0, 3.0),
    share: tuple[float, float] = (0.01, 0.04),
) -> Mask:
    """Wandering lines a few pixels wide that cover a small, known part of the picture.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        widths: Narrowest and widest line, pixels.
        share: Smallest and largest part of the area that the lines cover.
    """
    margin = 0.1 * (share[1] - share[0])
    wanted = rng.uniform(share[0] + margin, share[1] - margin) * height * width
    curves: list[tuple[Points, Field]] = []
    drawn = 0.0
    while drawn < wanted:
        curve = _wandering(rng, height, width, widths)
        inside = _inside(curve[0], height, width)
        steps = np.hypot(*np.diff(curve[0], axis=0).T) * inside[1:]
        areas = drawn + np.cumsum(steps * np.maximum(1, np.rint(curve[1][1:])))
        length = int(np.searchsorted(areas, wanted)) + 2
        curves.append((curve[0][:length], curve[1][:length]))
        drawn = float(areas[min(length - 2, len(areas) - 1)])
    return draw_curves((height, width), curves)


def _inside(points: Points, height: int, width: int) -> Field:
    """1 for points within the picture, 0 for others."""
    x, y = points.T
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return np.asarray(inside, np.float32)


def _wandering(
    rng: np.random.Generator, height: int, width: int, widths: tuple[float, float]
) -> tuple[Points, Field]:
    """A smooth curve with its widths; it bends more on some stretches than on others."""
    side = min(height, width)
    step = max(3.0, side / 100)
    count = max(3, int(rng.uniform(0.2, 1.2) * side / step))
    knots = np.cumsum(rng.normal(0, 0.35, count // 6 + 3))
    course = np.interp(np.arange(count), 6 * np.arange(len(knots)), knots)
    angles = rng.uniform(0, 2 * np.pi) + course + rng.normal(0, 0.12, count)
    moves = step * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    start = rng.uniform(0, 1, 2) * (width, height)
    points = start + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    swelling = np.cumsum(rng.normal(0, 0.12, count + 1)) + rng.uniform(*widths)
    thickness = np.clip(swelling, *widths)
    return np.asarray(points, np.float32), np.asarray(thickness, np.float32)


def scratches(
    rng: np.random.Generator,
    height: int,
    width: int,
    bundles: tuple[int, int] = (2, 6),
    lines: tuple[int, int] = (1, 5),
    widths: tuple[float, float] = (1.0, 3.0),
) -> Mask:
    """Scratches: long, nearly straight, often broken off, some in parallel bundles.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        bundles: Fewest and most bundles; most lie in one common direction, as cleaning leaves them.
        lines: Fewest and most lines of a bundle.
        widths: Narrowest and widest line, pixels.
    """
    side = min(height, width)
    common = rng.uniform(0, np.pi)
    curves: list[tuple[Points, Field]] = []
    for _ in range(int(rng.integers(bundles[0], bundles[1] + 1))):
        angle = common + rng.normal(0, 0.12) if rng.random() < 0.6 else rng.uniform(0, np.pi)
        centre = rng.uniform(0.1, 0.9, 2) * (width, height)
        length = side * rng.uniform(0.3, 1.3)
        count = int(rng.integers(lines[0], lines[1] + 1)) if rng.random() < 0.4 else 1
        bow = rng.normal(0, 0.05)
        for _ in range(count):
            shift = rng.normal(0, 0.012 * side * (count > 1), 2) * (3, 1)
            curves.append(_scratch(rng, angle, centre + shift, length, bow, widths))
    return draw_curves((height, width), curves)


def _scratch(
    rng: np.random.Generator,
    angle: float,
    centre: NDArray[np.float64],
    length: float,
    bow: float,
    widths: tuple[float, float],
) -> tuple[Points, Field]:
    """One scratch: a shallow arc that presses harder here than there, and skips in between."""
    own = length * rng.uniform(0.6, 1.0)
    count = max(8, int(own / 4))
    along = np.linspace(-0.5, 0.5, count)
    across = bow * own * (4 * along**2 - 1) + np.cumsum(rng.normal(0, 0.12, count))
    cos, sin = np.cos(angle), np.sin(angle)
    x = centre[0] + along * own * cos - across * sin
    y = centre[1] + along * own * sin + across * cos
    pressure = np.interp(
        np.arange(count), np.linspace(0, count, 9), rng.normal(0.3, 0.8, 9)
    ) + rng.normal(0, 0.15, count)
    strongest = rng.uniform(*widths)
    ends = np.minimum(1, 12 * (0.5 - np.abs(along)) + 0.25)
    thickness = np.where(pressure > -0.25, strongest * ends * np.clip(0.6 + pressure, 0.4, 1), 0)
    thickness = np.where(thickness > 0, np.maximum(thickness, widths[0]), 0)
    points = np.stack([x, y], axis=1)
    return np.asarray(points, np.float32), np.asarray(thickness, np.float32)
