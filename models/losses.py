"""Losses of adversarial inpainting, each a pure function of tensors.

Masks are (B, 1, H, W) with 1 where a pixel was missing. Everything is computed in float32.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor


def masked_l1(output: Tensor, target: Tensor, mask: Tensor, hole: float, known: float) -> Tensor:
    """Weighted mean absolute error: ``hole`` times that in the hole plus ``known`` outside.

    Both means run over their own pixels, so that small holes count as much as large ones.
    """
    error = (output.float() - target.float()).abs()

    def mean(where: Tensor) -> Tensor:
        return (error * where).sum() / (where.sum() * error.shape[1]).clamp_min(1.0)

    return hole * mean(mask) + known * mean(1 - mask)


def _mean_over(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp_min(1.0)


# The adversarial losses judge filled patches only. A filled picture is the real one wherever
# nothing was missing; were those patches counted as fake the discriminator would be told a lie, and
# were they counted as real they would drown the few that matter.
#
# real_logits: (B, 1, h, w) of untouched pictures. fake_logits: (B, 1, h, w) of filled pictures.
# fake: (B, 1, h, w), 1 where the patch contains filled pixels, else 0.


def non_saturating_generator(fake_logits: Tensor, fake: Tensor) -> Tensor:
    """-log D(fake) (Goodfellow et al., NeurIPS 2014, section 3), over filled patches."""
    return _mean_over(F.softplus(-fake_logits.float()), fake)


def non_saturating_discriminator(real_logits: Tensor, fake_logits: Tensor, fake: Tensor) -> Tensor:
    """-log D(real) - log(1 - D(fake)), the latter over filled patches."""
    real = F.softplus(-real_logits.float()).mean()
    return real + _mean_over(F.softplus(fake_logits.float()), fake)


def least_squares_generator(fake_logits: Tensor, fake: Tensor) -> Tensor:
    """(D(fake) - 1)^2 (Mao et al., ICCV 2017, eq. 2 with b = c = 1), over filled patches."""
    return _mean_over((fake_logits.float() - 1).square(), fake)


def least_squares_discriminator(real_logits: Tensor, fake_logits: Tensor, fake: Tensor) -> Tensor:
    """(D(real) - 1)^2 + D(fake)^2, the latter over filled patches."""
    real = (real_logits.float() - 1).square().mean()
    return real + _mean_over(fake_logits.float().square(), fake)


def r1_penalty(real_logits: Tensor, real: Tensor) -> Tensor:
    """Mean squared gradient norm at real pictures (Mescheder et al., ICML 2018, eq. 9).

    Args:
        real_logits: Output of the discriminator for ``real``.
        real: (B, 3, H, W) that required a gradient.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
    return gradient.float().square().sum((1, 2, 3)).mean()


def feature_matching(fake: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Mean squared difference of discriminator features (Wang et al., pix2pixHD, CVPR 2018)."""
    terms = [F.mse_loss(a.float(), b.detach().float()) for a, b in zip(fake, real, strict=True)]
    return torch.stack(terms).mean()
