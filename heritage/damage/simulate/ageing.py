"""What light and age do to colours: fading, and the yellowing of varnish and paper.

Nothing is lost by it, so that none of it has a mask.
"""

import numpy as np

from heritage.damage.simulate.fields import Field, smooth_noise, smoothstep
from heritage.damage.simulate.grounds import Picture


def fade(
    rng: np.random.Generator,
    picture: Picture,
    amount: float | None = None,
    paper: tuple[float, float, float] = (0.90, 0.86, 0.78),
) -> tuple[Picture, Field]:
    """Fade a picture towards its paper: the density of every colour shrinks (law of Beer, Lambert).

    Reds and violets go before blues and browns, as madder and cochineal go before Prussian blue and
    the earths. A frame or mount that covered the edges leaves them fresh in one picture of four.

    Args:
        rng: Source of randomness.
        picture: float32 (H, W, 3) in 0..1.
        amount: From 0 to 1; random from 0.15 to 0.6 unless given.
        paper: Colour it fades to, sRGB in 0..1.

    Returns:
        The faded picture, and how faded every pixel is, (H, W) from 0 to 1.
    """
    height, width = picture.shape[:2]
    amount = float(rng.uniform(0.15, 0.6)) if amount is None else amount
    uneven = 1 + 0.12 * smooth_noise(rng, height, width, 0.6 * min(height, width))
    strength = np.clip(amount * uneven, 0, 1) * _window(rng, height, width)
    red = picture[..., 0] - picture[..., 1:].mean(axis=2)
    fugitive = 1 + 0.8 * np.clip(red, 0, 0.5)
    grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    bleached = np.clip(strength * fugitive, 0, 1)[..., None]
    pale = np.maximum(picture + 0.6 * bleached * (grey[..., None] - picture), 0.01)
    white = np.array(paper, np.float32)
    done = white * (pale / white) ** (1 - 0.75 * bleached)
    return np.asarray(np.clip(done, 0, 1), np.float32), np.asarray(strength, np.float32)


def _window(rng: np.random.Generator, height: int, width: int) -> Field:
    """1 where light fell, 0 under a mount, if there was one."""
    field = np.ones((height, width), np.float32)
    if rng.random() >= 0.25:
        return field
    margin = rng.uniform(0.03, 0.1) * min(height, width)
    y = np.minimum(np.arange(height), np.arange(height)[::-1])[:, None].astype(np.float32)
    x = np.minimum(np.arange(width), np.arange(width)[::-1])[None].astype(np.float32)
    return smoothstep(np.minimum(x, y), margin - 1.5, margin + 1.5)


def yellow(
    rng: np.random.Generator, picture: Picture, amount: float | None = None
) -> tuple[Picture, Field]:
    """See a picture through old varnish, or on browned paper: warm, darker, with less contrast.

    Args:
        rng: Source of randomness.
        picture: float32 (H, W, 3) in 0..1.
        amount: From 0 to 1; random from 0.2 to 0.8 unless given.

    Returns:
        The picture, and how yellow every pixel is, (H, W) from 0 to 1.
    """
    height, width = picture.shape[:2]
    amount = float(rng.uniform(0.2, 0.8)) if amount is None else amount
    runs = 0.15 * smooth_noise(rng, height, width, 0.3 * min(height, width))
    strength = np.asarray(np.clip(amount * (1 + runs), 0, 1), np.float32)
    density = strength[..., None] * np.array([0.06, 0.22, 0.62], np.float32)
    haze = 0.05 * strength[..., None] * np.array([1.0, 0.85, 0.5], np.float32)
    done = picture * np.exp(-density) * (1 - haze) + haze
    return np.asarray(np.clip(done, 0, 1), np.float32), strength
