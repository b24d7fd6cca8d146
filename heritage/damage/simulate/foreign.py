"""What does not belong there, as it looks: dust, hairs, writing, stamps, tape and labels."""

import cv2
import numpy as np

from heritage.damage.classes import DamageClass
from heritage.damage.simulate.fields import Field, Mask, smooth_noise
from heritage.damage.simulate.grounds import GROUNDS, Picture
from heritage.damage.simulate.layers import Layer, Scene, blurred, over, soft


def _curve(rng: np.random.Generator, points: int, step: float, curl: float) -> Field:
    """A smooth random curve that starts at the origin, (N, 2) of x and y in pixels."""
    bend = np.interp(np.arange(points), np.linspace(0, points, 6), rng.normal(0, curl, 6))
    angles = rng.uniform(0, 2 * np.pi) + np.cumsum(bend)
    moves = step * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.asarray(np.cumsum(moves, axis=0), np.float32)


def _antialiased(shape: tuple[int, int], curves: list[Field], thickness: int = 1) -> Field:
    """Curves drawn with soft edges, float32 (H, W) in 0..1."""
    canvas = np.zeros(shape, np.uint8)
    fixed = [np.rint(curve * 16).astype(np.int32) for curve in curves]
    cv2.polylines(canvas, fixed, False, 255, thickness, cv2.LINE_AA, shift=4)
    return np.asarray(canvas / 255, np.float32)


def dusty(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Specks: white where dust lay on the negative, dark or grey where it lies on the object."""
    height, width = picture.shape[:2]
    specks, lint = np.zeros((height, width), np.float32), []
    for _ in range(max(3, int(rng.integers(10, 120) * height * width / 512**2))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        if rng.random() < 0.75:
            cv2.circle(specks, (x, y), int(rng.random() < 0.25), float(rng.uniform(0.4, 1)), -1)
        else:
            lint.append(_curve(rng, 6, 1.0, 0.5) + np.array([x, y], np.float32))
    cover = blurred(np.maximum(specks, _antialiased((height, width), lint)), 0.5)
    bright = rng.random() < (0.8 if scene.photograph else 0.4)
    colour = np.full(3, 0.94 if bright else 0.12, np.float32)
    return Layer(over(picture, colour, cover), np.asarray(cover > 0.2, np.uint8), DamageClass.DUST)


def hairy(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Hairs and fibres, thin and curling, dark or (printed from a negative) white."""
    height, width = picture.shape[:2]
    hairs = []
    for _ in range(int(rng.integers(1, 5))):
        length = int(rng.uniform(25, 110) * max(1.0, min(height, width) / 512))
        place = (rng.uniform(0.05, 0.95, 2) * (width, height)).astype(np.float32)
        hairs.append(_curve(rng, length, 1.5, 0.05) + place)
    cover = _antialiased((height, width), hairs) * np.float32(rng.uniform(0.6, 1))
    bright = rng.random() < (0.6 if scene.photograph else 0.15)
    colour = np.array([0.92, 0.91, 0.88] if bright else [0.12, 0.09, 0.07], np.float32)
    return Layer(over(picture, colour, cover), np.asarray(cover > 0.2, np.uint8), DamageClass.HAIR)


def _hand(rng: np.random.Generator, size: float, letters: int) -> Field:
    """A line of joined-up scribble, like handwriting from afar: (N, 2) of x and y."""
    t = np.linspace(0, letters * 2 * np.pi, letters * 14, dtype=np.float32)
    tall = np.interp(t, np.linspace(0, t[-1], letters), rng.uniform(0.3, 1.0, letters))
    lean = rng.uniform(0.1, 0.4)
    y = -size * tall * (0.5 + 0.5 * np.sin(t)) + 0.06 * size * rng.standard_normal(len(t))
    x = 0.12 * size * t + 0.3 * size * tall * np.cos(t) - lean * y
    return np.asarray(np.stack([x, y], axis=1), np.float32)


def written(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """A note or a number in ink or pencil."""
    height, width = picture.shape[:2]
    size = rng.uniform(0.02, 0.05) * min(height, width)
    tilt = rng.normal(0, 0.08)
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]], np.float32)
    place = rng.uniform(0.05, 0.7, 2) * (width, height)
    lines = []
    for row in range(int(rng.integers(1, 3))):
        line = _hand(rng, size, int(rng.integers(4, 12))) @ turn
        lines.append(np.asarray(line + place + (0, 1.8 * size * row), np.float32))
    ink = _antialiased((height, width), lines, 1 if size < 14 else 2)
    ink *= np.clip(0.85 + 0.15 * smooth_noise(rng, height, width, 9), 0.4, 1)
    inks = ((0.10, 0.09, 0.11), (0.14, 0.17, 0.36), (0.28, 0.19, 0.12), (0.36, 0.35, 0.35))
    colour = np.array(inks[int(rng.integers(len(inks)))], np.float32)
    cover = ink * np.float32(rng.uniform(0.6, 0.95))
    return Layer(
        over(picture, colour, cover), np.asarray(cover > 0.2, np.uint8), DamageClass.WRITING
    )


def stamped(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """An owner's stamp: a round or oval frame with characters, unevenly inked."""
    height, width = picture.shape[:2]
    radius = rng.uniform(0.05, 0.11) * min(height, width)
    centre = rng.uniform(0.12, 0.88, 2) * (width, height)
    turns = np.linspace(0, 2 * np.pi, 72)
    flat = rng.uniform(0.6, 1.0)
    ring = np.stack([np.cos(turns), flat * np.sin(turns)], axis=1).astype(np.float32)
    curves = [np.asarray(ring * radius * part + centre, np.float32) for part in (1.0, 0.9)]
    letters = []
    for turn in np.linspace(np.pi, 2 * np.pi, 13) + rng.normal(0, 0.02, 13):
        place = 0.74 * radius * np.array([np.cos(turn), flat * np.sin(turn)]) + centre
        strokes = 0.1 * radius * rng.uniform(-1, 1, (4, 2)) + place
        letters.append(np.asarray(strokes, np.float32))
    middle = _hand(rng, 0.35 * radius, 5)
    letters.append(middle - middle.mean(axis=0) + centre)
    ink = _antialiased((height, width), curves, max(1, round(radius / 16)))
    ink = np.maximum(ink, _antialiased((height, width), letters, max(1, round(radius / 22))))
    patchy = np.clip(0.75 + 0.4 * smooth_noise(rng, height, width, 10), 0.05, 1)
    inks = ((0.62, 0.14, 0.13), (0.22, 0.20, 0.50), (0.12, 0.12, 0.13))
    colour = np.array(inks[int(rng.choice(3, p=[0.55, 0.3, 0.15]))], np.float32)
    cover = np.asarray(cv2.GaussianBlur(ink, (0, 0), 0.5) * patchy * 0.85, np.float32)
    done = over(picture, colour * (0.6 + 0.4 * picture), cover)
    return Layer(done, np.asarray(cover > 0.2, np.uint8), DamageClass.STAMP)


def _strip(rng: np.random.Generator, height: int, width: int) -> Mask:
    """One strip of tape or one label, somewhere, at any angle."""
    side = min(height, width)
    long, short = rng.uniform(0.12, 0.4) * side, rng.uniform(0.04, 0.09) * side
    centre = rng.uniform(0.1, 0.9, 2) * (width, height)
    angle = float(rng.choice([0.0, 90.0]) + rng.normal(0, 4))
    corners = cv2.boxPoints(((float(centre[0]), float(centre[1])), (long, short), angle))
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [corners.round().astype(np.int32)], 1)
    return mask


def taped(rng: np.random.Generator, picture: Picture, scene: Scene) -> Layer:
    """Yellowed adhesive tape that one half sees through, or opaque labels and facing tissue."""
    height, width = picture.shape[:2]
    done, lost = picture, np.zeros((height, width), np.uint8)
    opaque = rng.random() < 0.5
    for _ in range(int(rng.integers(1, 4))):
        strip = _strip(rng, height, width)
        paper = GROUNDS["paper"].lay(rng, height, width)
        tint = np.array([1, 1, 1] if opaque else [0.88, 0.74, 0.46], np.float32)
        opacity = rng.uniform(0.9, 1) if opaque else rng.uniform(0.55, 0.75)
        shift = np.array([[1, 0, 1.5], [0, 1, 1.5]], np.float32)
        shadow: Mask = np.asarray(cv2.warpAffine(strip, shift, (width, height)), np.uint8)
        done = over(done, 0.7 * done, 0.5 * soft(shadow, 1.0) * (1 - soft(strip)))
        done = over(done, paper * tint, np.float32(opacity) * soft(strip, 0.5))
        lost |= strip
    return Layer(done, lost, DamageClass.STICKER)
