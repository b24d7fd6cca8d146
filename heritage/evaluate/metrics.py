"""How close a filled picture is to the truth, pixel by pixel and to trained eyes.

Pictures are (H, W, 3) float32 in 0..1, masks (H, W) bool with True where pixels were filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

if TYPE_CHECKING:
    from torch import Tensor

    from models.features.squeezenet import SqueezeNetFeatures

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]

_CEILING = 100.0  # dB; stands for "no difference"


def psnr(filled: Picture, truth: Picture, where: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB, of the whole picture or of the pixels in ``where``.

    Returns:
        At most 100, which stands for no difference.
    """
    error = np.square(filled.astype(np.float64) - truth)
    mean = float(error.mean() if where is None else error[where].mean())
    return min(_CEILING, -10 * float(np.log10(max(mean, 1e-10))))


def l1(filled: Picture, truth: Picture, where: Mask | None = None) -> float:
    """Mean absolute error, on the scale of the pixels, of the whole or of ``where``."""
    error = np.abs(filled.astype(np.float64) - truth)
    return float(error.mean() if where is None else error[where].mean())


def colour_difference(filled: Picture, truth: Picture, where: Mask) -> float:
    """Mean CIEDE2000 colour difference of the pixels in ``where``: about 1 can just be seen.

    Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula", Color Research & Application 30(1),
    2005, by scikit-image; pixels are taken for sRGB under D65.
    """
    ours, theirs = (rgb2lab(picture[where][:, None]) for picture in (filled, truth))
    return float(deltaE_ciede2000(ours, theirs).mean())


def feature_maps(picture: Picture, features: SqueezeNetFeatures) -> list[Tensor]:
    """Seven maps of SqueezeNet features, each (1, C, h, w); the sides are at least 32 pixels."""
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    device = next(features.parameters()).device
    with torch.inference_mode():
        maps: list[Tensor] = features(tensor.to(device))
    return maps


def perceptual_of(
    ours: Sequence[Tensor], theirs: Sequence[Tensor], where: Mask | None = None
) -> float:
    """Distance of two pictures' feature maps; inside the hole where one is given.

    Inside the hole every cell of a map counts as much as hole lies in the pixels it stands for.
    """
    import torch

    from models.features.squeezenet import perceptual_distance, unit

    with torch.inference_mode():
        if where is None:
            return float(perceptual_distance(ours, theirs))
        total = 0.0
        for a, b in zip(ours, theirs, strict=True):
            local = (unit(a.float()) - unit(b.float())).square().sum(1)[0].cpu().numpy()
            share = cv2.resize(
                where.astype(np.float32), local.shape[::-1], interpolation=cv2.INTER_AREA
            )
            total += float((local * share).sum() / max(float(share.sum()), 1e-9))
        return total


def perceptual(filled: Picture, truth: Picture, features: SqueezeNetFeatures) -> float:
    """Distance of unit-normalised SqueezeNet features, unweighted. It is not LPIPS."""
    return perceptual_of(feature_maps(filled, features), feature_maps(truth, features))


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
