"""Masks that look like damage, from a seed.

Every function takes a NumPy random generator and a size, and returns a uint8 mask (H, W) with 1
where the picture is lost. The same seed gives the same mask on every machine.
"""

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
Family = Callable[[np.random.Generator, int, int], Mask]


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


def hairlines(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Cracks and scratches one to four pixels wide."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(4, 20))):
        _stroke(rng, mask, (1, rng.uniform(1.1, 4.0)), (3, 16))
    return mask


def losses(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Flaked areas with ragged edges: noise of two scales, cut where it is high."""
    share = rng.uniform(0.05, 0.35)
    coarse = cv2.GaussianBlur(
        rng.standard_normal((height, width)).astype(np.float32), (0, 0), min(height, width) / 14
    )
    fine = cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), 2.0)
    field = coarse / coarse.std() + 0.15 * fine / fine.std()
    return np.asarray(field > np.quantile(field, 1 - share), np.uint8)


def _smooth_noise(
    rng: np.random.Generator, height: int, width: int, scale: float
) -> NDArray[np.float32]:
    """Noise of standard deviation one whose bumps are about ``scale`` pixels across."""
    small = max(2, round(height / scale)) + 3, max(2, round(width / scale)) + 3
    coarse = rng.standard_normal(small).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field / max(float(field.std()), 1e-6), np.float32)


def craquelure(
    rng: np.random.Generator, height: int, width: int, cell: float | None = None
) -> Mask:
    """A network of age cracks: bent borders of irregular cells, tapering and broken off.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        cell: Typical distance between cracks in pixels; random from 20 to 70 unless given.
    """
    cell = float(rng.uniform(20, 70)) if cell is None else cell
    seeds = np.ones((height, width), np.uint8)
    rows, columns = np.mgrid[0 : height + cell : cell, 0 : width + cell : cell]
    y = np.clip(rows + rng.uniform(-0.6, 0.6, rows.shape) * cell, 0, height - 1).astype(int)
    x = np.clip(columns + rng.uniform(-0.6, 0.6, rows.shape) * cell, 0, width - 1).astype(int)
    seeds[y.ravel(), x.ravel()] = 0
    _, cells = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    bend_y, bend_x = (_smooth_noise(rng, height, width, cell * 0.6) * cell * 0.12 for _ in range(2))
    grid_y, grid_x = np.mgrid[0:height, 0:width].astype(np.float32)
    cells = cv2.remap(
        cells.astype(np.float32), grid_x + bend_x, grid_y + bend_y, cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    crack = np.zeros((height, width), np.uint8)
    crack[:, 1:] |= cells[:, 1:] != cells[:, :-1]
    crack[1:] |= cells[1:] != cells[:-1]
    strength = _smooth_noise(rng, height, width, cell * 1.5)
    thin = crack & (strength > -0.4)
    thick = cv2.dilate(crack & (strength > 0.9), np.ones((3, 3), np.uint8))
    return np.asarray(np.maximum(thin, thick), np.uint8)


def rectangle(rng: np.random.Generator, height: int, width: int) -> Mask:
    """One rectangular loss, a fifth to a half of each side."""
    mask = np.zeros((height, width), np.uint8)
    h, w = (int(side * rng.uniform(0.2, 0.5)) for side in (height, width))
    y, x = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
    mask[y : y + h, x : x + w] = 1
    return mask


FAMILIES: Mapping[str, Family] = {
    "thick": thick_strokes,
    "medium": medium_strokes,
    "hairlines": hairlines,
    "losses": losses,
    "craquelure": craquelure,
    "rectangle": rectangle,
}


def from_real(rng: np.random.Generator, height: int, width: int, real: Sequence[Mask]) -> Mask:
    """A random cut of a real mask, turned, mirrored and enlarged one to two times."""
    source = np.rot90(real[int(rng.integers(len(real)))], int(rng.integers(4)))
    if rng.random() < 0.5:
        source = source[:, ::-1]
    repeats = -(-max(height, width) // min(source.shape))
    if repeats > 1:
        source = np.pad(source, [(0, s * (repeats - 1)) for s in source.shape], mode="reflect")
    zoom = rng.uniform(1.0, 2.0)
    h, w = max(1, round(height / zoom)), max(1, round(width / zoom))
    y = int(rng.integers(0, source.shape[0] - h + 1))
    x = int(rng.integers(0, source.shape[1] - w + 1))
    cut = np.ascontiguousarray(source[y : y + h, x : x + w]).astype(np.float32)
    scaled = cv2.resize(cut, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(scaled > 0.5, np.uint8)


def simulate(
    rng: np.random.Generator,
    height: int,
    width: int,
    mix: Mapping[str, float],
    real: Sequence[Mask] = (),
) -> Mask:
    """A mask of a family drawn from ``mix``; never empty, never everything.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        mix: Weight of each family of ``FAMILIES``, and of ``real`` where real masks are given.
        real: Real masks for the family ``real``.

    Raises:
        KeyError: If a family is unknown.
    """
    names = [name for name in mix if mix[name] > 0 and (name != "real" or real)]
    weights = np.array([mix[name] for name in names])
    while True:
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        if name == "real":
            mask = from_real(rng, height, width, real)
        else:
            mask = FAMILIES[name](rng, height, width)
        if 0 < mask.mean() < 0.7:
            return mask
