"""Damage a picture as age does it, and know exactly where: a truth for restoration and detection.

damaged = render(np.random.default_rng(7), picture, material="wall")
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from heritage.damage.classes import DamageClass
from heritage.damage.simulate import broken, discoloured, foreign, sheets
from heritage.damage.simulate.ageing import fade, yellow
from heritage.damage.simulate.fields import Field, Mask
from heritage.damage.simulate.grounds import GROUNDS, MATERIALS, Picture
from heritage.damage.simulate.layers import Layer, Scene
from heritage.errors import HeritageError

Appearance = Callable[[np.random.Generator, Picture, Scene], Layer]

APPEARANCES: Mapping[str, Appearance] = {
    "cracks": broken.cracked,
    "abrasion": broken.abraded,
    "losses": broken.lost,
    "flaking": broken.flaked,
    "stains": discoloured.stained,
    "tide-lines": discoloured.tide_marked,
    "foxing": discoloured.foxed,
    "dirt": discoloured.dirty,
    "light-leaks": discoloured.leaked,
    "folds": sheets.folded,
    "scratches": broken.scratched,
    "burns": discoloured.burnt,
    "writing": foreign.written,
    "stamps": foreign.stamped,
    "punctures": sheets.pierced,
    "tears": sheets.torn,
    "stickers": foreign.taped,
    "dust": foreign.dusty,
    "hairs": foreign.hairy,
}
"""Local damage by name, in the order in which one lies over the other."""

AGEING = ("fading", "yellowing")
_FAINT = 2.5 / 255  # what changes a pixel by less nobody sees
_LACUNA = 0.01  # a loss of more than this part of the picture is one
_AGED = 0.25


@dataclass(frozen=True)
class Damaged:
    """A damaged picture; the truth is the picture it was made from.

    Attributes:
        picture: float32 (H, W, 3) in 0..1.
        mask: Where what was depicted is gone or hidden and has to be filled, uint8 (H, W) of 0, 1.
        classes: ``DamageClass`` of every pixel, uint8 (H, W). It marks more than the mask: stains,
            shaded folds and fading that one can see through are in it, but not in the mask.
    """

    picture: Picture
    mask: Mask
    classes: Mask


def render(
    rng: np.random.Generator,
    picture: Picture,
    mix: Mapping[str, float] | None = None,
    material: str | None = None,
) -> Damaged:
    """Damage a picture.

    Args:
        rng: Source of randomness.
        picture: The truth, float32 (H, W, 3) in 0..1, at least 32 pixels a side.
        mix: Chance, from 0 to 1, of each damage of ``APPEARANCES`` and ``AGEING``; at least one
            happens. That of the material unless given.
        material: Key of ``MATERIALS``: what shows under the paint, and what is usual; random
            unless given.

    Raises:
        HeritageError: If the picture, the material or a name in the mix is not what it should be.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or min(picture.shape[:2]) < 32:
        raise HeritageError(
            f"a picture of shape {picture.shape} is not (H, W, 3) from 32 pixels on"
        )
    name = str(rng.choice(list(MATERIALS))) if material is None else material
    if name not in MATERIALS:
        raise HeritageError(f"unknown material {name!r}; there are {', '.join(MATERIALS)}")
    made_of = MATERIALS[name]
    chosen = _happening(rng, made_of.mix if mix is None else mix)
    angle = -2.36 + rng.normal(0, 0.35)
    scene = Scene(
        ground=str(rng.choice(made_of.grounds)),
        paper=name in ("paper", "photograph"),
        photograph=name == "photograph",
        light=(float(np.cos(angle)), float(np.sin(angle))),
    )
    return _damaged(rng, np.asarray(np.clip(picture, 0, 1), np.float32), chosen, scene)


def _happening(rng: np.random.Generator, mix: Mapping[str, float]) -> list[str]:
    """Which damage there is: each by its chance, and one at least."""
    unknown = sorted(set(mix) - {*APPEARANCES, *AGEING})
    possible = [name for name in (*APPEARANCES, *AGEING) if mix.get(name, 0) > 0]
    if unknown or not possible:
        what = f"unknown damage {', '.join(unknown)}" if unknown else "no damage has a chance"
        raise HeritageError(f"{what}; there are {', '.join((*APPEARANCES, *AGEING))}")
    chosen = [name for name in possible if rng.random() < mix[name]]
    return chosen or [possible[int(rng.integers(len(possible)))]]


def _damaged(
    rng: np.random.Generator, picture: Picture, chosen: list[str], scene: Scene
) -> Damaged:
    """Fade, damage, varnish: in this order it happened, too."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    classes = np.zeros(picture.shape[:2], np.uint8)
    aged = np.zeros(picture.shape[:2], np.float32)
    if "fading" in chosen:
        ground = GROUNDS[scene.ground].colour
        picture, aged = fade(rng, picture, paper=ground)
    for name in chosen:
        if name not in APPEARANCES:
            continue
        layer = APPEARANCES[name](rng, picture, scene)
        seen = np.abs(layer.picture - picture).max(axis=2) > _FAINT
        seen |= layer.lost > 0
        picture = np.where(seen[..., None], layer.picture, picture)
        mask |= layer.lost
        classes[seen] = layer.kind
        if layer.kind == DamageClass.MATERIAL_LOSS:
            classes[_large(layer.lost)] = DamageClass.LACUNA
    if "yellowing" in chosen:
        picture, yellowed = yellow(rng, picture)
        aged = np.maximum(aged, yellowed)
    _mark_ageing(classes, aged)
    return Damaged(np.asarray(picture, np.float32), mask, classes)


def _large(lost: Mask) -> Mask:
    """Boolean map of the connected losses that are large enough to be lacunae."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(lost, connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] > _LACUNA * lost.size
    large[0] = False
    return np.asarray(large[labels])


def _mark_ageing(classes: Mask, aged: Field) -> None:
    """Mark as faded, in place, what is visibly aged and not otherwise damaged."""
    classes[(classes == DamageClass.NONE) & (aged > _AGED)] = DamageClass.FADING
