"""What a generator's picture should be, apart from deceiving a discriminator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.features.squeezenet import perceptual_distance
from models.features.vgg import PERCEPTUAL, VggFeatures
from models.training import losses, regularisers
from models.training.perceptual import high_receptive_field, perceptual_l1, style_l1

Terms = dict[str, tuple[float, Tensor]]
"""Weight and value of every term of a loss, by name."""


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts; 0 leaves it out.

    Attributes:
        hole: Absolute error inside the holes, a mean over their own pixels.
        psnr: Logarithm of the mean squared error inside the holes, of each window on its own: what
            is measured in dB, a window of little contrast counting as much as one of much.
        known: Absolute error outside, of what the network makes there before the known is put back.
        stages: Both again for every earlier stage of a coarse-to-fine network, times this.
        discounted: Absolute error inside the holes that counts less with every pixel of distance
            to the known (Yu et al., CVPR 2018).
        gamma: By how much less.
        overlap_l2: Squared error inside the holes and ``band`` pixels around them, which count
            tenfold (Pathak et al., CVPR 2016).
        band: Width of that overlap in pixels.
        perceptual: Distance of features. On SqueezeNet: of unit-normalised ones, divided by the
            root of the hole's share of the window; on VGG-19: absolute, as in the papers.
        style: Absolute difference of Gram matrices of features.
        high_receptive_field: Squared difference of a segmentation network's features.
        total_variation: Absolute differences of neighbours in the holes.
        orthogonal: Overlap of the generator's filters.
        adversarial: The generator's adversarial loss.
        matching: Difference of the discriminator's features, a mean over its layers.
        matching_absolute: Whether that difference is absolute instead of squared; no weight.
        distillation: Difference inside the holes to what a teacher adds at every size.
        r1: Squared gradient of the discriminator at real pictures in 0..1. It counts in every
            ``r1_interval``-th step with the weight given here: multiply that of a paper by the
            interval, and by a quarter if its pictures lie within -1..1.
        gradient_penalty: Deviation of the discriminator's slope from 1 inside the holes, for the
            ``wasserstein`` loss; in every ``r1_interval``-th step too.
    """

    hole: float = 10.0
    psnr: float = 0.0
    known: float = 0.0
    stages: float = 0.0
    discounted: float = 0.0
    gamma: float = 0.99
    overlap_l2: float = 0.0
    band: int = 7
    perceptual: float = 1.0
    style: float = 0.0
    high_receptive_field: float = 0.0
    total_variation: float = 0.0
    orthogonal: float = 0.0
    adversarial: float = 0.1
    matching: float = 1.0
    matching_absolute: bool = False
    distillation: float = 0.0
    r1: float = 0.001
    gradient_penalty: float = 0.0


class Objective:
    """All terms of a generator's loss that need no discriminator.

    Args:
        weights: Of the terms.
        features: Frozen network of the perceptual and style losses: one of
            ``models.features.squeezenet``, or ``models.features.vgg.VggFeatures`` with the layers
            ``PERCEPTUAL + STYLE``; None without them.
        segmentation: Frozen ``models.features.resnet_dilated``, or None.
    """

    def __init__(
        self,
        weights: LossWeights,
        features: nn.Module | None = None,
        segmentation: nn.Module | None = None,
    ) -> None:
        if features is None and (weights.perceptual or weights.style):
            raise ValueError("perceptual and style losses need a feature network")
        if segmentation is None and weights.high_receptive_field:
            raise ValueError("the high receptive field loss needs a segmentation network")
        self.weights, self.features, self.segmentation = weights, features, segmentation
        self._published = isinstance(getattr(features, "module", features), VggFeatures)

    def __call__(
        self, stages: Sequence[Tensor], filled: Tensor, target: Tensor, mask: Tensor
    ) -> Terms:
        """The terms of a batch.

        Args:
            stages: What the generator made, (B, C, H, W) each, the finished picture last.
            filled: (B, C, H, W), the finished picture with known pixels put back.
            target: (B, C, H, W), what it should be.
            mask: (B, 1, H, W), 1 inside the holes.
        """
        terms = self._pixels(stages, target, mask)
        if self.weights.perceptual or self.weights.style:
            terms |= self._features(filled, target, mask)
        if self.weights.high_receptive_field and self.segmentation is not None:
            with torch.no_grad():
                theirs = self.segmentation(target)
            distance = high_receptive_field(self.segmentation(filled), theirs)
            terms["high_receptive_field"] = self.weights.high_receptive_field, distance
        if self.weights.total_variation:
            variation = regularisers.total_variation(filled, mask)
            terms["total_variation"] = self.weights.total_variation, variation
        return terms

    def _pixels(self, stages: Sequence[Tensor], target: Tensor, mask: Tensor) -> Terms:
        weights, last = self.weights, stages[-1]
        terms: Terms = {}
        if weights.hole or weights.known:
            first = losses.masked_l1(last, target, mask, weights.hole, weights.known)
            terms["l1"] = 1.0, first
        if weights.psnr:
            terms["psnr"] = weights.psnr, losses.log_error(last, target, mask)
        if weights.stages and len(stages) > 1:
            earlier = [
                losses.masked_l1(stage, target, mask, weights.hole, weights.known)
                for stage in stages[:-1]
            ]
            terms["stages"] = weights.stages, torch.stack(earlier).sum()
        if weights.discounted:
            error = losses.discounted_l1(last, target, mask, weights.gamma)
            terms["discounted"] = weights.discounted, error
        if weights.overlap_l2:
            reach = 2 * weights.band + 1
            area = nn.functional.max_pool2d(mask, reach, stride=1, padding=weights.band)
            error = losses.overlap_l2(last, target, area, weights.band)
            terms["overlap_l2"] = weights.overlap_l2, error
        return terms

    def _features(self, filled: Tensor, target: Tensor, mask: Tensor) -> Terms:
        assert self.features is not None
        with torch.no_grad():
            theirs = self.features(target)
        ours = self.features(filled)
        terms: Terms = {}
        if self._published:
            cut = len(PERCEPTUAL)
            distance = perceptual_l1(ours[:cut], theirs[:cut])
            ours, theirs = ours[cut:], theirs[cut:]
        else:
            # Small holes must not vanish in the mean over the window.
            share = mask.mean((1, 2, 3)).clamp_min(0.02)
            distance = (perceptual_distance(ours, theirs) / share.sqrt()).mean()
        if self.weights.perceptual:
            terms["perceptual"] = self.weights.perceptual, distance
        if self.weights.style:
            terms["style"] = self.weights.style, style_l1(ours, theirs)
        return terms


def total(terms: Terms) -> Tensor:
    """The weighted sum."""
    first, *others = [weight * value for weight, value in terms.values()]
    for term in others:
        first = first + term
    return first
