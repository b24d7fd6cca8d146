"""How training windows are changed, so that a network sees more than the pictures show.

What changes the frame (scale, rotation) is chosen before pixels are read, in
``heritage.train.frames``; here is what is done with them afterwards. ``device_look`` does the same
with whole batches on a GPU.
"""

from __future__ import annotations

from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from heritage.train.looks import PAPERS, chroma_matrix, grain_envelope

Window = NDArray[Any]
"""(H, W, 3): uint8, or float32 in 0..1."""


def _ordered(span: tuple[float, float]) -> tuple[float, float]:
    if not span[0] <= span[1]:
        raise ValueError(f"the smaller number comes first, not {span}")
    return span


Share = Annotated[float, Field(ge=0, le=1)]
Factors = Annotated[
    tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]], AfterValidator(_ordered)
]
Amounts = Annotated[
    tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]], AfterValidator(_ordered)
]
Quality = Annotated[
    tuple[Annotated[int, Field(ge=1, le=100)], Annotated[int, Field(ge=1, le=100)]],
    AfterValidator(_ordered),
]


class Augmentation(BaseModel):
    """Chances of every change of a training window, and how strong it is.

    Chances are shares of the windows, from 0 (never) to 1 (always); pairs are the ends of a range
    that is drawn from evenly.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: Share = Field(default=0.5, description="Chance of a mirrored window.")
    turns: bool = Field(
        default=True, description="Whether windows are turned by 0, 90, 180 or 270 degrees."
    )
    scales: Factors = Field(
        default=(0.5, 2.5),
        description="Pixels of the picture per pixel of the window, where a window is not cut at "
        "the picture's own resolution (the recipe's 'native'); even on a logarithmic scale.",
    )
    rotation: Share = Field(default=0.0, description="Chance of a rotation by a small angle.")
    degrees: float = Field(default=5.0, ge=0, le=45, description="Largest such angle, either way.")
    colour: Share = Field(
        default=0.0, description="Chance of changed saturation, hue and contrast."
    )
    saturation: Amounts = Field(
        default=(0.7, 1.3), description="Factor of the saturation; 0 is grey."
    )
    hue: float = Field(
        default=6.0, ge=0, le=180, description="Largest turn of the hue, in degrees."
    )
    contrast: Factors = Field(
        default=(0.85, 1.15), description="Factor of the contrast, around mid-grey."
    )
    tint: Share = Field(
        default=0.0, description="Chance of the tint of an old paper, canvas or varnish."
    )
    tint_strength: Amounts = Field(
        default=(0.1, 0.5),
        description="How far the tint goes; at 1 white becomes the paper's colour.",
    )
    tone: Share = Field(default=0.3, description="Chance of another exposure: gain and gamma.")
    gain: Factors = Field(default=(0.85, 1.1), description="Factor of each of red, green and blue.")
    gamma: Factors = Field(default=(0.8, 1.25), description="Exponent of all three.")
    grain: Share = Field(
        default=0.0, description="Chance of the grain of a film or the noise of a sensor."
    )
    grain_strength: Amounts = Field(
        default=(0.005, 0.025), description="Its standard deviation in mid-grey; white is 1."
    )
    grain_size: Factors = Field(
        default=(0.5, 1.6), description="Its correlation (Gaussian), in pixels."
    )
    jpeg: Share = Field(default=0.0, description="Chance of having been stored as a JPEG before.")
    jpeg_quality: Quality = Field(
        default=(60, 95), description="Quality of that JPEG, libjpeg's scale."
    )


def augment(rng: np.random.Generator, window: Window, how: Augmentation) -> Window:
    """A changed window of the same shape.

    Args:
        rng: Source of randomness; what never happens draws nothing from it.
        window: (S, S, 3), uint8, or float32 in 0..1; left as it is.
        how: What may happen.

    Returns:
        uint8 where only turns, mirrors and tone happened to a uint8 window; else float32 in 0..1.
    """
    if how.turns:
        window = np.rot90(window, int(rng.integers(4)))
    if _happens(rng, how.flip):
        window = window[:, ::-1]
    if _happens(rng, how.colour):
        matrix = chroma_matrix(rng.uniform(*how.saturation), rng.uniform(-how.hue, how.hue))
        window = _floats(window) - np.float32(0.5)
        window = window @ (rng.uniform(*how.contrast) * matrix).T.astype(np.float32)
        window = np.clip(window + np.float32(0.5), 0, 1)
    if _happens(rng, how.tint):
        paper = PAPERS[int(rng.integers(len(PAPERS)))]
        window = _floats(window) * (1 - rng.uniform(*how.tint_strength) * (1 - paper))
    if _happens(rng, how.tone):
        window = _toned(window, rng.uniform(*how.gain, 3), rng.uniform(*how.gamma))
    if _happens(rng, how.grain):
        window = _grained(rng, window, how)
    if _happens(rng, how.jpeg):
        low, high = how.jpeg_quality
        window = _stored(rng, window, int(rng.integers(low, high + 1)))
    if window.dtype != np.uint8:
        window = window.astype(np.float32, copy=False)
    return np.ascontiguousarray(window)


def _happens(rng: np.random.Generator, chance: float) -> bool:
    return chance > 0 and rng.random() < chance


def _floats(window: Window) -> NDArray[np.float32]:
    if window.dtype == np.uint8:
        return window.astype(np.float32) / np.float32(255)
    return window


def _toned(window: Window, gain: NDArray[np.float64], gamma: float) -> Window:
    if window.dtype == np.uint8:
        levels = np.clip(255 * gain * (window / 255.0) ** gamma, 0, 255)
        return levels.astype(np.uint8)
    return np.asarray(np.clip(gain * window**gamma, 0, 1), np.float32)


def _grained(rng: np.random.Generator, window: Window, how: Augmentation) -> Window:
    """Grain is the same in all colours but for a third, and fades towards black and white."""
    strength, size = rng.uniform(*how.grain_strength), rng.uniform(*how.grain_size)
    noise = rng.standard_normal((*window.shape[:2], 4)).astype(np.float32)
    noise = np.asarray(
        cv2.GaussianBlur(noise, (0, 0), size, borderType=cv2.BORDER_REFLECT), np.float32
    )
    noise /= noise.std(axis=(0, 1)) + np.float32(1e-6)
    field = np.float32(0.95) * noise[..., :1] + np.float32(0.3) * noise[..., 1:]
    bare = _floats(window)
    envelope = grain_envelope(bare.mean(axis=-1, keepdims=True))
    return np.asarray(np.clip(bare + strength * envelope * field, 0, 1), np.float32)


def _stored(rng: np.random.Generator, window: Window, quality: int) -> Window:
    """Through a JPEG whose blocks of 16 x 16 begin anywhere, as in a cut of a larger picture."""
    top, left = (int(n) for n in rng.integers(0, 16, 2))
    levels = window if window.dtype == np.uint8 else np.rint(window * 255).astype(np.uint8)
    wide = cv2.copyMakeBorder(
        np.ascontiguousarray(levels[..., ::-1]), top, 0, left, 0, cv2.BORDER_REFLECT
    )
    done, data = cv2.imencode(".jpg", wide, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    back = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert back is not None
    return _floats(np.asarray(back[top:, left:, ::-1], np.uint8))
