"""One training square: a picture, damaged or not, and the truth about every pixel of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.damage.classes import DamageClass
from heritage.damage.detect.cracks import REACH
from heritage.damage.detect.line_channels import line_channels
from heritage.damage.simulate import Mask, render
from heritage.damage.simulate.fields import Field, smooth_noise
from heritage.damage.simulate.grounds import GROUNDS, Picture
from heritage.damage.simulate.layers import blurred, over, slopes
from heritage.errors import HeritageError
from heritage.train.augment import augment
from heritage.train.decoding import Picture as Pixels
from heritage.train.decoding import decode, decode_grey
from heritage.train.detection.recipe import DetectorRecipe
from heritage.train.frames import choose_frame, framed
from heritage.train.pictures import load_pictures

IGNORED = 255
"""What is neither called damaged nor undamaged: changes that nobody sees."""

Thing = TypeVar("Thing")

_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff")  # of pictures in pairs

_SEEN = 0.04  # changes of less, of 1, count neither way, unless something is lost there
_DEEP = 0.35  # share of the real patterns that are drawn wide and black
_UNLEARNED = (DamageClass.FADING, DamageClass.LIGHTLEAK)  # of the whole picture, not of a place


@dataclass(frozen=True)
class Example:
    """A square.

    Attributes:
        picture: uint8 (S, S, 3).
        lines: Of ``line_channels``, uint8 (S, S, COUNT).
        truth: ``DamageClass`` of every pixel or ``IGNORED``, uint8 (S, S).
    """

    picture: NDArray[np.uint8]
    lines: NDArray[np.uint8]
    truth: NDArray[np.uint8]


@dataclass(frozen=True)
class Material:
    """What squares are made of.

    Attributes:
        pictures: Undamaged pictures, uint8 (H, W, 3).
        masks: Real crack patterns, uint8 (H, W) of 0 and 1.
        pairs: Damaged pictures, uint8 (H, W, 3), with their masks, uint8 (H, W) of 0 and 1.
    """

    pictures: Sequence[Pixels]
    masks: Sequence[Mask]
    pairs: Sequence[tuple[Pixels, Mask]] = ()


def load_material(recipe: DetectorRecipe) -> tuple[Material, Material]:
    """What is trained on, and what is held out.

    Raises:
        HeritageError: If there is no picture, or none can be read.
    """
    pictures = load_pictures(recipe.pictures, recipe.canvas)
    paths = sorted(recipe.masks.glob("craquelure*.png")) if recipe.masks else []
    masks = [(decode_grey(path) > 127).astype(np.uint8) for path in paths]
    every = max(2, round(1 / recipe.held_out))
    pairs = _load_pairs(recipe.pairs) if recipe.pairs else []
    return (
        Material(_others(pictures, every), _others(masks, every), pairs),
        Material(pictures[every - 1 :: every], masks[every - 1 :: every]),
    )


def _load_pairs(folder: Path) -> list[tuple[Pixels, Mask]]:
    pairs = []
    for path in sorted(folder.rglob("*.mask.png")):
        stem = path.name.removesuffix(".mask.png")
        beside = [path.with_name(stem + end) for end in _ENDINGS]
        picture = next((one for one in beside if one.is_file()), None)
        if picture is None:
            raise HeritageError(f"there is no picture {stem} beside this mask", path)
        pixels, mask = decode(picture), (decode_grey(path) > 127).astype(np.uint8)
        if pixels.shape[:2] != mask.shape:
            raise HeritageError("its mask is of another size", picture)
        pairs.append((pixels, mask))
    if not pairs:
        raise HeritageError("there is no NAME.mask.png beside a picture", folder)
    return pairs


def _others(things: Sequence[Thing], every: int) -> list[Thing]:
    return [thing for number, thing in enumerate(things, 1) if number % every]


def make_example(rng: np.random.Generator, material: Material, recipe: DetectorRecipe) -> Example:
    """Cut a square and leave it as it is, render damage into it, or crack it as a real one is.

    A share of the squares shows no picture, but bare paint or ground.
    """
    side = recipe.canvas
    if material.pairs and rng.random() < recipe.paired:
        return _paired(rng, material.pairs, recipe)
    bare = bool(material.masks) and rng.random() < recipe.bare
    whole = _surface(rng, side) if bare else _cut(rng, material, recipe)
    kind = rng.random()
    if kind < recipe.clean:
        damaged, truth = whole, np.zeros((side, side), np.uint8)
    elif bare or (kind < recipe.clean + recipe.real and material.masks):
        damaged, truth = _cracked(rng, whole, material.masks)
    else:
        damaged, truth = rendered(rng, whole)
    still = recipe.augmentation.model_copy(update={"turns": False, "flip": 0.0})
    looked = augment(rng, damaged, still)
    levels = np.asarray(np.rint(255 * np.clip(looked, 0, 1)), np.uint8)
    return Example(levels, lines_around(levels), truth)


def _paired(
    rng: np.random.Generator, pairs: Sequence[tuple[Pixels, Mask]], recipe: DetectorRecipe
) -> Example:
    """A square of a damaged picture as it is; at its own scale, for its mask is."""
    pixels, mask = pairs[int(rng.integers(len(pairs)))]
    side = recipe.canvas
    more = [(0, max(0, side - n)) for n in mask.shape]
    pixels, mask = np.pad(pixels, (*more, (0, 0)), "symmetric"), np.pad(mask, more, "symmetric")
    y, x = (int(rng.integers(n - side + 1)) for n in mask.shape)
    levels = np.ascontiguousarray(pixels[y : y + side, x : x + side])
    truth = mask[y : y + side, x : x + side] * np.uint8(DamageClass[recipe.pairs_show])
    return Example(levels, lines_around(levels), truth)


def _cut(rng: np.random.Generator, material: Material, recipe: DetectorRecipe) -> Picture:
    pixels = material.pictures[int(rng.integers(len(material.pictures)))]
    height, width = pixels.shape[:2]
    frame = choose_frame(rng, height, width, recipe.canvas, 0.4, recipe.augmentation)
    part = framed(pixels[frame.box.slices], frame, recipe.canvas)
    return np.asarray(part.astype(np.float32) / np.float32(255), np.float32)


def lines_around(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``line_channels`` of a picture that is all there is, uint8 (H, W, 3): mirrored around it."""
    around = (REACH, REACH, REACH, REACH)
    whole = cv2.copyMakeBorder(levels, *around, cv2.BORDER_REFLECT_101)
    grey = cv2.cvtColor(whole, cv2.COLOR_RGB2GRAY)
    return line_channels(np.asarray(grey, np.uint8))[REACH:-REACH, REACH:-REACH]


def rendered(rng: np.random.Generator, whole: Picture) -> tuple[Picture, Mask]:
    """Damage a picture; the truth is ``DamageClass``, or ``IGNORED`` where nobody sees a change.

    Args:
        rng: Source of randomness.
        whole: float32 (H, W, 3) in 0..1.
    """
    made = render(rng, whole)
    truth = made.classes.copy()
    truth[np.isin(truth, _UNLEARNED)] = DamageClass.NONE
    changed = np.abs(made.picture - whole).max(axis=2) > _SEEN
    truth[(truth > 0) & ~changed & (made.mask == 0)] = IGNORED
    return made.picture, truth


def _cracked(
    rng: np.random.Generator, whole: Picture, masks: Sequence[Mask]
) -> tuple[Picture, Mask]:
    """Draw a real crack pattern into a picture: dark, now and then pale, or wide and black."""
    side = len(whole)
    deep = rng.random() < _DEEP
    scales = (1.3, 3.6) if deep else (0.6, 2.8)
    gaps = _pattern(rng, masks[int(rng.integers(len(masks)))], side, scales)
    depth = 0.85 + 0.25 * smooth_noise(rng, side, side, 0.1 * side)
    opacity = gaps * np.clip(depth, 0.35, 1) * np.float32(rng.uniform(0.35, 1.0))
    if deep:
        opacity, colour = gaps, np.float32(rng.uniform(0, 0.3)) * whole
    elif rng.random() < 0.12:
        colour = 0.35 * whole + 0.65 * np.array([0.86, 0.82, 0.74], np.float32)
    else:
        dirt = np.array([0.09, 0.07, 0.06], np.float32)
        colour = 0.25 * whole + rng.uniform(0.2, 0.7) * dirt
    angle = -2.36 + rng.normal(0, 0.35)
    light = float(np.cos(angle)), float(np.sin(angle))
    lit = rng.uniform(0, 0.14) * np.clip(slopes(blurred(gaps, 0.9), light), 0, None)
    damaged = np.clip(over(whole, colour.astype(np.float32), opacity) + lit[..., None], 0, 1)
    seen = np.abs(damaged - whole).max(axis=2) > _SEEN
    truth = np.where(gaps > 0.35, np.uint8(DamageClass.CRACKS), np.uint8(0))
    truth[(truth > 0) & ~seen] = IGNORED
    return np.asarray(damaged, np.float32), np.asarray(truth, np.uint8)


def _pattern(rng: np.random.Generator, mask: Mask, side: int, scales: tuple[float, float]) -> Field:
    """A crack pattern turned, mirrored and scaled, as a lens sees it: coverage (S, S) in 0..1."""
    mask = np.rot90(mask, int(rng.integers(4)))
    if rng.random() < 0.5:
        mask = mask[:, ::-1]
    scale = float(np.exp(rng.uniform(*np.log(scales))))
    size = max(side, round(min(mask.shape) * scale))
    how = cv2.INTER_AREA if size < min(mask.shape) else cv2.INTER_LINEAR
    large = np.asarray(
        cv2.resize(mask.astype(np.float32), (size, size), interpolation=how), np.float32
    )
    y, x = (int(rng.integers(size - side + 1)) for _ in range(2))
    return np.clip(blurred(large[y : y + side, x : x + side], rng.uniform(0.4, 1.0)), 0, 1)


def _surface(rng: np.random.Generator, side: int) -> Picture:
    """Nothing but paint or ground, as on detail photographs: a level, grain and mottle.

    Half of them are grey, with their contrast stretched.
    """
    grounds = list(GROUNDS.values())
    laid = grounds[int(rng.integers(len(grounds)))].lay(rng, side, side)
    if rng.random() < 0.5:
        grey = laid.mean(axis=2)
        grey = rng.uniform(0.45, 0.95) + rng.uniform(0.5, 2.5) * (grey - grey.mean())
        laid = np.repeat(grey[..., None], 3, axis=2)
    stretch = float(np.exp(rng.uniform(-0.7, 0.7)))  # noise that runs along or across
    noise = smooth_noise(rng, side, math.ceil(side * stretch), rng.uniform(0.5, 2.5))
    noise = np.asarray(cv2.resize(noise, (side, side)), np.float32)
    laid = laid + (rng.uniform(0, 0.16) * noise)[..., None]
    slow = rng.uniform(0, 0.06) * smooth_noise(rng, side, side, rng.uniform(4, 40))
    return np.asarray(np.clip(laid + slow[..., None], 0, 1), np.float32)
