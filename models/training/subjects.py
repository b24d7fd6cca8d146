"""What a network is asked to make while it learns, and how a discriminator is shown it.

Most networks make a picture of what is known. Some are told more: a kind of object, the edges. One
makes the edges. The training step is the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from models.critics.biggan import ProjectionDiscriminator
from models.networks.biggan import BigGAN
from models.networks.canny import luminance
from models.networks.edgeconnect import CompletionGenerator, EdgeGenerator

Judgement = tuple[Tensor, list[Tensor]]


@dataclass(frozen=True)
class Batch:
    """Windows to learn from.

    Attributes:
        image: (B, 3, H, W) in 0..1, undamaged.
        mask: (B, 1, H, W), 1 inside the holes.
        latent: (B, ``latent``) standard normal, or None.
        label: (B,) int64, the kind of object, -1 where unknown; or None.
        edges: (B, 1, H, W) of 0 and 1, the edges of ``image``; or None.
    """

    image: Tensor
    mask: Tensor
    latent: Tensor | None = None
    label: Tensor | None = None
    edges: Tensor | None = None

    @property
    def emptied(self) -> Tensor:
        """The picture with zeros inside the holes."""
        return self.image * (1 - self.mask)


class Completion:
    """A picture made of the known pixels, judged with these put back."""

    edges = False  # whether a batch must have them

    def stages(self, generator: nn.Module, batch: Batch) -> Sequence[Tensor]:
        """What the generator makes, the finished picture last; with gradient."""
        made = generator.stages(batch.emptied, batch.mask, batch.latent)  # type: ignore[operator]
        return cast("Sequence[Tensor]", made)

    def target(self, batch: Batch) -> Tensor:
        """What it should make."""
        return batch.image

    def area(self, batch: Batch) -> Tensor:
        """(B, 1, H, W), 1 where what it makes counts."""
        return batch.mask

    def finished(self, made: Tensor, batch: Batch) -> Tensor:
        """What it made, outside the area what was known."""
        return torch.where(batch.mask != 0, made, batch.image)

    def judge(self, discriminator: nn.Module, picture: Tensor, batch: Batch) -> Judgement:
        """Logits and feature maps for a picture, made or real."""
        plain = getattr(discriminator, "module", discriminator)
        if isinstance(plain, ProjectionDiscriminator):
            return cast("Judgement", discriminator(picture, batch.mask, batch.label))
        return cast("Judgement", discriminator(picture, batch.mask))


class LabelledCompletion(Completion):
    """A picture of a kind of object that the generator is told."""

    def stages(self, generator: nn.Module, batch: Batch) -> Sequence[Tensor]:
        """As above."""
        made = generator.stages(  # type: ignore[operator]
            batch.emptied, batch.mask, batch.latent, label=batch.label
        )
        return cast("Sequence[Tensor]", made)


class Colouring(Completion):
    """A picture made along the edges of the undamaged one (Nazeri et al., 2019, section 3.2)."""

    edges = True

    def stages(self, generator: nn.Module, batch: Batch) -> Sequence[Tensor]:
        """As above."""
        return [generator.guided(batch.emptied, batch.mask, batch.edges)]  # type: ignore[operator]


class Drawing(Completion):
    """Edges, judged beside the brightness and everywhere (Nazeri et al., 2019, section 3.1)."""

    edges = True

    def stages(self, generator: nn.Module, batch: Batch) -> Sequence[Tensor]:
        """The probability of an edge at every pixel."""
        grey = luminance(batch.emptied) + batch.mask
        known = self.target(batch) * (1 - batch.mask)
        return [generator(torch.cat([grey, known, batch.mask], dim=1))]

    def target(self, batch: Batch) -> Tensor:
        """The edges of the undamaged picture."""
        assert batch.edges is not None
        return batch.edges

    def area(self, batch: Batch) -> Tensor:
        """Everywhere: edges are drawn along known contours too, so that they meet."""
        return torch.ones_like(batch.mask)

    def finished(self, made: Tensor, batch: Batch) -> Tensor:
        """All that was drawn."""
        return made

    def judge(self, discriminator: nn.Module, picture: Tensor, batch: Batch) -> Judgement:
        """Of brightness and edges."""
        seen = torch.cat([luminance(batch.image), picture.float()], dim=1)
        return cast("Judgement", discriminator(seen, batch.mask))


def subject_of(network: nn.Module) -> Completion:
    """What a network makes."""
    if isinstance(network, EdgeGenerator):
        return Drawing()
    if isinstance(network, CompletionGenerator):
        return Colouring()
    return LabelledCompletion() if isinstance(network, BigGAN) else Completion()
