"""Losses: lacunae with ragged edges, flakes that break off along cracks, and missing parts."""

import cv2
import numpy as np

from heritage.damage.simulate.cracks import Craquelure, network
from heritage.damage.simulate.fields import (
    Field,
    Mask,
    highest,
    rough_noise,
    sample,
    smooth_noise,
)


def loss_field(rng: np.random.Generator, height: int, width: int, scale: float) -> Field:
    """How weakly the paint holds on, (H, W): the highest values fall off first.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        scale: Size of the largest losses in pixels.
    """
    field = rough_noise(rng, height, width, scale, roughness=float(rng.uniform(0.4, 0.62)))
    # Some stretches of an edge are ragged, others are clean breaks.
    crumbling = np.clip(0.05 + 0.07 * smooth_noise(rng, height, width, scale / 2), 0, 0.25)
    return np.asarray(field + crumbling * smooth_noise(rng, height, width, 4), np.float32)


def losses(
    rng: np.random.Generator,
    height: int,
    width: int,
    share: tuple[float, float] = (0.1, 0.3),
    scale: tuple[float, float] = (0.1, 0.4),
) -> Mask:
    """Irregular losses with ragged edges, and crumbs around them.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        share: Smallest and largest part of the area that is lost.
        scale: Smallest and largest size of the largest losses, as a part of the shorter side.
    """
    size = rng.uniform(*scale) * min(height, width)
    return highest(loss_field(rng, height, width, size), rng.uniform(*share))


def large_losses(rng: np.random.Generator, height: int, width: int) -> Mask:
    """As ``losses``, but 30 to 50 % of the area."""
    return losses(rng, height, width, (0.3, 0.5), (0.3, 0.8))


def flaking(
    rng: np.random.Generator,
    height: int,
    width: int,
    share: tuple[float, float] = (0.02, 0.15),
    cell: float | None = None,
) -> Mask:
    """Flakes that broke off along cracks: chips at the edges of cracks, here and there a whole one.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        share: Smallest and largest part of the area that is lost.
        cell: Typical size of a flake in pixels; random from 18 to 50 unless given.
    """
    cell = float(rng.uniform(18, 50)) if cell is None else cell
    like = Craquelure("net", cell, width=1.2, connected=2.0, spurs=0)  # closed: every piece is one
    cracks = network(rng, height, width, like).draw(height, width)
    return flakes(rng, cracks, cell, rng.uniform(*share))


def flakes(rng: np.random.Generator, cracks: Mask, cell: float, share: float) -> Mask:
    """What breaks off a cracked layer.

    Args:
        rng: Source of randomness.
        cracks: The cracks (H, W), not empty.
        cell: Typical size of a piece, pixels.
        share: Part of the area that is lost.
    """
    height, width = cracks.shape
    count, pieces, _, centres = cv2.connectedComponentsWithStats(1 - cracks, connectivity=4)
    distance = cv2.distanceTransform(1 - cracks, cv2.DIST_L2, 3)
    weakness = smooth_noise(rng, height, width, 5 * cell)
    off = sample(weakness, centres.astype(np.float32)) + rng.normal(0, 0.5, count) > 1.5
    off[0] = False  # the cracks themselves
    field = weakness + 0.6 * rough_noise(rng, height, width, 0.8 * cell, 0.5) - 4 * distance / cell
    field += 4 * cv2.blur(off.astype(np.float32)[pieces], (3, 3))
    return highest(field, share)


def rectangle(rng: np.random.Generator, height: int, width: int) -> Mask:
    """One rectangular loss, a fifth to a half of each side."""
    mask = np.zeros((height, width), np.uint8)
    h, w = (int(side * rng.uniform(0.2, 0.5)) for side in (height, width))
    y, x = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
    mask[y : y + h, x : x + w] = 1
    return mask


def half(rng: np.random.Generator, height: int, width: int) -> Mask:
    """One half missing: the left, the right, the upper or the lower one."""
    mask = np.zeros((height, width), np.uint8)
    side = int(rng.integers(4))
    turned = np.rot90(mask, side)
    turned[: (turned.shape[0] + 1) // 2] = 1
    return mask
