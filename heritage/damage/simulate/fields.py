"""What every kind of damage is drawn from: smooth noise, its level sets, and directions."""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
Field = NDArray[np.float32]
Points = NDArray[np.float32]


def smooth_noise(rng: np.random.Generator, height: int, width: int, scale: float) -> Field:
    """Noise of standard deviation one whose bumps are about ``scale`` pixels across, (H, W)."""
    small = max(2, round(height / scale)) + 3, max(2, round(width / scale)) + 3
    coarse = rng.standard_normal(small).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    deviation = float(cv2.meanStdDev(field)[1][0, 0])
    return np.asarray(field / np.float32(max(deviation, 1e-6)), np.float32)


def rough_noise(
    rng: np.random.Generator, height: int, width: int, scale: float, roughness: float = 0.5
) -> Field:
    """Fractal noise: bumps of ``scale`` pixels with ever smaller bumps on them, down to 2 pixels.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        scale: Size of the largest bumps in pixels.
        roughness: How much of its parent's height a bump three times smaller has; 0 is smooth,
            1 is crumbs.
    """
    field = np.zeros((height, width), np.float32)
    weight = 1.0
    while scale >= 2:
        field += np.float32(weight) * smooth_noise(rng, height, width, scale)
        scale, weight = scale / 3, weight * roughness
    return field


def highest(field: Field, share: float) -> Mask:
    """Mark the highest values of a field, so many that they make up ``share`` of its area."""
    count = int(np.clip(round(share * field.size), 0, field.size))
    if count == 0:
        return np.zeros(field.shape, np.uint8)
    level = np.partition(field, field.size - count, axis=None)[field.size - count]
    return np.asarray(field >= level, np.uint8)


def orientation(
    rng: np.random.Generator, height: int, width: int, direction: float, waviness: float
) -> Field:
    """A field of directions, as brush strokes or the grain of wood have: radians, (H, W).

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        direction: Mean angle to the x axis, radians.
        waviness: Standard deviation around it, radians.
    """
    scale = 0.6 * max(height, width)
    turned = waviness * smooth_noise(rng, height, width, scale)
    return np.asarray(direction + turned, np.float32)


def sample(field: Field, points: Points) -> Field:
    """Values of a field at points (N, 2) of x and y, those outside taken at the border: (N,)."""
    height, width = field.shape
    x = np.clip(points[:, 0], 0, width - 1).astype(np.intp)
    y = np.clip(points[:, 1], 0, height - 1).astype(np.intp)
    return np.asarray(field[y, x], np.float32)


def smoothstep(field: Field, low: float, high: float) -> Field:
    """Rise smoothly from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((field - low) / (high - low), 0, 1).astype(np.float32)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
