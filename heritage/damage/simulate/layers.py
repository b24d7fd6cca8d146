"""How one kind of damage lies over a picture: what it looks like, and what it takes away."""

from dataclasses import dataclass

import cv2
import numpy as np

from heritage.damage.classes import DamageClass
from heritage.damage.simulate.fields import Field, Mask
from heritage.damage.simulate.grounds import GROUNDS, Picture


@dataclass(frozen=True)
class Scene:
    """What all damage of one picture has in common.

    Attributes:
        ground: Name of what lies under the paint (``grounds.GROUNDS``).
        paper: Whether the object is a sheet, so that a hole in it shows what lies behind.
        photograph: Whether it is a photograph, whose scratches are pale.
        light: Unit vector towards the light, x and y; raking light from the upper left is usual.
    """

    ground: str
    paper: bool
    photograph: bool
    light: tuple[float, float]

    def under(self, rng: np.random.Generator, height: int, width: int) -> Picture:
        """What shows where the paint has gone, float32 (H, W, 3) in 0..1."""
        return GROUNDS[self.ground].lay(rng, height, width)


@dataclass(frozen=True)
class Layer:
    """A picture with one more kind of damage.

    Attributes:
        picture: float32 (H, W, 3) in 0..1.
        lost: Where what was depicted is gone or hidden, uint8 (H, W).
        kind: Of the damage.
    """

    picture: Picture
    lost: Mask
    kind: DamageClass


def over(picture: Picture, colour: Picture | Field, opacity: Field) -> Picture:
    """Lay a colour, (H, W, 3) or (3,), over a picture with an opacity (H, W) of 0 to 1."""
    cover = np.clip(opacity, 0, 1)[..., None]
    return np.asarray(np.clip(picture + cover * (colour - picture), 0, 1), np.float32)


def tinted(picture: Picture, tint: tuple[float, float, float], amount: Field) -> Picture:
    """See a picture through a stain that lets ``tint`` of the light through where it is full."""
    passing = 1 - np.clip(amount, 0, 1)[..., None] * (1 - np.array(tint, np.float32))
    return np.asarray(picture * passing, np.float32)


def hidden(tint: tuple[float, float, float], amount: Field) -> Mask:
    """Where a stain swallows more than half of the light in any colour."""
    return np.asarray(np.clip(amount, 0, 1) * (1 - min(tint)) > 0.5, np.uint8)


def slopes(height_map: Field, light: tuple[float, float]) -> Field:
    """How much brighter a relief is for its slopes, (H, W): light comes from the side.

    Args:
        height_map: Depth of a recess, larger is deeper; of any unit.
        light: Unit vector towards the light, x and y.
    """
    x = cv2.Sobel(height_map, cv2.CV_32F, 1, 0, ksize=3, scale=0.25)
    y = cv2.Sobel(height_map, cv2.CV_32F, 0, 1, ksize=3, scale=0.25)
    return np.asarray(light[0] * x + light[1] * y, np.float32)


def soft(mask: Mask, radius: float = 0.6) -> Field:
    """A mask with the soft edges that a lens gives it, float32 (H, W)."""
    return blurred(mask.astype(np.float32), radius)


def blurred(field: Field, radius: float) -> Field:
    """A field as a lens that is out of focus by ``radius`` pixels sees it."""
    return np.asarray(cv2.GaussianBlur(field, (0, 0), radius), np.float32)


def reveal(picture: Picture, under: Picture, mask: Mask, scene: Scene, depth: float) -> Picture:
    """Take the paint away inside a mask: the layer below shows, its edges shadowed and lit.

    Args:
        picture: (H, W, 3).
        under: What lies below, (H, W, 3).
        mask: Where the paint is gone.
        scene: Its light.
        depth: Thickness of the paint: 0.1 is thin as on a wall, 0.6 is impasto.
    """
    cover = soft(mask)
    edge = depth * slopes(soft(mask, 1.1), scene.light)
    edge *= np.where(edge < 0, 1.6, 0.8)  # a shadow is deeper than a glint is bright
    return np.asarray(np.clip(over(picture, under, cover) + edge[..., None], 0, 1), np.float32)
