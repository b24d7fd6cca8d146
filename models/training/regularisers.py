"""What is added to a loss to keep networks and pictures well-behaved; pure functions.

Masks are (B, 1, H, W) with 1 where a pixel was missing. Everything is computed in float32. Every
function returns its term unweighted.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn


def r1_penalty(real_logits: Tensor, real: Tensor) -> Tensor:
    """Mean squared gradient norm at real pictures (Mescheder et al., ICML 2018, eq. 9).

    Args:
        real_logits: Output of the discriminator for ``real``.
        real: (B, 3, H, W) that required a gradient.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
    return gradient.float().square().sum((1, 2, 3)).mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    mask: Tensor | None = None,
    mix: Tensor | None = None,
) -> Tensor:
    """(|gradient of the critic| - 1)^2 between real and filled pictures.

    Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017, eq. 3. With a mask only
    the gradient inside the hole counts (Yu et al., "Generative Image Inpainting with Contextual
    Attention", CVPR 2018, section 3): outside it nothing was made.

    Args:
        critic: (B, C, H, W) to logits of any shape (B, ...); a picture's score is their mean.
        real: (B, C, H, W).
        fake: (B, C, H, W); no gradient flows into it.
        mask: (B, 1, H, W) or None for the whole picture.
        mix: (B, 1, 1, 1) in 0..1, the share of ``real``; drawn uniformly where None.
    """
    if mix is None:
        mix = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = torch.lerp(fake.detach().float(), real.detach().float(), mix).requires_grad_()
    score = critic(between).reshape(len(between), -1).mean(1).sum()
    (gradient,) = torch.autograd.grad(score, between, create_graph=True)
    if mask is not None:
        gradient = gradient * mask
    # The square root has no slope at zero: a critic that is flat in the hole must not give NaN.
    norm = (gradient.float().square().sum((1, 2, 3)) + 1e-12).sqrt()
    return (norm - 1).square().mean()


def total_variation(image: Tensor, mask: Tensor) -> Tensor:
    """Absolute differences of neighbours in the hole and its rim of one pixel.

    Both of a pair must lie there; the sum is divided by the number of values of the picture (Liu et
    al., "Image Inpainting for Irregular Holes Using Partial Convolutions", ECCV 2018, section 3.3).

    Args:
        image: (B, C, H, W), filled inside the hole, the original outside.
        mask: (B, 1, H, W).
    """
    image = image.float()
    region = F.max_pool2d(mask.float(), 3, stride=1, padding=1)
    across = (image[..., 1:] - image[..., :-1]).abs() * (region[..., 1:] * region[..., :-1])
    down = image[..., 1:, :] - image[..., :-1, :]
    down = down.abs() * (region[..., 1:, :] * region[..., :-1, :])
    return (across.sum() + down.sum()) / image.numel()


def orthogonal(network: nn.Module) -> Tensor:
    """How much the filters of every layer overlap: the sum of |W^T W o (1 - I)|^2.

    Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis", ICLR 2019,
    eq. 3; their weight is 1e-4. The columns of W are the filters of a layer, whose lengths are left
    free. Convolutions and linear layers count; embeddings do not.
    """
    terms = []
    for layer in network.modules():
        filters = _filters(layer)
        if filters is not None:
            products = filters @ filters.transpose(1, 2)
            own = torch.diagonal_scatter(
                products, products.new_zeros(products.shape[:2]), dim1=1, dim2=2
            )
            terms.append(own.square().sum())
    return torch.stack(terms).sum() if terms else torch.zeros(())


def _filters(layer: nn.Module) -> Tensor | None:
    """Weights of a layer as (groups, filters of a group, values of a filter), or None."""
    if not isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
        return None
    # under spectral normalisation the parameter is the weight before division
    weight: Tensor = getattr(layer, "weight_orig", layer.weight).float()
    if isinstance(layer, nn.Linear):
        return weight.unsqueeze(0)
    grouped: Tensor = weight.unflatten(0, (layer.groups, -1))
    if isinstance(layer, nn.ConvTranspose2d):  # (inputs, outputs of a group, height, width)
        grouped = grouped.transpose(1, 2)
    return grouped.flatten(2)
