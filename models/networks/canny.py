"""Canny's edges of the known part of a picture: what EdgeConnect draws on from.

Canny, "A Computational Approach to Edge Detection", PAMI 1986, by scikit-image. Outside of torch's
graph: tracing and hysteresis have neither a gradient nor a fixed cost.
"""

from __future__ import annotations

import numpy as np
import torch
from skimage.feature import canny
from torch import Tensor

# Luminance of linear Rec. 709 light, which EdgeConnect was trained with.
_LUMINANCE = (0.2125, 0.7154, 0.0721)

SIGMA = 2.0  # of the published models


def luminance(image: Tensor) -> Tensor:
    """(B, 3, H, W) colours to (B, 1, H, W) brightness on the same scale."""
    weights = image.new_tensor(_LUMINANCE).view(1, 3, 1, 1)
    return (image * weights).sum(1, keepdim=True)


def canny_edges(image: Tensor, mask: Tensor, sigma: float = SIGMA) -> Tensor:
    """Edges of the known pixels; holes give none, neither inside nor along their borders.

    Smoothing weighs known pixels alone, and those that touch a hole are left out, so the result
    does not depend on what lies under the mask.

    Args:
        image: (B, 3, H, W) in 0..1, on any device; no gradient flows through.
        mask: (B, 1, H, W), non-zero inside holes.
        sigma: Width of the smoothing in pixels; thresholds are 0.1 and 0.2 of full contrast.

    Returns:
        (B, 1, H, W) float32 of 0 and 1 on the image's device.
    """
    pictures = luminance(image.detach().cpu().double())[:, 0].numpy()
    knowns = (mask.detach().cpu()[:, 0] == 0).numpy()
    found = np.zeros(pictures.shape, dtype=np.float32)
    for edges, picture, known in zip(found, pictures, knowns, strict=True):
        edges[:] = canny(picture, sigma=sigma, mask=known)
    return torch.from_numpy(found)[:, None].to(image.device)
