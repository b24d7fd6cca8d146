"""Estimate a tone: careful by default, because what looks faded may have been meant so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heritage.errors import BadSetting
from heritage.tone.colorimetry import less_yellow
from heritage.tone.curve import Curve
from heritage.tone.field import Field
from heritage.tone.fitting import cell_grounds, fit_field
from heritage.tone.overview import Overview, look
from heritage.tone.tone import Tone, adjusted, places

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

STRENGTH = 0.8
_BLACK, _WHITE = 0.002, 0.995  # shares of pixels below the black and the white point
_HIGHEST = 0.97  # encoded value of white, at most: above it lights keep their steps
_FLAT = 0.08  # with less between black and white there is nothing to stretch
_GROUND_SHARE = 0.55
_GROUND_LEAST = 0.6  # encoded value below which nothing is taken for paper
_GROUND_BAND = 0.16  # relative: what is so near to the commonest tone belongs to the ground


@dataclass(frozen=True)
class Limits:
    """How far a curve may go.

    Args:
        white: Encoded value that the brightest channel of white is brought to, at most.
        lift: Largest factor on the way there.
        black: Encoded value that black is brought to, at least.
        deepen: Smallest factor on the way there.
    """

    white: float
    lift: float
    black: float
    deepen: float


STRAIGHT = Limits(white=0.0, lift=1.0, black=0.0, deepen=1.0)
PICTURE = Limits(white=0.95, lift=1.25, black=0.04, deepen=0.25)
# Paper was never as white as the scanner's, and parchment less: it is hardly lifted.
GROUND = Limits(white=0.9, lift=1.1, black=0.08, deepen=0.5)


def estimate_tone(
    master: Path,
    page: int | None = None,
    strength: float = STRENGTH,
    field: bool | None = None,
    neutralise: bool | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Tone:
    """Look over a master once and propose an adjustment; nothing is changed by that.

    Args:
        master: The file; only read.
        page: Which page, from 0; None: the largest.
        strength: How much of what was found is corrected, 0..1; 0 changes nothing.
        field: Whether unevenness is evened out; None: where paper fills most of the picture.
        neutralise: Whether yellow whites are made less yellow; None: likewise.
        tell: Called with pixels seen and pixels in all.

    Raises:
        BadSetting: The strength is out of range.
        MasterRefused: The master cannot be read faithfully or has no tones.
        StorageFailed: It cannot be read.
    """
    require_strength(strength)
    return tone_of(look(master, page, tell), strength, field, neutralise)


def require_strength(strength: float) -> None:
    """Refuse a strength that makes no sense.

    Raises:
        BadSetting: It is not within 0..1.
    """
    if not 0 <= strength <= 1:
        raise BadSetting(f"a strength of {strength:g} makes no sense; give one from 0 to 1")


def tone_of(
    seen: Overview,
    strength: float = STRENGTH,
    field: bool | None = None,
    neutralise: bool | None = None,
) -> Tone:
    """The adjustment that an overview suggests; arguments as of ``estimate_tone``."""
    require_strength(strength)
    ground = has_ground(seen.picture)
    wants_field = ground if field is None else field
    wants_neutral = seen.colour and (ground if neutralise is None else neutralise)
    black, white = seen.quantiles(_BLACK), seen.quantiles(_WHITE)
    gains: Field | None = None
    if ground or wants_field:
        paper = _paper(seen.picture, ground)
        if wants_field and strength > 0:
            gains = fit_field(seen.picture, paper, ground, strength, wants_neutral)
    if ground:
        white = np.maximum(paper, black + 1e-3)
    target, hue, note = _less_yellow(seen, white) if wants_neutral else (white, "kept", "")
    flat = strength == 0 or float((white - black).min()) < _FLAT
    if flat and strength > 0:
        note = "too little contrast to tell black from white; the curves are left straight"
    peak = max(1.0, gains.largest) if gains is not None else 1.0
    if flat:
        target, hue = white, "kept"
    limits = STRAIGHT if flat else GROUND if ground else PICTURE
    curves = _curves(black, white, target, limits, strength, peak)
    r, g, b = (round(float(value), 6) for value in white)
    return Tone(seen.master, curves, gains, strength, ground, hue, (r, g, b), note)


def before_and_after(seen: Overview, tone: Tone) -> tuple[Floats, Floats]:
    """The reduced picture and what the tone makes of it, (h, w, 3) float32 each."""
    height, width = seen.picture.shape[:2]
    down = places(0, height, 1) * seen.step / tone.master.height
    across = places(0, width, 1) * seen.step / tone.master.width
    return seen.picture, adjusted(tone, seen.picture, down, across)


def has_ground(picture: Floats) -> bool:
    """Whether one light tone, that of paper or parchment, fills most of a picture."""
    light = picture.mean(axis=2)
    counts, edges = np.histogram(light, bins=64, range=(0, 1))
    smooth = np.convolve(counts, np.ones(5), "same")
    commonest = float(edges[int(np.argmax(smooth))]) + 0.5 / 64
    near = np.abs(light / commonest - 1) < _GROUND_BAND
    brighter = light > commonest * (1 + _GROUND_BAND)
    share = float(near.mean())
    return commonest > _GROUND_LEAST and share > _GROUND_SHARE and float(brighter.mean()) < 0.2


def _paper(picture: Floats, ground: bool) -> Doubles:
    """The colour that even ground would have: that of its brighter, less stained parts."""
    cells = cell_grounds(picture).reshape(-1, 3)
    light = cells.mean(axis=1)
    low, high = np.quantile(light, (0.6, 0.8) if ground else (0.4, 0.6))
    return np.asarray(cells[(light >= low) & (light <= high)].mean(axis=0))


def _less_yellow(seen: Overview, white: Doubles) -> tuple[Doubles, str, str]:
    import imagecodecs

    try:
        target = less_yellow([float(value) for value in white], seen.icc)
    except (imagecodecs.CmsError, ValueError):
        return white, "kept", "the colour profile cannot be used, so hues are kept"
    if target is None:
        return white, "kept", "the whites are not yellowed, so hues are kept"
    return np.array(target), "neutralised", ""


def _curves(
    black: Doubles, white: Doubles, target: Doubles, limits: Limits, strength: float, peak: float
) -> tuple[Curve, Curve, Curve]:
    """Curves that scale black by one factor and white by another.

    Scaling a colour keeps its hue and saturation, so that a brown print stays brown in every
    tone; only ``target`` changes the hue, and fades out towards black.
    """
    lift = min(max(limits.white / max(float(target.max()), 1e-6), 1.0), limits.lift)
    deepen = min(max(limits.black / max(float(black.mean()), 1e-6), limits.deepen), 1.0)
    # No value is beyond the end, so that nothing is ever clipped.
    end = round(peak + 1e-6, 6) if peak > 1 else 1.0
    room = min(1.0, _HIGHEST * end / float(white.max()))
    # A little beyond white the curves are still multiples of each other: so are their slopes there.
    beyond = 0.0 if limits is STRAIGHT else min(0.04, (end / float(white.max() * room) - 1) / 2)
    curves = []
    for low, high, aim in zip(black, white * room, target * room, strict=True):
        after = min(float(high + strength * (aim * lift - high)), _HIGHEST)
        knots = [(0.0, 0.0)]
        if limits is not STRAIGHT and 1e-5 < low < high:
            knots.append((float(low), float(low * (1 + strength * (deepen - 1)))))
        knots.append((float(high), after))
        if beyond:
            knots.append((float(high * (1 + beyond)), after * (1 + beyond / 2)))
        rounded = [(round(x, 6), round(y, 6)) for x, y in knots]
        curves.append(Curve((*rounded, (end, 1.0))))
    return curves[0], curves[1], curves[2]
