"""Whether a fill has the grain of its surroundings: spectra of its finest detail."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.evaluate.metrics import Mask, Picture

_SIDES = (16, 8)  # pixels of a sample, the larger where it fits
_REACH = 48  # pixels around the hole whose grain is what it should match
_MOST = 256  # samples of each kind
_FINE = 0.25  # cycles per pixel: finer than that counts as grain
_FLOOR = (0.25 / 255) ** 2  # power of rounding to 8 bits is about a third of this
_FEWEST = 4  # samples without which a spectrum says nothing

Spectrum = NDArray[np.float64]


def grain_match(filled: Picture, where: Mask) -> float | None:
    """How much the fill's fine detail differs from that around the hole, in dB; 0 is right.

    Power spectra of luminance of small squares that lie wholly in the hole, and of others wholly in
    the known picture within 48 pixels of it, are averaged over directions; the result is the root
    mean square of the difference of their logarithms over frequencies above a quarter of a cycle
    per pixel (log-spectral distance: Gray & Markel, "Distance Measures for Speech Processing",
    IEEE Transactions on Acoustics, Speech, and Signal Processing 24(5), 1976). It needs no truth;
    the truth itself has about 1 dB, because pictures are not the same everywhere.

    Returns:
        None where no square of 8 pixels fits into the hole, or none beside it.
    """
    grey = np.asarray(cv2.cvtColor(filled, cv2.COLOR_RGB2GRAY), np.float32)
    square = np.ones((2 * _REACH + 1,) * 2, np.uint8)
    around = (cv2.dilate(where.astype(np.uint8), square) > 0) & ~where
    for side in _SIDES:
        inside, outside = (_spectrum(grey, region, side) for region in (where, around))
        if inside is not None and outside is not None:
            difference = 10 * np.log10(inside / outside)
            return float(np.sqrt(np.square(difference).mean()))
    return None


def _spectrum(grey: Picture, region: Mask, side: int) -> Spectrum | None:
    """Mean power at each fine radial frequency, of squares within a region; None if too few fit."""
    kernel = np.ones((side, side), np.uint8)
    fits = cv2.erode(
        region.astype(np.uint8), kernel, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )  # fmt: skip
    corners = np.argwhere(fits)
    if len(corners) < _FEWEST:
        return None
    corners = corners[np.linspace(0, len(corners) - 1, min(_MOST, len(corners))).astype(int)]
    samples = np.stack([grey[y : y + side, x : x + side] for y, x in corners]).astype(np.float64)
    samples -= samples.mean(axis=(1, 2), keepdims=True)
    window = np.outer(np.hanning(side + 2)[1:-1], np.hanning(side + 2)[1:-1])
    window /= np.sqrt(np.square(window).mean())
    power = np.square(np.abs(np.fft.rfft2(samples * window))).mean(axis=0) / side**2
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    ring = np.round(radius * side).astype(int)
    rings = range(round(_FINE * side), side // 2 + 1)
    return np.array([power[ring == number].mean() for number in rings]) + _FLOOR
