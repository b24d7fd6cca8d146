"""What shows where the paint is gone, and what the object is made of."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.damage.simulate.fields import Field, smooth_noise
from heritage.damage.simulate.surfaces import relief

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Ground:
    """A layer under the paint; colours are sRGB from 0 to 1.

    Attributes:
        colour: Typical red, green and blue.
        spread: Standard deviation of its lightness from object to object.
        texture: ``smooth``, ``weave``, ``grain`` (of wood), ``fibre`` or ``crumb``.
        contrast: Standard deviation of the texture.
        mottle: Standard deviation of the slow changes across the object.
    """

    colour: tuple[float, float, float]
    spread: float
    texture: str
    contrast: float
    mottle: float

    def lay(self, rng: np.random.Generator, height: int, width: int) -> Picture:
        """Paint a surface of it: float32 (H, W, 3) in 0..1."""
        base = np.array(self.colour) + rng.normal(0, self.spread) + rng.normal(0, 0.008, 3)
        shade = self.contrast * _texture(rng, height, width, self.texture)
        shade += self.mottle * smooth_noise(rng, height, width, 0.15 * min(height, width))
        warmth = self.mottle * 0.2 * smooth_noise(rng, height, width, 0.08 * min(height, width))
        laid = base.astype(np.float32) * (1 + shade[..., None])
        laid[..., 0] += warmth
        laid[..., 2] -= warmth
        return np.asarray(np.clip(laid, 0, 1), np.float32)


def _texture(rng: np.random.Generator, height: int, width: int, kind: str) -> Field:
    """A texture of mean 0 and deviation 1."""
    if kind == "weave":
        return relief(rng, height, width, weave=True)
    if kind == "grain":
        fine = smooth_noise(rng, height // 24 + 2, width, 2.2)
        broad = smooth_noise(rng, height // 60 + 2, width, 9)
        long = cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR)
        wide = cv2.resize(broad, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray((long + wide) / 1.4, np.float32)
    fine = rng.standard_normal((height, width)).astype(np.float32)
    if kind == "smooth":
        return np.asarray(0.5 * fine + 0.8 * smooth_noise(rng, height, width, 3), np.float32)
    if kind == "fibre":
        across = smooth_noise(rng, height, width // 5 + 2, 2)
        fibres = cv2.resize(across, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(0.4 * fine + 0.8 * fibres, np.float32)
    pits = smooth_noise(rng, height, width, 3.5)
    pits = np.where(pits < -1.7, 2.2 * pits, 0.5 * pits)  # holes of sand grains and chopped straw
    coarse = 0.5 * smooth_noise(rng, height, width, 10)
    return np.asarray(0.45 * fine + 0.7 * pits + coarse, np.float32)


GROUNDS: Mapping[str, Ground] = {
    "chalk": Ground((0.84, 0.79, 0.69), 0.05, "smooth", 0.025, 0.035),
    "bole": Ground((0.53, 0.31, 0.21), 0.04, "smooth", 0.035, 0.06),
    "grey": Ground((0.60, 0.57, 0.51), 0.06, "smooth", 0.03, 0.05),
    "canvas": Ground((0.58, 0.49, 0.37), 0.06, "weave", 0.11, 0.05),
    "wood": Ground((0.45, 0.31, 0.20), 0.05, "grain", 0.10, 0.06),
    "lime": Ground((0.84, 0.81, 0.76), 0.04, "crumb", 0.035, 0.04),
    "clay": Ground((0.74, 0.58, 0.43), 0.05, "crumb", 0.055, 0.07),
    "paper": Ground((0.88, 0.83, 0.73), 0.04, "fibre", 0.014, 0.02),
    "parchment": Ground((0.85, 0.78, 0.63), 0.04, "smooth", 0.018, 0.05),
    "baryta": Ground((0.91, 0.88, 0.81), 0.03, "fibre", 0.014, 0.015),
}


@dataclass(frozen=True)
class Material:
    """What an object is made of, and the damage that such objects have.

    Attributes:
        grounds: Names of ``GROUNDS`` that can show.
        mix: Chance, from 0 to 1, of each kind of damage in one picture.
    """

    grounds: tuple[str, ...]
    mix: Mapping[str, float]


MATERIALS: Mapping[str, Material] = {
    "canvas": Material(
        ("chalk", "bole", "grey", "canvas"),
        {
            "cracks": 0.8, "losses": 0.45, "flaking": 0.35, "abrasion": 0.3, "scratches": 0.25,
            "stains": 0.08, "punctures": 0.08, "dirt": 0.2, "yellowing": 0.4, "tears": 0.06,
            "stickers": 0.04,
        },
    ),
    "panel": Material(
        ("chalk", "chalk", "wood"),
        {
            "cracks": 0.85, "losses": 0.4, "flaking": 0.45, "abrasion": 0.25, "scratches": 0.2,
            "punctures": 0.25, "dirt": 0.2, "burns": 0.06, "yellowing": 0.45,
        },
    ),
    "wall": Material(
        ("lime", "clay", "clay"),
        {
            "losses": 0.8, "flaking": 0.45, "abrasion": 0.6, "cracks": 0.3, "scratches": 0.3,
            "tide-lines": 0.15, "dirt": 0.35, "fading": 0.4, "writing": 0.06,
        },
    ),
    "paper": Material(
        ("paper", "paper", "parchment"),
        {
            "foxing": 0.4, "stains": 0.4, "tide-lines": 0.35, "folds": 0.4, "tears": 0.25,
            "abrasion": 0.25, "losses": 0.1, "punctures": 0.15, "fading": 0.35, "yellowing": 0.4,
            "writing": 0.12, "stamps": 0.12, "stickers": 0.05, "burns": 0.05, "dirt": 0.2,
        },
    ),
    "photograph": Material(
        ("baryta",),
        {
            "scratches": 0.6, "folds": 0.45, "dust": 0.5, "hairs": 0.25, "tears": 0.2,
            "stains": 0.25, "losses": 0.25, "fading": 0.45, "yellowing": 0.4, "cracks": 0.12,
            "light-leaks": 0.1, "writing": 0.06, "stickers": 0.05, "foxing": 0.1, "punctures": 0.06,
        },
    ),
}  # fmt: skip
