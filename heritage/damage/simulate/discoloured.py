"""What discolours a surface, as it looks: stains, foxing, tide-lines, dirt, burns, stray light."""

import cv2
import numpy as np

from heritage.damage.classes import DamageClass
from heritage.damage.simulate.fields import rough_noise, smooth_noise, smoothstep
from heritage.damage.simulate.grounds import Picture
from heritage.damage.simulate.layers import Layer, Scene, hidden, over, soft, tinted
from heritage.damage.simulate.surfaces import drops, foxing_spots, rims, wetting

_STAINS = (
    (0.62, 0.44, 0.24),  # tea, coffee, glue
    (0.72, 0.58, 0.33),  # oil
    (0.45, 0.38, 0.34),  # soot in water
    (0.55, 0.24, 0.28),  # wine
    (0.30, 0.31, 0.42),  # ink
    (0.55, 0.55, 0.35),  # mould
)


def stained(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Stains that one sees through, darker at the rim, where the liquid dried last."""
    height, width = picture.shape[:2]
    wet = drops(rng, height, width, int(rng.integers(1, 5)), (0.025, 0.16))
    tint = _STAINS[int(rng.integers(len(_STAINS)))]
    cloud = np.clip(1 + 0.3 * rough_noise(rng, height, width, 40, 0.5), 0.3, 1.7)
    body = soft(wet, 1.2) * cloud * np.float32(rng.uniform(0.12, 0.5))
    rim = soft(wet, 0.8) * rims(wet, rng.uniform(1.5, 5)) * np.float32(rng.uniform(0.15, 0.6))
    amount = body + rim * np.clip(1 + 0.35 * smooth_noise(rng, height, width, 18), 0.2, 1.6)
    return Layer(tinted(picture, tint, amount), hidden(tint, amount), DamageClass.STAINING)


def foxed(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Rust-brown spots with soft edges and a dark core."""
    height, width = picture.shape[:2]
    tint = (0.62, 0.36, 0.18)
    amount = foxing_spots(rng, height, width, (40, 220)) * np.float32(rng.uniform(0.75, 1.0))
    return Layer(tinted(picture, tint, amount), hidden(tint, amount), DamageClass.STAINING)


def tide_marked(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Water damage: a brown seam where it stopped, and a slightly darker field behind it."""
    height, width = picture.shape[:2]
    tint = (0.66, 0.50, 0.30)
    amount = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 3))):
        wet = wetting(rng, height, width)
        seam = rims(wet, rng.uniform(1.2, 3.5)) + 0.35 * rims(wet, rng.uniform(8, 30))
        strength = smoothstep(smooth_noise(rng, height, width, 0.25 * min(height, width)), -2, 0.5)
        amount += soft(wet, 0.7) * (0.07 + rng.uniform(0.3, 0.75) * seam * strength)
    return Layer(tinted(picture, tint, amount), hidden(tint, amount), DamageClass.STAINING)


def dirty(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Grime in patches, and the droppings of flies."""
    height, width = picture.shape[:2]
    grime = smoothstep(rough_noise(rng, height, width, 0.3 * min(height, width), 0.55), 0.6, 3.0)
    tint = (0.42, 0.37, 0.31)
    amount = grime * np.float32(rng.uniform(0.2, 0.7))
    specks = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(0, 25))):
        centre = int(rng.integers(width)), int(rng.integers(height))
        cv2.circle(specks, centre, int(rng.integers(1, 3)), 1, -1)
    cover = 0.85 * soft(specks, 0.7)
    done = over(tinted(picture, tint, amount), np.array([0.13, 0.10, 0.08], np.float32), cover)
    lost = hidden(tint, amount) | np.asarray(cover > 0.3, np.uint8)
    return Layer(done, lost, DamageClass.DIRT)


def burnt(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Burn marks: charred in the middle, scorched brown around."""
    height, width = picture.shape[:2]
    mark = drops(rng, height, width, int(rng.integers(1, 3)), (0.02, 0.07))
    outward = cv2.distanceTransform(1 - mark, cv2.DIST_L2, 5)
    reach = rng.uniform(0.03, 0.08) * min(height, width)
    ragged = np.clip(1 + 0.25 * smooth_noise(rng, height, width, 14), 0.4, 1.8)
    scorch = np.exp(-outward / np.float32(reach) * ragged) * np.float32(mark.any())
    tint = (0.42, 0.24, 0.12)
    char = np.array([0.07, 0.055, 0.05], np.float32) + 0.02 * rng.standard_normal(
        (height, width, 1)
    ).astype(np.float32)
    done = over(tinted(picture, tint, 1.1 * scorch - 0.05), char, 0.93 * soft(mark, 1.6))
    return Layer(done, hidden(tint, scorch) | mark, DamageClass.BURN_MARK)


def leaked(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Stray light on the film: a warm glow from one edge. It hides little, so little is lost."""
    height, width = picture.shape[:2]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None]
    edge, run = ((y, x), (1 - y, x), (x, y), (1 - x, y))[int(rng.integers(4))]
    place, breadth = rng.uniform(0.1, 0.9), rng.uniform(0.06, 0.3)
    glow = np.exp(-edge / rng.uniform(0.05, 0.2)) * np.exp(-(((run - place) / breadth) ** 2))
    glow = np.asarray(glow * rng.uniform(0.6, 1.3), np.float32)
    warm = np.array([1.0, 0.72, 0.36], np.float32)
    done = 1 - (1 - picture) * (1 - np.clip(glow, 0, 1)[..., None] * warm)
    return Layer(
        np.asarray(done, np.float32), np.asarray(glow > 0.8, np.uint8), DamageClass.LIGHTLEAK
    )
