"""One step of adversarial inpainting: the discriminator's loss, then the generator's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.training import losses, regularisers
from models.training.distillation import Teacher, recorded
from models.training.migan_training import distillation_loss
from models.training.objectives import Objective, Terms, total
from models.training.soft_mask import soft_mask_discriminator, soft_mask_generator
from models.training.subjects import Batch, Completion

KINDS = (*losses.ADVERSARIAL, "soft-mask")
"""Names of the adversarial losses."""


@dataclass(frozen=True)
class Filled:
    """What a generator made of a batch, with gradient.

    Attributes:
        stages: Every picture it made, the finished one last.
        picture: That with known pixels put back, as a discriminator sees it.
        increments: What it added at every size; empty without a teacher.
    """

    stages: Sequence[Tensor]
    picture: Tensor
    increments: Sequence[Tensor] = ()


def touched_patches(mask: Tensor, logits: Tensor) -> Tensor:
    """Which of the discriminator's patches contain missing pixels: (B, 1, h, w) of 0 and 1."""
    return F.adaptive_max_pool2d(mask, logits.shape[-2:])


class AdversarialStep:
    """Losses of generator and discriminator for one batch.

    Args:
        generator: Network that makes what ``subject`` says.
        discriminator: Network giving logits and feature maps.
        objective: Terms of the generator's loss besides the adversarial ones, and all weights.
        kind: One of ``KINDS``.
        subject: What the generator makes.
        teacher: For the distillation term, or None.

    Raises:
        ValueError: If there is no such kind of loss, or a teacher is missing.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective,
        kind: str = "non-saturating",
        subject: Completion | None = None,
        teacher: Teacher | None = None,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"unknown adversarial loss {kind!r}; there are {', '.join(KINDS)}")
        if objective.weights.distillation and teacher is None:
            raise ValueError("the distillation loss needs a teacher")
        self.generator, self.discriminator = generator, discriminator
        self.objective, self.weights = objective, objective.weights
        self.subject = subject or Completion()
        self.teacher = teacher if objective.weights.distillation else None
        self._soft = kind == "soft-mask"
        self._losses = losses.ADVERSARIAL.get(kind)

    def fill(self, batch: Batch) -> Filled:
        """What the generator makes of a batch."""
        if self.teacher is None:
            stages, increments = self.subject.stages(self.generator, batch), []
        else:
            with recorded(plain(self.generator)) as increments:
                stages = self.subject.stages(self.generator, batch)
        return Filled(stages, self.subject.finished(stages[-1], batch), increments)

    def generator_loss(
        self, batch: Batch, filled: Filled, adversarial: bool
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss of ``filled``, and its terms before weighting.

        Args:
            batch: What it was made of.
            filled: Of ``fill``.
            adversarial: Whether the discriminator has a say already.
        """
        weights, target, area = self.weights, self.subject.target(batch), self.subject.area(batch)
        terms = self.objective(filled.stages, filled.picture, target, area)
        if self.teacher is not None:
            theirs = self.teacher.increments(batch)
            # Below a size of 32 the student decides for itself, as published.
            distance = distillation_loss(filled.increments, theirs, batch.mask, least=32)
            terms["distillation"] = weights.distillation, distance
        if weights.orthogonal:
            with torch.autocast(target.device.type, enabled=False):
                overlap = regularisers.orthogonal(plain(self.generator))
            terms["orthogonal"] = weights.orthogonal, overlap
        if adversarial and (weights.adversarial or weights.matching):
            terms |= self._deceive(batch, filled.picture)
        if not terms:  # of a step whose every term begins later
            terms["nothing"] = 0.0, filled.picture.sum()
        return total(terms), {name: value for name, (_, value) in terms.items()}

    def _deceive(self, batch: Batch, picture: Tensor) -> Terms:
        fake_logits, fake_maps = self.subject.judge(self.discriminator, picture, batch)
        area, weights = self.subject.area(batch), self.weights
        terms: Terms = {}
        if weights.adversarial:
            value = (
                soft_mask_generator(fake_logits, area)
                if self._losses is None
                else self._losses[0](fake_logits, touched_patches(area, fake_logits))
            )
            terms["adversarial"] = weights.adversarial, value
        if weights.matching and fake_maps:
            with torch.no_grad():
                target = self.subject.target(batch)
                _, real_maps = self.subject.judge(self.discriminator, target, batch)
            matching = losses.feature_matching(fake_maps, real_maps, weights.matching_absolute)
            terms["matching"] = weights.matching, matching
        return terms

    def discriminator_loss(
        self, batch: Batch, filled: Filled, penalise: bool
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss of the discriminator and its terms.

        Args:
            batch: Real windows.
            filled: The generator's completion, detached here.
            penalise: Whether gradients are penalised in this step (lazily, every few steps).
        """
        real, made = self.subject.target(batch), filled.picture.detach()
        area = self.subject.area(batch)
        real_logits, _ = self.subject.judge(self.discriminator, real, batch)
        fake_logits, _ = self.subject.judge(self.discriminator, made, batch)
        fake = touched_patches(area, fake_logits)
        value = (
            soft_mask_discriminator(real_logits, fake_logits, area)
            if self._losses is None
            else self._losses[1](real_logits, fake_logits, fake)
        )
        terms: Terms = {"discriminator": (1.0, value)}
        if penalise:
            terms |= self._penalties(batch, made)
        said = {name: value for name, (_, value) in terms.items()}
        said["real"] = real_logits.detach().float().mean()
        said["fake"] = losses.mean_over(fake_logits.detach().float(), fake)
        return total(terms), said

    def _penalties(self, batch: Batch, made: Tensor) -> Terms:
        # A wrapper (Fabric, DDP) does not allow gradients of gradients: ask the network itself.
        network, real = plain(self.discriminator), self.subject.target(batch).detach()

        def logits(picture: Tensor) -> Tensor:
            return self.subject.judge(network, picture, batch)[0]

        terms: Terms = {}
        if self.weights.r1:
            real = real.requires_grad_()
            terms["r1"] = self.weights.r1, regularisers.r1_penalty(logits(real), real)
        if self.weights.gradient_penalty:
            area = self.subject.area(batch)
            slope = regularisers.gradient_penalty(logits, real, made, area)
            terms["gradient_penalty"] = self.weights.gradient_penalty, slope
        return terms


def plain(network: nn.Module) -> nn.Module:
    """The network without its wrapper (Fabric, DDP)."""
    return getattr(network, "module", network)
