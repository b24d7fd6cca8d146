"""MI-GAN while it learns: every convolution a sum of branches, and a teacher to imitate.

Sargsyan, Navasardyan, Xu and Shi, "MI-GAN: A Simple Baseline for Image Inpainting on Mobile
Devices", ICCV 2023: the branches are merged into one convolution afterwards, so that training is
over-parameterised and inference is not; and a CoModGAN is distilled into the small network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn
from torch.nn.utils import parametrize

from models.networks.migan import MIGAN, Separable


class MergedBranches(nn.Module):
    """The one weight that parallel convolutions amount to, each filter scaled to unit length.

    Branches of the same kernel size add up to a convolution with the sum of their weights, so they
    need not be run apart. With one branch it is plain weight normalisation.

    Args:
        branches: How many.
    """

    def __init__(self, branches: int) -> None:
        super().__init__()
        self.branches = branches

    def forward(self, *weights: Tensor) -> Tensor:
        """Branches, each (out, in, k, k), to their normalised sum."""
        total = torch.stack(weights).sum(0) / math.sqrt(self.branches)
        return total * (total.square().sum((1, 2, 3), keepdim=True) + 1e-8).rsqrt()

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, ...]:
        """Branches that differ at random and whose normalised sum points along ``weight``."""
        noise = torch.randn(self.branches, *weight.shape, device=weight.device, dtype=weight.dtype)
        branches = noise - noise.mean(0) + weight / math.sqrt(self.branches)
        return tuple(branch.clone() for branch in branches)


class MIGANTraining(MIGAN):
    """MI-GAN with its convolutions in branches and fresh noise for every picture in ``train()``.

    The first convolution of the encoder, which reads the picture, has a single branch, as
    published; the low-pass filters stay as they are.

    Args:
        resolution: See ``MIGAN``.
        channel_base: See ``MIGAN``.
        channel_max: See ``MIGAN``.
        branches: Of every other convolution.
    """

    def __init__(
        self,
        resolution: int = 256,
        channel_base: int = 32768,
        channel_max: int = 512,
        branches: int = 4,
    ) -> None:
        super().__init__(resolution, channel_base, channel_max)
        for name, module in list(self.named_modules()):
            if isinstance(module, Separable):
                module.fresh_noise = True
            elif isinstance(module, nn.Conv2d) and module.weight.requires_grad:
                count = 1 if name.endswith("fromrgb") else branches
                parametrize.register_parametrization(module, "weight", MergedBranches(count))

    @torch.no_grad()
    def merged(self) -> MIGAN:
        """The network for inference: the same outputs, one weight per convolution."""
        plain = MIGAN(**self.config).to(next(self.parameters()).device)
        for key, target in plain.state_dict().items():
            place, _, leaf = key.rpartition(".")
            target.copy_(getattr(self.get_submodule(place), leaf))
        return plain.train(self.training)


def distillation_loss(
    student: Sequence[Tensor], teacher: Sequence[Tensor], mask: Tensor, least: int = 4
) -> Tensor:
    """Absolute difference to the teacher inside the holes, added up over the sizes.

    sum over s of mean(|student_s - teacher_s| hole_s), as in the released training code: what is
    compared is what each size adds to the picture (``MIGAN.increments``), so that the student
    learns the coarse decisions as well as the finish.

    Args:
        student: (B, 3, s, s) for s = 4, 8, ...
        teacher: The same of the teacher; no gradient flows into it.
        mask: (B, 1, H, W), 1 inside the holes.
        least: Sizes below this are left to the student.
    """
    terms = [mask.new_zeros(())]
    for ours, theirs in zip(student, teacher, strict=True):
        if ours.shape[-1] >= least:
            hole = F.interpolate(mask, size=ours.shape[-2:], mode="nearest")
            terms.append(((ours.float() - theirs.detach().float()).abs() * hole).mean())
    return torch.stack(terms).sum()
