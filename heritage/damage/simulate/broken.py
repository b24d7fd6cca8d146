"""What breaks, flakes and wears paint, as it looks: cracks, losses, flakes, abrasion, scratches."""

from dataclasses import replace

import cv2
import numpy as np

from heritage.damage.classes import DamageClass
from heritage.damage.simulate.cracks import Craquelure, network
from heritage.damage.simulate.fields import Field, Mask, highest, smooth_noise, smoothstep
from heritage.damage.simulate.grounds import GROUNDS, Picture
from heritage.damage.simulate.lacunae import flaking, loss_field
from heritage.damage.simulate.layers import Layer, Scene, blurred, over, reveal, slopes, soft
from heritage.damage.simulate.strokes import scratches
from heritage.damage.simulate.surfaces import relief


def _reduced(mask: Mask) -> Field:
    """Coverage from a mask drawn at twice the size, float32 (H, W) in 0..1."""
    height, width = mask.shape
    half = cv2.resize(
        mask.astype(np.float32), (width // 2, height // 2), interpolation=cv2.INTER_AREA
    )
    return np.asarray(half, np.float32)


def cracked(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Age cracks: dark gaps with a lit edge, or pale ones where the ground looks through."""
    height, width = picture.shape[:2]
    like = Craquelure.draw(rng, float(rng.uniform(18, 60)) * max(1.0, min(height, width) / 512))
    like = replace(like, width=like.width * float(rng.uniform(0.35, 0.9)))
    gaps = _reduced(network(rng, height, width, like).draw(height, width, enlarged=2))
    if rng.random() < 0.5:  # not every part of a picture has cracked
        region = smooth_noise(rng, height, width, 0.5 * min(height, width))
        gaps *= smoothstep(region, -0.6, 0.3)
    gaps *= np.clip(0.85 + 0.2 * smooth_noise(rng, height, width, 0.5 * like.cell), 0.3, 1)
    pale = rng.random() < (0.2 if float(picture.mean()) < 0.25 else 0.06)
    if pale:
        colour = 0.75 * scene.under(rng, height, width) + 0.25 * picture
        opacity = gaps * np.float32(rng.uniform(0.3, 0.7))
    else:
        dirt = np.array([0.10, 0.08, 0.06], np.float32)
        colour = 0.22 * picture + 0.5 * dirt
        opacity = gaps * np.float32(rng.uniform(0.6, 1.0))
    relief_light = rng.uniform(0.03, 0.16) * slopes(blurred(gaps, 0.9), scene.light)
    lit = over(picture, colour, opacity) + np.clip(relief_light, 0, None)[..., None]
    return Layer(np.clip(lit, 0, 1), np.asarray(gaps > 0.2, np.uint8), DamageClass.CRACKS)


def lost(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Losses: the ground shows, often with a rim where only the upper layer of paint is gone."""
    height, width = picture.shape[:2]
    size = np.exp(rng.uniform(np.log(0.03), np.log(0.3))) * min(height, width)
    field = loss_field(rng, height, width, float(size))
    share = float(np.exp(rng.uniform(np.log(0.006), np.log(0.12))))
    mask = highest(field, share)
    rim = highest(field, share * rng.uniform(1.05, 1.6)) & (1 - mask)
    between = GROUNDS["lime" if scene.ground == "clay" else scene.ground].lay(rng, height, width)
    worn = 0.75 + 0.2 * smooth_noise(rng, height, width, 5)
    partly = over(picture, 0.65 * between + 0.35 * picture, worn * soft(rim, 0.8))
    done = reveal(partly, scene.under(rng, height, width), mask, scene, rng.uniform(0.06, 0.3))
    return Layer(done, mask | rim, DamageClass.MATERIAL_LOSS)


def flaked(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Flakes gone along cracks, and the edges of the next ones standing up."""
    height, width = picture.shape[:2]
    mask = flaking(rng, height, width, (0.004, 0.06))
    under = scene.under(rng, height, width)
    done = reveal(picture, under, mask, scene, rng.uniform(0.12, 0.4))
    return Layer(done, mask, DamageClass.PEEL)


def abraded(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Worn speckle: the ground looks through where the grain sticks out."""
    height, width = picture.shape[:2]
    weave = scene.ground in ("canvas", "bole", "grey")
    patches = smooth_noise(rng, height, width, rng.uniform(0.2, 0.6) * min(height, width))
    wear = 1.3 * patches + relief(rng, height, width, weave)
    level = rng.uniform(1.6, 2.6)
    thin = smoothstep(wear, level, level + 1.2) * np.float32(rng.uniform(0.6, 0.95))
    done = over(picture, scene.under(rng, height, width), thin)
    return Layer(done, np.asarray(thin > 0.4, np.uint8), DamageClass.MATERIAL_LOSS)


def scratched(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Scratches: white in photographs; else pale where they reach the ground, or only dents."""
    height, width = picture.shape[:2]
    lines = scratches(rng, 2 * height, 2 * width, (1, 5), (1, 6), (1.0, rng.uniform(2, 5)))
    cover = blurred(_reduced(lines), 0.45)
    pressure = np.clip(0.85 + 0.25 * smooth_noise(rng, height, width, 25), 0.35, 1)
    if scene.photograph:
        colour = np.array([0.95, 0.94, 0.90], np.float32) - np.float32(rng.uniform(0, 0.12))
        done = over(picture, colour, cover * pressure * np.float32(rng.uniform(0.7, 1)))
    else:
        under = 0.8 * scene.under(rng, height, width) + 0.2 * picture
        done = over(picture, under, cover * pressure * np.float32(rng.uniform(0.5, 0.9)))
        done = np.clip(done + 0.2 * slopes(cover, scene.light)[..., None], 0, 1)
    return Layer(done, np.asarray(cover > 0.2, np.uint8), DamageClass.SCRATCH)
