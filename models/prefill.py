"""A smooth first guess for a hole: membrane interpolation by pull and push.

Known pixels are averaged down a pyramid until no hole is left (pull), the coarse colours are
interpolated back up into the holes (push; Gortler et al., "The Lumigraph", SIGGRAPH 1996), and at
every level a few relaxation sweeps bring the hole closer to the harmonic function that its border
defines. Linear in the hole's area, without a solver, on any device. On hairlines this is close to
the best that can be done; in large holes it gives a network the colour to start from.
"""

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor

SWEEPS = 6


def _relax(image: Tensor, hole: Tensor, sweeps: int) -> Tensor:
    kernel = image.new_tensor([[0.05, 0.2, 0.05], [0.2, 0.0, 0.2], [0.05, 0.2, 0.05]])
    kernel = kernel.expand(image.shape[1], 1, 3, 3)
    for _ in range(sweeps):
        padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
        image = torch.where(hole, F.conv2d(padded, kernel, groups=image.shape[1]), image)
    return image


def prefill(image: Tensor, mask: Tensor, sweeps: int = SWEEPS) -> Tensor:
    """Fill the masked pixels smoothly.

    Args:
        image: (B, C, H, W) float; masked pixels are ignored.
        mask: (B, 1, H, W), non-zero where unknown.
        sweeps: Relaxations per pyramid level.

    Returns:
        (B, C, H, W): known pixels as given, the others interpolated; 0.5 where nothing is known.
        Never less precise than ``image``, autocast or not.
    """
    with torch.autocast(image.device.type, enabled=False):
        return _pull_and_push(image, mask, sweeps)


def _pull_and_push(image: Tensor, mask: Tensor, sweeps: int) -> Tensor:
    hole = mask != 0
    known = (~hole).to(image.dtype)
    height, width = image.shape[-2:]
    if height == 1 and width == 1:
        return torch.where(hole, torch.full_like(image, 0.5), image)
    pad = (0, width % 2, 0, height % 2)
    weighted = F.pad(torch.where(hole, 0.0, image), pad)
    weight = F.avg_pool2d(F.pad(known, pad), 2)
    coarse = F.avg_pool2d(weighted, 2) / weight.clamp_min(1e-6)
    coarse = _pull_and_push(coarse, weight == 0, sweeps)
    fine = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
    guess = torch.where(hole, fine[..., :height, :width], image)
    return _relax(guess, hole, sweeps)
