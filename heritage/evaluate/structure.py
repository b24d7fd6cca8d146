"""Whether structures agree: SSIM, MS-SSIM and the similarity of gradients, whole or in the hole.

Pictures are (H, W, 3) float32 in 0..1, masks (H, W) bool. The windows of SSIM are computed
separably by OpenCV; the tests hold the results to those of torchmetrics and scikit-image, which
give the same numbers twenty times slower.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.evaluate.metrics import Mask, Picture

_WINDOW, _SIGMA = 11, 1.5
_BORDER = _WINDOW // 2  # windows that reach over the edge do not count in the whole
_C1, _C2 = 0.01**2, 0.03**2
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, of the five scales
_T = 170.0  # Xue et al. 2014, for grey levels of 0..255

Map = NDArray[np.float32]


def _smooth(picture: Picture) -> Map:
    return np.asarray(cv2.GaussianBlur(picture, (_WINDOW, _WINDOW), _SIGMA), np.float32)


def similarity_maps(filled: Picture, truth: Picture) -> tuple[Map, Map]:
    """Local structural similarity, and its part without brightness: two (H, W, 3) maps.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
    Transactions on Image Processing 13(4), 2004, equations 12 and 13: Gaussian windows of 11 pixels
    with standard deviation 1.5, channel by channel.
    """
    mean_a, mean_b = _smooth(filled), _smooth(truth)
    spread = _smooth(filled * filled + truth * truth) - mean_a * mean_a - mean_b * mean_b
    joint = _smooth(filled * truth) - mean_a * mean_b
    structure = (2 * joint + _C2) / (spread + _C2)
    brightness = (2 * mean_a * mean_b + _C1) / (mean_a * mean_a + mean_b * mean_b + _C1)
    return brightness * structure, structure


def ssim_of(similarity: Map, where: Mask | None = None) -> float:
    """The mean of a map of ``similarity_maps``: over the whole, or over the pixels in ``where``."""
    if where is not None:
        return float(similarity[where].mean(dtype=np.float64))
    inner = similarity[_BORDER:-_BORDER, _BORDER:-_BORDER]
    return float((inner if inner.size else similarity).mean(dtype=np.float64))


def ssim(filled: Picture, truth: Picture, where: Mask | None = None) -> float:
    """Structural similarity, of the whole picture or averaged over the pixels in ``where``."""
    return ssim_of(similarity_maps(filled, truth)[0], where)


def ms_ssim(filled: Picture, truth: Picture, where: Mask | None = None) -> float | None:
    """Structural similarity at five scales, of the whole picture or inside the hole.

    Wang, Simoncelli, Bovik, "Multiscale Structural Similarity for Image Quality Assessment",
    Asilomar 2003, equation 7. Inside the hole, the mean of each scale is taken over the hole: a
    pixel of a coarser scale counts as much as hole lies in the pixels it was averaged from.

    Returns:
        None for pictures whose shorter side is below 176 pixels, which have no fifth scale.
    """
    if min(truth.shape[:2]) < _WINDOW << (len(_WEIGHTS) - 1):
        return None
    share = None if where is None else where.astype(np.float32)
    result = 1.0
    for scale, weight in enumerate(_WEIGHTS):
        similarity, structure = similarity_maps(filled, truth)
        last = scale == len(_WEIGHTS) - 1
        chosen = similarity if last else structure
        if share is not None:
            mean = float(np.average(chosen.mean(axis=2), weights=share))
            share = _halved(share)
        elif last:  # as torchmetrics: so small a map has hardly any inside
            mean = float(chosen.mean(dtype=np.float64))
        else:
            mean = ssim_of(chosen)
        result *= max(mean, 0.0) ** weight
        filled, truth = _halved(filled), _halved(truth)
    return result


def _halved(picture: Map) -> Map:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    height, width = (length // 2 * 2 for length in picture.shape[:2])
    even = picture[:height, :width]
    quarters = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return np.asarray(quarters / 4, np.float32)


def gradient_similarity(filled: Picture, truth: Picture, where: Mask) -> tuple[float, float]:
    """How alike the gradient magnitudes in the hole are: their mean, and their deviation (GMSD).

    Xue, Zhang, Mou, Bovik, "Gradient Magnitude Similarity Deviation", IEEE Transactions on Image
    Processing 23(2), 2014, equations 1 to 5, pooled over the hole instead of the whole picture:
    Prewitt gradients of luminance at half size.

    Returns:
        The mean similarity (1 is right), and its standard deviation over the hole (0 is right).
    """
    ours, theirs = (_gradient(picture) for picture in (filled, truth))
    similarity = (2 * ours * theirs + _T) / (ours * ours + theirs * theirs + _T)
    hole = _halved(where.astype(np.float32)) > 0
    inside = similarity[hole] if hole.any() else similarity.ravel()
    return float(inside.mean(dtype=np.float64)), float(inside.std(dtype=np.float64))


def _gradient(picture: Picture) -> Map:
    grey = _halved(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) * np.float32(255))
    kernel = np.array([[1, 0, -1]] * 3, np.float32) / 3
    across, down = (cv2.filter2D(grey, -1, k) for k in (kernel, np.ascontiguousarray(kernel.T)))
    return np.asarray(np.hypot(across, down), np.float32)
