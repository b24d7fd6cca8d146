"""How close a filled picture is to the truth.

Pictures are (H, W, 3) float32 in 0..1, masks (H, W) bool with True where pixels were filled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

if TYPE_CHECKING:
    from models.features.squeezenet import SqueezeNetFeatures

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]

_CEILING = 100.0  # dB; stands for "no difference"


def psnr(filled: Picture, truth: Picture, where: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB, of the whole picture or of the pixels in ``where``."""
    error = np.square(filled.astype(np.float64) - truth)
    mean = float(error.mean() if where is None else error[where].mean())
    return min(_CEILING, -10 * float(np.log10(max(mean, 1e-10))))


def ssim(filled: Picture, truth: Picture, where: Mask | None = None) -> float:
    """Structural similarity, of the whole picture or averaged over the pixels in ``where``.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
    Transactions on Image Processing 13(4), 2004, with its Gaussian window.
    """
    mean, local = structural_similarity(
        filled, truth, channel_axis=2, data_range=1.0, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip
    return float(mean if where is None else local[where].mean())


def perceptual(filled: Picture, truth: Picture, features: SqueezeNetFeatures) -> float:
    """Distance of unit-normalised SqueezeNet features, unweighted. It is not LPIPS."""
    import torch

    from models.features.squeezenet import perceptual_distance

    def maps(picture: Picture) -> list[torch.Tensor]:
        tensor = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
        found: list[torch.Tensor] = features(tensor)
        return found

    with torch.inference_mode():
        return float(perceptual_distance(maps(filled), maps(truth)))


def texture_energy(filled: Picture, truth: Picture, where: Mask) -> float:
    """Fine detail of the fill relative to the truth's: 1 is right, 0.1 is blur.

    The ratio of the mean absolute Laplacians of luminance inside the hole.
    """
    energies = []
    for picture in (filled, truth):
        grey = picture.mean(axis=2, dtype=np.float64)
        padded = np.pad(grey, 1, mode="edge")
        neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        energies.append(float(np.abs(neighbours - 4 * grey)[where].mean()))
    return energies[0] / max(energies[1], 1e-9)
