"""What happens to sheets, as it looks: folds, tears, and holes."""

import cv2
import numpy as np

from heritage.damage.classes import DamageClass
from heritage.damage.simulate.creases import Fold, tear, worn_along
from heritage.damage.simulate.fields import Mask, smooth_noise
from heritage.damage.simulate.grounds import GROUNDS, Picture
from heritage.damage.simulate.layers import Layer, Scene, over, reveal, soft


def folded(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Folds: one side of a crease is lit, the other shaded, and the paint on it is worn off."""
    height, width = picture.shape[:2]
    done, lost = picture, np.zeros((height, width), np.uint8)
    for _ in range(int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))):
        fold = Fold.draw(rng, height, width)
        distance = fold.distance(height, width)
        breadth = rng.uniform(2.5, 7)
        across = -np.sin(fold.angle) * scene.light[0] + np.cos(fold.angle) * scene.light[1]
        turned = np.sign(across) * rng.uniform(0.05, 0.22) * (-1 if rng.random() < 0.5 else 1)
        shade = turned * np.tanh(distance / 0.8) * np.exp(-np.abs(distance) / breadth)
        done = np.asarray(np.clip(done * (1 + shade[..., None]), 0, 1), np.float32)
        worn = worn_along(rng, height, width, fold)
        cover = soft(worn, 0.6) * np.clip(0.9 + 0.2 * smooth_noise(rng, height, width, 6), 0.4, 1)
        done = over(done, scene.under(rng, height, width), cover)
        lost |= worn
    return Layer(done, lost, DamageClass.FOLD)


def _behind(rng: np.random.Generator, height: int, width: int) -> Picture:
    """What shows through a hole: a dark gap, a mount, or backing board."""
    chosen = rng.random()
    if chosen < 0.45:
        dark = np.float32(rng.uniform(0.03, 0.12))
        return np.full((height, width, 3), dark, np.float32)
    return GROUNDS["paper" if chosen < 0.75 else "grey"].lay(rng, height, width)


def torn(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Tears from the edge: what lies behind shows, and along one side the bare torn fibres."""
    height, width = picture.shape[:2]
    side = min(height, width)
    done, lost = picture, np.zeros((height, width), np.uint8)
    for _ in range(int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))):
        length, gape = rng.uniform(0.1, 0.45) * side, rng.uniform(0.003, 0.04) * side
        gap, _ = tear(rng, height, width, length, gape)
        shift = rng.uniform(1.5, 6, 2) * rng.choice([-1, 1], 2)
        move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
        moved = cv2.warpAffine(gap, move, (width, height), flags=cv2.INTER_NEAREST)
        near = np.maximum(cv2.dilate(gap, np.ones((2, 2), np.uint8)), moved)
        broken = smooth_noise(rng, height, width, 4) > -1.1
        ragged: Mask = np.asarray((near > 0) & broken, np.uint8)
        fibres = GROUNDS["paper" if scene.paper else scene.ground].lay(rng, height, width)
        done = over(done, np.clip(fibres * 1.06, 0, 1), 0.9 * soft(ragged, 0.7))
        done = reveal(done, _behind(rng, height, width), gap, scene, 0.4)
        lost |= gap | ragged
    return Layer(done, lost, DamageClass.PUNCTURE)


def pierced(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Holes of pins, nails and woodworm: dark, round in the main, with a frayed or lit rim."""
    height, width = picture.shape[:2]
    holes = np.zeros((height, width), np.uint8)
    largest = max(2.0, min(height, width) / 130)
    for _ in range(int(rng.integers(2, 16))):
        x, y = rng.uniform(0.02, 0.98, 2) * (width, height)
        axes = rng.uniform(1.0, largest, 2)
        size = max(1, round(axes[0])), max(1, round(axes[1]))
        cv2.ellipse(holes, (int(x), int(y)), size, rng.uniform(0, 180), 0, 360, 1, -1)
    grown: Mask = np.asarray(cv2.dilate(holes, np.ones((3, 3), np.uint8)), np.uint8)
    rim = grown & (1 - holes)
    bare = over(picture, scene.under(rng, height, width), 0.6 * soft(rim, 0.6))
    dark = np.full((height, width, 3), np.float32(rng.uniform(0.03, 0.1)), np.float32)
    return Layer(reveal(bare, dark, holes, scene, 0.4), holes | rim, DamageClass.PUNCTURE)
