"""What wears or discolours a surface: abrasion, stains, foxing, tide-lines."""

import cv2
import numpy as np

from heritage.damage.simulate.fields import (
    Field,
    Mask,
    highest,
    rough_noise,
    smooth_noise,
    smoothstep,
)


def relief(rng: np.random.Generator, height: int, width: int, weave: bool) -> Field:
    """How high the surface stands, about 0 with deviation 1, (H, W): what sticks out wears first.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        weave: Threads of a canvas; otherwise the grain of paper or plaster.
    """
    fine = smooth_noise(rng, height, width, 2.5) + 0.6 * smooth_noise(rng, height, width, 7)
    if not weave:
        return np.asarray(fine / 1.17, np.float32)
    pitch = rng.uniform(3.2, 6)
    y = np.arange(height, dtype=np.float32)[:, None]
    x = np.arange(width, dtype=np.float32)[None]
    bow_x, bow_y = (1.6 * smooth_noise(rng, height, width, 30) for _ in range(2))
    turn = np.float32(2 * np.pi / pitch)
    threads = np.sin((x + bow_x) * turn) * np.sin((y + bow_y) * turn)
    strength = 0.9 + 0.45 * smooth_noise(rng, height, width, 12)  # no thread is like the next
    return np.asarray(strength * threads + 0.75 * fine, np.float32)


def abrasion(
    rng: np.random.Generator,
    height: int,
    width: int,
    share: tuple[float, float] = (0.02, 0.12),
    weave: bool | None = None,
) -> Mask:
    """Worn patches: the paint is gone from the raised grain and still there in between.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        share: Smallest and largest part of the area that is worn away.
        weave: Whether the grain is that of a canvas; random unless given.
    """
    weave = bool(rng.random() < 0.5) if weave is None else weave
    patches = rough_noise(rng, height, width, rng.uniform(0.25, 0.7) * min(height, width), 0.4)
    field = 1.6 * patches + relief(rng, height, width, weave)
    return highest(field, rng.uniform(*share))


def drops(
    rng: np.random.Generator, height: int, width: int, count: int, size: tuple[float, float]
) -> Mask:
    """Areas that a liquid has wetted: round in the main, with lobes, soaking along the grain.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        count: Of drops.
        size: Smallest and largest radius, as a part of the shorter side.
    """
    mask = np.zeros((height, width), np.uint8)
    turns = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    for _ in range(count):
        radius = rng.uniform(*size) * min(height, width)
        centre = rng.uniform(0, 1, 2) * (width, height)
        radii = np.ones(128)
        for wave in range(2, 15):
            lobes = 0.45 / wave**1.75 * rng.normal()
            radii += lobes * np.cos(wave * turns + rng.uniform(0, 2 * np.pi))
        stretch = rng.uniform(0.75, 1.35)
        x = centre[0] + radius * radii * np.cos(turns) * stretch
        y = centre[1] + radius * radii * np.sin(turns) / stretch
        outline = np.stack([x, y], axis=1).round().astype(np.int32)
        cv2.fillPoly(mask, [outline], 1)
    return mask


def stains(rng: np.random.Generator, height: int, width: int) -> Mask:
    """One to five stains, a thirtieth to a seventh of the shorter side in radius."""
    mask = drops(rng, height, width, int(rng.integers(1, 6)), (0.035, 0.15))
    return mask if mask.any() else _dot(mask)


def foxing_spots(
    rng: np.random.Generator, height: int, width: int, count: tuple[int, int] = (20, 120)
) -> Field:
    """How strongly foxed every pixel is, 0 to 1, (H, W): spots with a dark core, in clusters.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        count: Fewest and most spots at 512 x 512 pixels; smaller pictures have fewer.
    """
    field = np.zeros((height, width), np.float32)
    density = height * width / 512**2
    spots = max(2, round(density * rng.uniform(*count)))
    clusters = rng.uniform(0, 1, (max(1, spots // 12), 2)) * (width, height)
    for _ in range(spots):
        radius = float(np.clip(np.exp(rng.normal(1.15, 0.55)), 1.0, 14.0))
        x, y = rng.uniform(0, 1, 2) * (width, height)
        if rng.random() < 0.6:
            x, y = clusters[int(rng.integers(len(clusters)))] + rng.normal(0, 30, 2)
        _add_spot(field, x, y, radius, rng.uniform(0.45, 1.1), rng.uniform(0.75, 1.3))
    wobble = 1 + 0.25 * smooth_noise(rng, height, width, 4)
    return np.asarray(np.clip(field * wobble, 0, 1), np.float32)


def _add_spot(
    field: Field, x: float, y: float, radius: float, strength: float, stretch: float
) -> None:
    """Add one soft round spot in place."""
    reach = int(np.ceil(2.6 * radius))
    top, left = max(0, int(y) - reach), max(0, int(x) - reach)
    part = field[top : max(0, int(y) + reach + 1), left : max(0, int(x) + reach + 1)]
    if not part.size:
        return
    rows = (np.arange(top, top + part.shape[0], dtype=np.float32)[:, None] - y) / radius * stretch
    columns = (np.arange(left, left + part.shape[1], dtype=np.float32)[None] - x) / radius / stretch
    part += strength * np.exp(-0.9 * (rows**2 + columns**2))


def foxing(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Small rust-brown spots as mould and iron leave them in paper."""
    mask = np.asarray(foxing_spots(rng, height, width) > 0.22, np.uint8)
    return mask if mask.any() else _dot(mask)


def wetting(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Where water came in: from one side of the sheet, or in a large drop."""
    if rng.random() < 0.3:
        return drops(rng, height, width, int(rng.integers(1, 3)), (0.2, 0.45))
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None]
    side = (y, 1 - y, x, 1 - x)[int(rng.integers(4))]
    shore = 0.06 * rough_noise(rng, height, width, 0.35 * min(height, width), 0.35)
    wet: Mask = np.asarray(side + shore < rng.uniform(0.15, 0.6), np.uint8)
    return wet


def rims(wet: Mask, breadth: float) -> Field:
    """How dark the rim of a dried liquid is, 0 to 1, (H, W): sharp outside, fading inwards.

    Args:
        wet: Where it was wet.
        breadth: Of the rim in pixels.
    """
    inward = cv2.distanceTransform(np.pad(wet, 1, mode="edge"), cv2.DIST_L2, 5)[1:-1, 1:-1]
    return np.asarray(np.exp(-inward / np.float32(breadth)) * (wet > 0), np.float32)


def tide_lines(rng: np.random.Generator, height: int, width: int) -> Mask:
    """The dark seams that water leaves where it stopped and dried, one to three in each other."""
    mask = np.zeros((height, width), np.uint8)
    faded = smoothstep(smooth_noise(rng, height, width, 0.3 * min(height, width)), -1.8, -0.6)
    for _ in range(int(rng.integers(1, 4))):
        rim = rims(wetting(rng, height, width), rng.uniform(1.5, 6))
        mask |= np.asarray(rim * faded > 0.35, np.uint8)
    return mask if mask.any() else _dot(mask)


def _dot(mask: Mask) -> Mask:
    """One small spot in the middle, for the rare draw that fell outside the picture."""
    height, width = mask.shape
    cv2.circle(mask, (width // 2, height // 2), max(1, min(height, width) // 40), 1, -1)
    return mask
