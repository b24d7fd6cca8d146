"""Losses of adversarial inpainting, each a pure function of tensors.

Masks are (B, 1, H, W) with 1 where a pixel was missing. Everything is computed in float32. What is
added to a loss to keep a network well-behaved is in ``models.training.regularisers``; losses over
feature maps are in ``models.training.perceptual``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor


def masked_l1(output: Tensor, target: Tensor, mask: Tensor, hole: float, known: float) -> Tensor:
    """Weighted mean absolute error: ``hole`` times that in the hole plus ``known`` outside.

    Both means run over their own pixels, so that small holes count as much as large ones.
    """
    error = (output.float() - target.float()).abs()
    return hole * mean_over(error, mask) + known * mean_over(error, 1 - mask)


def log_error(output: Tensor, target: Tensor, mask: Tensor, floor: float = 1e-4) -> Tensor:
    """Mean over windows of ln(mean squared error inside the hole + ``floor``).

    Its gradient is that of the PSNR in the hole: 10 / ln(10) dB to a unit. The floor (40 dB) keeps
    windows that are all but flat from outweighing the others.
    """
    error = (output.float() - target.float()).square() * mask
    holes = (mask.expand_as(error)).sum((1, 2, 3)).clamp_min(1.0)
    return (error.sum((1, 2, 3)) / holes + floor).log().mean()


def discounted_l1(output: Tensor, target: Tensor, mask: Tensor, gamma: float = 0.99) -> Tensor:
    """Mean over the hole of ``gamma ** l`` times the absolute error.

    l is the distance of a pixel to the nearest known one (Yu et al., "Generative Image Inpainting
    with Contextual Attention", CVPR 2018, section 3): deep inside a large hole many fillings are
    right, and the original is only one of them.
    """
    weight = gamma ** distance_to_known(mask)
    return mean_over((output.float() - target.float()).abs() * weight, mask)


def distance_to_known(mask: Tensor) -> Tensor:
    """Euclidean distance in pixels to the nearest known pixel: (B, 1, H, W), 0 where known.

    Exact, in two passes: along columns, then the minimum of parabolas along rows (Felzenszwalb and
    Huttenlocher, "Distance Transforms of Sampled Functions", 2012, eq. 2). Without any known pixel
    everything is at least H + W away.
    """
    height, width = mask.shape[-2:]
    far = float(height + width)
    rows = torch.arange(height, dtype=torch.float32, device=mask.device).view(1, 1, -1, 1)
    above = torch.where(mask == 0, rows, -far).cummax(-2).values
    below = torch.where(mask == 0, rows, 2 * far).flip(-2).cummin(-2).values.flip(-2)
    vertical = torch.minimum(rows - above, below - rows)
    columns = torch.arange(width, dtype=torch.float32, device=mask.device)
    squares = vertical.square()
    nearest = [(squares + (columns - x).square()).amin(-1) for x in range(width)]
    return torch.stack(nearest, dim=-1).sqrt()


def overlap_l2(
    output: Tensor, target: Tensor, mask: Tensor, band: int = 7, weight: float = 10.0
) -> Tensor:
    """Mean squared error in the predicted area, ``weight`` times as much in its outer ``band``.

    Pathak et al., "Context Encoders", CVPR 2016, eq. 1, with their overlap: the prediction reaches
    7 pixels into its surroundings, where it has to agree with them most.

    Args:
        output: (B, C, H, W) filled pictures.
        target: (B, C, H, W) originals.
        mask: (B, 1, H, W), 1 in the predicted area, overlap included.
        band: Width of the overlap in pixels.
        weight: Of a pixel in the overlap; others weigh 1.
    """
    near_known = F.max_pool2d(1 - mask.float(), 2 * band + 1, stride=1, padding=band)
    weights = 1 + (weight - 1) * near_known
    return mean_over((output.float() - target.float()).square() * weights, mask)


def mean_over(values: Tensor, where: Tensor) -> Tensor:
    """Mean of (B, C, H, W) with weights (B, 1, H, W), the same for every channel; 0 of nothing."""
    where = where.expand_as(values)
    return (values * where).sum() / where.sum().clamp_min(1.0)


# The adversarial losses judge filled patches only. A filled picture is the real one wherever
# nothing was missing; were those patches counted as fake the discriminator would be told a lie, and
# were they counted as real they would drown the few that matter.
#
# real_logits: (B, C, h, w) of untouched pictures. fake_logits: (B, C, h, w) of filled pictures. C
# is 1 but in SN-PatchGAN, where every channel of the last map is a judgement.
# fake: (B, 1, h, w), 1 where the patch contains filled pixels, else 0.


def non_saturating_generator(fake_logits: Tensor, fake: Tensor) -> Tensor:
    """-log D(fake) (Goodfellow et al., NeurIPS 2014, section 3), over filled patches."""
    return mean_over(F.softplus(-fake_logits.float()), fake)


def non_saturating_discriminator(real_logits: Tensor, fake_logits: Tensor, fake: Tensor) -> Tensor:
    """-log D(real) - log(1 - D(fake)), the latter over filled patches."""
    real = F.softplus(-real_logits.float()).mean()
    return real + mean_over(F.softplus(fake_logits.float()), fake)


def least_squares_generator(fake_logits: Tensor, fake: Tensor) -> Tensor:
    """(D(fake) - 1)^2 (Mao et al., ICCV 2017, eq. 2 with b = c = 1), over filled patches."""
    return mean_over((fake_logits.float() - 1).square(), fake)


def least_squares_discriminator(real_logits: Tensor, fake_logits: Tensor, fake: Tensor) -> Tensor:
    """(D(real) - 1)^2 + D(fake)^2, the latter over filled patches."""
    real = (real_logits.float() - 1).square().mean()
    return real + mean_over(fake_logits.float().square(), fake)


def hinge_generator(fake_logits: Tensor, fake: Tensor) -> Tensor:
    """-D(fake) (Miyato et al., ICLR 2018, eq. 17), over filled patches."""
    return mean_over(-fake_logits.float(), fake)


def hinge_discriminator(real_logits: Tensor, fake_logits: Tensor, fake: Tensor) -> Tensor:
    """max(0, 1 - D(real)) + max(0, 1 + D(fake)), the latter over filled patches.

    Lim and Ye, "Geometric GAN", arXiv:1705.02894; Miyato et al., ICLR 2018, eq. 16. The loss of
    DeepFillv2 and BigGAN.
    """
    real = F.relu(1 - real_logits.float()).mean()
    return real + mean_over(F.relu(1 + fake_logits.float()), fake)


def wasserstein_generator(fake_logits: Tensor, fake: Tensor) -> Tensor:
    """-D(fake) (Arjovsky et al., ICML 2017, algorithm 1), over filled patches."""
    return mean_over(-fake_logits.float(), fake)


def wasserstein_discriminator(real_logits: Tensor, fake_logits: Tensor, fake: Tensor) -> Tensor:
    """D(fake) - D(real) (Arjovsky et al., ICML 2017, eq. 2), the former over filled patches.

    Means something only for a critic held to slope 1, by
    ``models.training.regularisers.gradient_penalty``.
    """
    return mean_over(fake_logits.float(), fake) - real_logits.float().mean()


ADVERSARIAL: dict[
    str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor, Tensor, Tensor], Tensor]]
] = {
    "non-saturating": (non_saturating_generator, non_saturating_discriminator),
    "least-squares": (least_squares_generator, least_squares_discriminator),
    "hinge": (hinge_generator, hinge_discriminator),
    "wasserstein": (wasserstein_generator, wasserstein_discriminator),
}
"""Losses of generator and discriminator, by the name that a recipe gives."""


def feature_matching(
    fake: Sequence[Tensor], real: Sequence[Tensor], absolute: bool = False
) -> Tensor:
    """Difference of discriminator features, the mean over layers of the mean over each.

    Args:
        fake: Feature maps of filled pictures.
        real: The same of untouched ones; no gradient flows into them.
        absolute: Absolute differences (Wang et al., pix2pixHD, CVPR 2018, eq. 4; EdgeConnect)
            instead of squared ones (LaMa).
    """
    difference = F.l1_loss if absolute else F.mse_loss
    terms = [difference(a.float(), b.detach().float()) for a, b in zip(fake, real, strict=True)]
    return torch.stack(terms).mean()
