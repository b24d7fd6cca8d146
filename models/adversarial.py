"""One step of adversarial inpainting: the discriminator's loss, then the generator's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models import losses, regularisers
from models.features import perceptual_distance
from models.prefill import prefill

Generator = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts; 0 leaves it out."""

    hole: float = 10.0
    known: float = 0.0
    perceptual: float = 1.0
    adversarial: float = 0.1
    matching: float = 1.0
    r1: float = 0.001


def complete(network: nn.Module, image: Tensor, mask: Tensor, guess: Tensor) -> Tensor:
    """Fill by a network that predicts the residual over a smooth first guess.

    Args:
        network: (B, 4, H, W) to (B, 3, H, W), a residual.
        image: (B, 3, H, W) in 0..1.
        mask: (B, 1, H, W), 1 where missing.
        guess: ``prefill(image, mask)``.

    Returns:
        (B, 3, H, W): known pixels as given, the others guess plus residual, not clamped.
    """
    residual = network(torch.cat([guess - 0.5, mask], dim=1))
    return torch.where(mask != 0, guess + residual.float(), image)


def touched_patches(mask: Tensor, logits: Tensor) -> Tensor:
    """Which of the discriminator's patches contain missing pixels: (B, 1, h, w) of 0 and 1."""
    return F.adaptive_max_pool2d(mask, logits.shape[-2:])


class AdversarialStep:
    """Losses of generator and discriminator for one batch.

    Args:
        generator: Network for ``complete``.
        discriminator: Network giving logits and feature maps.
        features: Network giving perceptual feature maps, frozen.
        weights: Of the terms.
        kind: ``non-saturating`` (with R1) or ``least-squares``.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        features: nn.Module,
        weights: LossWeights,
        kind: str = "non-saturating",
    ) -> None:
        if kind not in ("non-saturating", "least-squares"):
            raise ValueError(f"unknown adversarial loss {kind!r}")
        self.generator = generator
        self.discriminator = discriminator
        self.features = features
        self.weights = weights
        prefix = kind.replace("-", "_")
        self._generator_loss = getattr(losses, f"{prefix}_generator")
        self._discriminator_loss = getattr(losses, f"{prefix}_discriminator")

    def fill(self, image: Tensor, mask: Tensor) -> Tensor:
        """The generator's completion of a batch, with gradient."""
        return complete(self.generator, image, mask, prefill(image, mask))

    def generator_loss(
        self, image: Tensor, mask: Tensor, filled: Tensor, adversarial: bool
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss of ``filled`` and its terms before weighting."""
        weights = self.weights
        terms = {"l1": losses.masked_l1(filled, image, mask, weights.hole, weights.known)}
        total = terms["l1"]
        if weights.perceptual:
            with torch.no_grad():
                theirs = self.features(image)
            distance = perceptual_distance(self.features(filled), theirs)
            # Small holes must not vanish in the mean over the window.
            share = mask.mean((1, 2, 3)).clamp_min(0.02)
            terms["perceptual"] = (distance / share.sqrt()).mean()
            total = total + weights.perceptual * terms["perceptual"]
        if adversarial and (weights.adversarial or weights.matching):
            fake_logits, fake_maps = self.discriminator(filled)
            with torch.no_grad():
                _, real_maps = self.discriminator(image)
            fake = touched_patches(mask, fake_logits)
            terms["adversarial"] = self._generator_loss(fake_logits, fake)
            terms["matching"] = losses.feature_matching(fake_maps, real_maps)
            total = total + weights.adversarial * terms["adversarial"]
            total = total + weights.matching * terms["matching"]
        return total, terms

    def discriminator_loss(
        self, image: Tensor, mask: Tensor, filled: Tensor, penalise: bool
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss of the discriminator and its terms.

        Args:
            image: Real windows.
            mask: Their holes.
            filled: The generator's completion, detached here.
            penalise: Whether R1 is computed in this step (lazily, every few steps).
        """
        real_logits, _ = self.discriminator(image)
        fake_logits, _ = self.discriminator(filled.detach())
        fake = touched_patches(mask, fake_logits)
        terms = {"discriminator": self._discriminator_loss(real_logits, fake_logits, fake)}
        total = terms["discriminator"]
        terms["real"] = real_logits.detach().float().mean()
        terms["fake"] = (fake_logits.detach().float() * fake).sum() / fake.sum().clamp_min(1)
        if penalise and self.weights.r1:
            # A wrapper (Fabric, DDP) does not allow gradients of gradients: ask the network itself.
            plain = getattr(self.discriminator, "module", self.discriminator)
            real = image.detach().requires_grad_()
            terms["r1"] = regularisers.r1_penalty(plain(real)[0], real)
            total = total + self.weights.r1 * terms["r1"]
        return total, terms
