"""AOT-GAN's adversarial losses, whose discriminator finds the mask again.

Zeng et al., "Aggregated Contextual Transformations for High-Resolution Image Inpainting", TVCG 2022
(arXiv:2104.01431). The discriminator answers 1 where a filled picture is the original and 0 where
it was made, with a soft step between: a patch at the edge of a hole contains both.

The code released with the paper has the target upside down, 1 inside the hole. Weights trained by
it are discriminators for that target; train on from them with the sign in mind.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor

from models.training.losses import mean_over


def soft_known(mask: Tensor, size: tuple[int, int], sigma: float = 10.0) -> Tensor:
    """What the discriminator should answer for a filled picture: the known area, softened.

    Gaussian filtering, then area averaging to the discriminator's patches (the paper's sigma(1 -
    m)). The picture is continued beyond its borders, so that a border is no edge of a hole.

    Args:
        mask: (B, 1, H, W), 1 where a pixel was missing.
        size: Height and width of the logits.
        sigma: Standard deviation in pixels; 10 as published, the filter 71 pixels long.

    Returns:
        (B, 1, *size) in 0..1, 1 where nothing was made.
    """
    radius = round(3.5 * sigma)
    steps = torch.arange(-radius, radius + 1, dtype=torch.float32, device=mask.device)
    bell = torch.exp(-steps.square() / (2 * sigma**2))
    bell = bell / bell.sum()
    known = F.pad(1 - mask.float(), [radius] * 4, mode="replicate")
    known = F.conv2d(F.conv2d(known, bell.view(1, 1, 1, -1)), bell.view(1, 1, -1, 1))
    return F.adaptive_avg_pool2d(known, size)


def soft_mask_generator(fake_logits: Tensor, mask: Tensor) -> Tensor:
    """(D(fake) - 1)^2 over patches, each weighted by its share of missing pixels.

    Args:
        fake_logits: (B, 1, h, w) of filled pictures.
        mask: (B, 1, H, W) of the pictures.
    """
    height, width = fake_logits.shape[-2:]
    share = F.adaptive_avg_pool2d(mask.float(), (height, width))
    return mean_over((fake_logits.float() - 1).square(), share)


def soft_mask_discriminator(real_logits: Tensor, fake_logits: Tensor, mask: Tensor) -> Tensor:
    """(D(real) - 1)^2 + (D(fake) - known)^2, both over all patches.

    Args:
        real_logits: (B, 1, h, w) of untouched pictures.
        fake_logits: (B, 1, h, w) of filled pictures.
        mask: (B, 1, H, W) of the pictures.
    """
    height, width = fake_logits.shape[-2:]
    target = soft_known(mask, (height, width))
    real = (real_logits.float() - 1).square().mean()
    return real + (fake_logits.float() - target).square().mean()
