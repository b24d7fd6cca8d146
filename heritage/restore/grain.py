"""Match the grain of the surroundings, so that a smooth fill does not look like a plaster patch.

Grain is measured as the covariance of the high-pass residual of the known pixels in a window, away
from edges, and of the fill inside the hole; what the fill lacks is added as noise. Estimators are
medians: brush strokes, letters and dust hardly move them, and on clean graphics they are zero.

The noise is counter-based: it depends on the pixel's position and a seed alone, so that the picture
does not depend on how the work was cut into windows and blocks, nor on where a run was resumed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from heritage.geometry import Box

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

TO_SIGMA = 1.4826  # median absolute deviation to standard deviation, of a normal distribution
STRONGEST = 0.04  # of full scale; more than any emulsion, less than any drawing
ENOUGH = 256  # pixels below which a measurement says nothing
RING = 24  # pixels around a fill in which the grain is measured
SAMPLE = 1 << 14  # pixels that a median is taken of, at most
REACH = 3  # pixels that correlated noise may spread
_CELL = 64  # pixels; noise is blurred in cells of this side that want any
_HIGH_PASS = np.array([1, 4, 6, 4, 1], np.float64) / 16


@dataclass(frozen=True)
class Grain:
    """Noise around and inside the hole of one window, as its high-pass residual shows it.

    Args:
        around: (3, 3) covariance of the known pixels' residual, in working RGB.
        inside: (3, 3) covariance of the fill's residual.
        likeness: Correlation of the known pixels' residual with its neighbour's, -1..1.
        weight: Known pixels it was measured on; 0 where there were too few.
    """

    around: Matrix
    inside: Matrix
    likeness: float
    weight: int

    @property
    def tells(self) -> bool:
        """Whether the surroundings were measured and have grain."""
        return self.weight > 0 and bool(self.around.any())


def measure(
    known: Floats, filled: Floats, hole: NDArray[np.bool_], fill: NDArray[np.bool_]
) -> Grain:
    """The grain around a hole and in its fill.

    Args:
        known: (3, h, w) the window as read.
        filled: (3, h, w) the window with its hole filled.
        hole: (h, w) where pixels are unknown, whoever will fill them.
        fill: (h, w) which of them this window filled.
    """
    near = _around(fill)
    inside = np.zeros((3, 3))
    if fill.any():
        residual, trusted = _high_pass(filled[:, *near], fill[near])
        within = trusted & fill[near]
        inside = _covariance(_some(residual, within if within.any() else fill[near]))
    # Beside the hole if there is enough of it: further off, brushwork would be taken for grain.
    residual, trusted = _high_pass(known[:, *near], ~hole[near])
    calm = trusted & _calm(known[:, *near], ~hole[near] & _near(fill[near]))
    if np.count_nonzero(calm) < ENOUGH:
        residual, trusted = _high_pass(known, ~hole)
        calm = trusted & _calm(known, ~hole)
    count = int(np.count_nonzero(calm))
    if count < ENOUGH:
        return Grain(np.zeros((3, 3)), inside, 0.0, 0)
    return Grain(_covariance(_some(residual, calm)), inside, _neighbours(residual, calm), count)


def _around(fill: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The part of a window that a measurement beside its fill can see: filters reach 7 pixels."""
    rows, columns = (np.flatnonzero(fill.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return slice(None), slice(None)
    margin = RING + 8
    y0, x0 = max(int(rows[0]) - margin, 0), max(int(columns[0]) - margin, 0)
    return slice(y0, int(rows[-1]) + margin + 1), slice(x0, int(columns[-1]) + margin + 1)


def _near(fill: NDArray[np.bool_]) -> NDArray[np.bool_]:
    ring = cv2.dilate(fill.astype(np.uint8), np.ones((2 * RING + 1, 1), np.uint8))
    return np.asarray(cv2.dilate(ring, np.ones((1, 2 * RING + 1), np.uint8)), np.bool_)


def softness_of(grains: Iterable[Grain]) -> float:
    """How far a scan's grain spreads, in pixels: for a master, the median of its windows."""
    found = [grain.likeness for grain in grains if grain.tells]
    return _softness(float(np.median(found))) if found else 0.0


def missing(around: Matrix, inside: Matrix, softness: float) -> Matrix:
    """What a fill lacks: a (3, 3) matrix that mixes noise of unit variance into it.

    Args:
        around: Covariance of the residual of the surroundings.
        inside: The same of the fill.
        softness: Of the noise that will be mixed.
    """
    values, vectors = np.linalg.eigh((around - inside) / _gain(softness))
    return np.asarray((vectors * np.sqrt(np.clip(values, 0, STRONGEST**2))) @ vectors.T)


def noise(box: Box, seed: int, softness: float) -> Floats:
    """Normal noise of unit variance for the pixels of a box: (h, w, 3), wherever it is cut.

    Args:
        box: Pixels of the master.
        seed: One per restoration.
        softness: Blur in pixels; 0 gives white noise.
    """
    return noise_at(np.ones((box.height, box.width), np.bool_), box, seed, softness).reshape(
        box.height, box.width, 3
    )


def noise_at(wanted: NDArray[np.bool_], box: Box, seed: int, softness: float) -> Floats:
    """The same noise, only where it is wanted: costs what those pixels cost.

    Args:
        wanted: (h, w) with n pixels set.
        box: Pixels of the master.
        seed: One per restoration.
        softness: Blur in pixels; 0 gives white noise.

    Returns:
        (n, 3) float32 in raster order.
    """
    if softness <= 0:
        row, column = np.nonzero(wanted)
        return _white(row + box.y0, column + box.x0, seed)
    kernel = _blur(softness)
    soft = np.zeros((*wanted.shape, 3), np.float32)
    for y in range(0, wanted.shape[0], _CELL):
        for x in range(0, wanted.shape[1], _CELL):
            here = slice(y, y + _CELL), slice(x, x + _CELL)
            if wanted[here].any():
                at = y + box.y0, x + box.x0
                soft[here] = _soft_cell(wanted[here], *at, seed, kernel)
    return np.asarray(soft[wanted] / float((kernel**2).sum()), np.float32)


def _soft_cell(wanted: NDArray[np.bool_], y0: int, x0: int, seed: int, kernel: Matrix) -> Floats:
    """Blurred noise of one cell; what no wanted pixel sees is left out before the blur."""
    seen = np.pad(wanted.view(np.uint8), REACH)
    side = 2 * REACH + 1
    row, column = np.nonzero(cv2.dilate(seen, np.ones((side, side), np.uint8)))
    white = np.zeros((*seen.shape, 3), np.float32)
    white[row, column] = _white(row + (y0 - REACH), column + (x0 - REACH), seed)
    soft = cv2.sepFilter2D(white, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(soft[REACH:-REACH, REACH:-REACH], np.float32)


def _white(row: NDArray[np.int64], column: NDArray[np.int64], seed: int) -> Floats:
    """Independent normal numbers keyed by row, column, channel and seed: (n, 3).

    The hash is splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014).
    """
    # Positions may be negative at the raster's border: they wrap, which is as good a key.
    rows = row.astype(np.int64).view(np.uint64) << np.uint64(32)
    keys = rows ^ (column.astype(np.int64).view(np.uint64) & np.uint64(2**32 - 1))
    keys = np.asarray(keys[:, None] * np.uint64(3) + np.arange(3, dtype=np.uint64), np.uint64)
    with np.errstate(over="ignore"):
        state = _mixed(keys + np.uint64(seed & (2**64 - 1)) * np.uint64(0x9E3779B97F4A7C15))
        state = _mixed(state + np.uint64(0x9E3779B97F4A7C15))
    uniform = ((state >> np.uint64(40)).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-24)
    return np.asarray(ndtri(np.minimum(uniform, np.float32(1 - 2.0**-24))), np.float32)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _high_pass(image: Floats, usable: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Residual against a blur of usable pixels only, and where that blur saw enough of them."""
    seen = _blurred(usable.astype(np.float32))
    share = np.float32(1) / np.maximum(seen, np.float32(1e-6))
    residual = np.empty(image.shape, np.float32)
    for channel, left in zip(image, residual, strict=True):
        smooth = _blurred(np.where(usable, channel, np.float32(0)))
        np.subtract(channel, np.multiply(smooth, share, out=smooth), out=left)
    return residual, usable & (seen > 0.7)


def _blurred(image: Floats) -> Floats:
    kernel = _HIGH_PASS
    soft = cv2.sepFilter2D(image, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(soft, np.float32)


def _calm(image: Floats, usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The less structured half of the usable pixels, by the slope of a wide blur."""
    grey = np.where(usable, _grey(image), np.float32(0))
    seen = cv2.boxFilter(usable.astype(np.float32), cv2.CV_32F, (9, 9))
    wide = cv2.boxFilter(grey, cv2.CV_32F, (9, 9)) / np.maximum(seen, np.float32(1e-6))
    rise = np.array([-0.5, 0, 0.5]), np.ones(1)
    down = cv2.sepFilter2D(wide, cv2.CV_32F, *rise[::-1], borderType=cv2.BORDER_REPLICATE)
    right = cv2.sepFilter2D(wide, cv2.CV_32F, *rise, borderType=cv2.BORDER_REPLICATE)
    slope = np.asarray(cv2.magnitude(down, right), np.float32)
    inner = usable & (seen > 0.5)
    if not inner.any():
        return usable
    return np.asarray(inner & (slope <= np.median(_some(slope[None], inner))))


def _grey(image: Floats) -> Floats:
    """Mean of the channels of a (3, h, w) picture."""
    return np.asarray((image[0] + image[1] + image[2]) * np.float32(1 / 3), np.float32)


def _some(planes: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """Values of (c, h, w) at chosen pixels, or at every so many of them: (c, n).

    Medians of more pixels than these differ by less than one per cent.
    """
    at = np.flatnonzero(chosen)
    return planes.reshape(len(planes), -1)[:, at[:: -(-len(at) // SAMPLE) or 1]]


def _covariance(residual: Floats) -> Matrix:
    """Robust (3, 3) covariance of (3, n) residuals: medians, and correlation of the clipped."""
    sigma = TO_SIGMA * np.median(np.abs(residual), axis=1).astype(np.float64)
    if not sigma.any():
        return np.zeros((3, 3))
    unit = np.clip(residual / np.where(sigma > 0, sigma, 1)[:, None], -3, 3).astype(np.float64)
    moment = unit @ unit.T
    scale = np.sqrt(np.maximum(np.diag(moment), 1e-12))
    return np.asarray(moment / np.outer(scale, scale) * np.outer(sigma, sigma))


def _neighbours(residual: Floats, calm: NDArray[np.bool_]) -> float:
    """Correlation of the grain with the pixel beside and below: from -1 to 1."""
    grey = _grey(residual)
    limit = 3 * TO_SIGMA * float(np.median(np.abs(_some(grey[None], calm))))
    grey = np.asarray(np.where(calm, np.clip(grey, -limit, limit), np.float32(0)), np.float32)
    pairs = np.count_nonzero(calm[:, 1:] & calm[:, :-1]) + np.count_nonzero(calm[1:] & calm[:-1])
    together = _product(grey[:, 1:], grey[:, :-1]) + _product(grey[1:], grey[:-1])
    power = _product(grey, grey) / np.count_nonzero(calm)
    return together / pairs / power if power and pairs else -1.0


def _product(one: Floats, other: Floats) -> float:
    return float(np.sum(one * other, dtype=np.float64))


def _blur(softness: float) -> Matrix:
    steps = np.arange(-REACH, REACH + 1)
    kernel = np.exp(-0.5 * (steps / softness) ** 2)
    return np.asarray(kernel / kernel.sum())


@lru_cache(maxsize=1)
def _response() -> tuple[Matrix, Matrix, Matrix]:
    """For noise of several softnesses and unit variance: how its residual looks.

    Returns:
        Softnesses, correlation of the residual with its neighbour, variance of the residual.
    """
    softness = np.linspace(0.2, 1.4, 25)
    ratios, gains = [], []
    size = 64
    low = _spectrum(_HIGH_PASS, size)
    for one in softness:
        soft = _spectrum(_blur(float(one)), size)
        power = np.outer(soft, soft) ** 2
        residual = power * (1 - np.outer(low, low)) ** 2
        correlation = np.fft.ifft2(residual).real
        ratios.append(correlation[0, 1] / correlation[0, 0])
        gains.append(correlation[0, 0] / np.fft.ifft2(power).real[0, 0])
    return softness, np.array(ratios), np.array(gains)


def _spectrum(kernel: NDArray[Any], size: int) -> Matrix:
    """Transfer function of a symmetric kernel; real."""
    centred = np.exp(2j * np.pi * np.fft.fftfreq(size) * (len(kernel) // 2))
    return np.asarray(np.fft.fft(kernel, size) * centred).real


def _softness(ratio: float) -> float:
    softness, ratios, _ = _response()
    found = float(np.interp(ratio, ratios, softness))
    # Below this, sampled noise of that softness and white noise are alike.
    return 0.0 if found <= 0.4 else found


def _gain(softness: float) -> float:
    """Share of the noise's variance that is left in the residual."""
    known, _, gains = _response()
    return float(np.interp(softness, known, gains))
