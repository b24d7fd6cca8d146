"""Folds, with the paint worn off along them, and tears from an edge."""

from dataclasses import dataclass

import cv2
import numpy as np

from heritage.damage.simulate.fields import Field, Mask, Points, smooth_noise
from heritage.damage.simulate.lines import draw_curves


@dataclass(frozen=True)
class Fold:
    """A straight crease across the whole picture.

    Attributes:
        x: Of a point on it, pixels.
        y: Of the same point, pixels.
        angle: Of the crease to the x axis, radians.
        worn: Greatest breadth that is worn off, pixels.
    """

    x: float
    y: float
    angle: float
    worn: float

    def distance(self, height: int, width: int) -> Field:
        """Signed distance of every pixel to the crease in pixels, (H, W)."""
        rows = np.arange(height, dtype=np.float32)[:, None] - np.float32(self.y)
        columns = np.arange(width, dtype=np.float32)[None] - np.float32(self.x)
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        return np.asarray(rows * cos - columns * sin, np.float32)

    @staticmethod
    def draw(rng: np.random.Generator, height: int, width: int) -> "Fold":
        """A crease as they occur: mostly along a side, sometimes across a corner."""
        x, y = rng.uniform(0.15, 0.85, 2) * (width, height)
        upright = rng.random() < 0.5
        tilt = rng.normal(0, 0.03) if rng.random() < 0.7 else rng.uniform(-0.9, 0.9)
        worn = float(np.exp(rng.uniform(np.log(1.5), np.log(8)))) * min(1.0, height / 256)
        return Fold(float(x), float(y), (np.pi / 2 if upright else 0) + tilt, max(1.2, worn))


def worn_along(rng: np.random.Generator, height: int, width: int, fold: Fold) -> Mask:
    """Where the paint has gone along a crease: a broken, ragged band."""
    distance = fold.distance(height, width)
    wear = 0.55 + 0.5 * smooth_noise(rng, height, width, 0.12 * min(height, width))
    ragged = 0.35 * smooth_noise(rng, height, width, 3)
    near = np.abs(distance + 0.4 * smooth_noise(rng, height, width, 12))
    return np.asarray(near < 0.5 * fold.worn * (wear + ragged), np.uint8)


def folds(rng: np.random.Generator, height: int, width: int) -> Mask:
    """One to three creases with worn paint along them."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        mask |= worn_along(rng, height, width, Fold.draw(rng, height, width))
    return mask


def tear(
    rng: np.random.Generator, height: int, width: int, length: float, gape: float
) -> tuple[Mask, Points]:
    """One ragged tear from an edge: its mask, and the line it follows, (N, 2) of x and y.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        length: Pixels.
        gape: How far it gapes at the edge, pixels; it closes towards its end.
    """
    side = int(rng.integers(4))
    place = rng.uniform(0.1, 0.9)
    start = np.array([(place, 0.0), (1.0, place), (place, 1.0), (0.0, place)][side])
    inward = (np.pi / 2, np.pi, -np.pi / 2, 0.0)[side] + rng.normal(0, 0.35)
    step = 2.5
    count = max(6, int(length / step))
    # Paper tears along its fibres for a while, then turns.
    turns = np.interp(np.arange(count), np.linspace(0, count, 7), rng.normal(0, 0.45, 7))
    angles = inward + turns + rng.normal(0, 0.4, count)
    moves = step * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    line = start * (width, height) + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    opening = gape * (1 - np.linspace(0, 1, count + 1)) ** 0.8
    normal = np.array([-np.sin(inward), np.cos(inward)])
    ragged = np.cumsum(rng.normal(0, 0.16, (2, count + 1)), axis=1)
    ragged = (ragged - 0.8 * ragged.mean(axis=1, keepdims=True)) * np.minimum(opening / 2, 2)
    left = line + normal * (opening / 2 + ragged[0])[:, None]
    right = line - normal * (opening / 2 + ragged[1])[:, None]
    points = np.asarray(line, np.float32)
    mask = draw_curves((height, width), [(points, np.ones(count + 1, np.float32))])
    outline = np.concatenate([left, right[::-1]]).round().astype(np.int32)
    cv2.fillPoly(mask, [outline], 1)
    return mask, points


def tears(rng: np.random.Generator, height: int, width: int) -> Mask:
    """One to three ragged tears from the edges, a seventh to a half of the shorter side long."""
    side = min(height, width)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        length, gape = rng.uniform(0.15, 0.5) * side, rng.uniform(0.01, 0.06) * side
        mask |= tear(rng, height, width, length, gape)[0]
    return mask
