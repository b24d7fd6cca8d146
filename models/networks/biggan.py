"""A completion network in the manner of BigGAN: kinds of object, random vectors, truncation.

Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis", ICLR 2019, with
the self-attention of Zhang et al. (SAGAN, ICML 2019). There a picture is made from a class and a
random vector. Here the damaged picture is seen too: BigGAN's discriminator blocks lead down to a
sixteenth of its size and its generator blocks lead up again, with the features of each size passed
across; the kind of object and the random vector tell every block on the way up, through its gains
and biases, in which manner to fill. There are no published weights; the layout is our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import count, pairwise, takewhile
from typing import Any, Self

import torch
from torch import Tensor, nn

from models.cards import InpainterCard
from models.errors import WeightsRefused
from models.inpainter import Inpainter
from models.network import InpaintingNetwork, in_float32
from models.network_inpainter import NetworkInpainter
from models.networks.biggan_blocks import (
    ConditionalBlock,
    DownBlock,
    bound_spectrum,
    conv3,
    fold_spectrum,
    start_orthogonal,
)
from models.networks.conditional_norm import class_vectors
from models.networks.self_attention import SelfAttention
from models.networks.truncation import threshold_of, truncate
from models.prefill import prefill

CLASSES = ("painting", "mural", "manuscript", "print", "photograph")


class BigGAN(InpaintingNetwork):
    """Encoder, attention at the bottom, conditional decoder; a residual over the smooth prefill.

    The hole is prefilled smoothly and the network adds what that lacks. So it starts, untrained, as
    a fair restorer of hairlines; colours are right before a step is made; and what it learns is
    texture and structure. BigGAN's tanh would have it paint every colour anew. For the same reason
    nothing is normalised between the bottom and the last layer along the shortcuts, and the last
    normalisation is left out: it would hide how faded a picture is, which decides how strong a
    residual may be.

    The random vector is cut into chunks, one for each block from the bottom up (section 3.1,
    hierarchical latent): the first decide on structure, the last on texture. All blocks share one
    embedding of the classes, which ought to be left out (label -1) for some items in training, so
    that an unknown kind of object means something.

    Args:
        width: Channels at full size; doubled by every halving up to ``max_width``.
        n_down: Halvings.
        n_middle: Blocks at the bottom.
        max_width: Upper bound of the channels.
        chunk: Random numbers for each block; ``latent`` is (``n_middle`` + ``n_down``) times that.
        embedding: Length of a class's vector.
        classes: Names of the kinds of object.
    """

    def __init__(
        self,
        width: int = 32,
        n_down: int = 4,
        n_middle: int = 2,
        max_width: int = 512,
        chunk: int = 20,
        embedding: int = 32,
        classes: Sequence[str] = CLASSES,
    ) -> None:
        super().__init__()
        widths = [min(max_width, width * 2**i) for i in range(n_down + 1)]
        condition = embedding + chunk
        self.shared = nn.Embedding(len(classes), embedding)
        self.stem = conv3(4, width)
        self.encoder = nn.ModuleList(DownBlock(ins, outs) for ins, outs in pairwise(widths))
        self.attention = SelfAttention(widths[-1])
        self.middle = nn.ModuleList(
            ConditionalBlock(widths[-1], widths[-1], condition) for _ in range(n_middle)
        )
        self.decoder = nn.ModuleList(
            ConditionalBlock(ins, outs, condition, up=True) for ins, outs in pairwise(widths[::-1])
        )
        self.head = conv3(width, 3)
        start_orthogonal(self)
        nn.init.zeros_(self.head.weight)  # a residual starts from nothing
        self.classes = tuple(classes)
        self.chunk = chunk
        self.latent = chunk * (n_middle + n_down)
        self.multiple = 2**n_down
        self.least = 4 * self.multiple

    def forward(
        self, x: Tensor, latent: Tensor | None = None, label: Tensor | None = None
    ) -> Tensor:
        """The residual over what is shown.

        Args:
            x: (B, 4, H, W): prefilled picture less 0.5, and the mask, 1 in the hole. H and W are
                multiples of ``multiple`` and at least ``least``.
            latent: (B, ``latent``), truncated as wanted; None means zero, the most typical.
            label: (B,) int64, numbers of ``classes``, -1 for unknown; None if unknown for all.

        Returns:
            (B, 3, H, W) float32.
        """
        if latent is None:
            latent = x.new_zeros(x.shape[0], self.latent)
        kind = class_vectors(self.shared.weight, label, x.shape[0])
        conditions = [torch.cat([kind, part], dim=1) for part in latent.split(self.chunk, dim=1)]
        x = self.stem(x)
        skips = []
        for down in self.encoder:
            skips.append(x)
            x = down(x)
        x = self.attention(x)
        for block in self.middle:
            x = block(x, conditions.pop(0))
        for block in self.decoder:
            x = block(x, conditions.pop(0), skips.pop())
        return in_float32(self.head, torch.relu(x))

    def stages(
        self,
        image: Tensor,
        mask: Tensor,
        latent: Tensor | None = None,
        truncation: float = 1.0,
        label: str | Tensor | None = None,
    ) -> list[Tensor]:
        """One picture: the smooth prefill and the residual over it.

        Args:
            image: (B, 3, H, W) float32 in 0..1, zero inside the holes.
            mask: (B, 1, H, W) float32, 1 inside the holes.
            latent: (B, ``latent``) standard normal; None for the most typical completion.
            truncation: Share of the normal distribution that is kept, 0 to 1; see ``truncation``.
            label: A name of ``classes`` for all, or (B,) numbers as in ``forward``.

        Raises:
            ValueError: If there is no such class, or the truncation is not within 0..1.
        """
        threshold = threshold_of(truncation)
        if latent is not None:
            latent = truncate(latent, threshold)
        if isinstance(label, str):
            if label not in self.classes:
                raise ValueError(f"no class {label!r}; there are {', '.join(self.classes)}")
            label = torch.full((image.shape[0],), self.classes.index(label), device=image.device)
        guess = prefill(image.float(), mask)
        return [guess + self(torch.cat([guess - 0.5, mask], dim=1), latent, label)]

    def bounded(self) -> Self:
        """This network with spectral normalisation from now on, for training; all but the head.

        The head starts at zero, which has no direction to be divided by, and its size is the size
        of the residual. The class embedding is left free as in the paper's networks.
        """
        bound_spectrum(self, spare=(self.head, self.shared))
        return self

    def folded(self) -> Self:
        """A copy in plain layers, as released: no power iteration, the keys of an untrained one."""
        copy = deepcopy(self)
        fold_spectrum(copy)
        return copy


class OfClass(InpaintingNetwork):
    """A network for one kind of object, behind the call that knows of no kinds.

    Args:
        network: For all kinds.
        label: The name of the one.
    """

    def __init__(self, network: BigGAN, label: str) -> None:
        super().__init__()
        self.network, self.label = network, label
        self.multiple, self.least, self.latent = network.multiple, network.least, network.latent

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> list[Tensor]:
        """As the network's own, with its label."""
        return self.network.stages(image, mask, latent, truncation, self.label)


def inpainter(
    network: BigGAN, card: InpainterCard, device: str = "auto", precision: str = "auto"
) -> Inpainter:
    """The inpainter for a network of this file; the card's field ``class`` names a kind of object.

    Raises:
        WeightsRefused: If the network knows no such kind.
    """
    label = card.details.get("class")
    if label is None:
        return NetworkInpainter(network, card, device, precision)
    if label not in network.classes:
        raise WeightsRefused(
            f"{card.name}: its model card says class {label!r}; "
            f"the network knows {', '.join(network.classes)}"
        )
    return NetworkInpainter(OfClass(network, label), card, device, precision)


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """The constructor's arguments, told from the shapes of a state dict.

    Names of classes leave no trace there: five are taken for the usual ones, others are numbered.

    Args:
        shapes: Shape of every tensor by name, wrappers stripped, spectral normalisation folded.

    Returns:
        None if these are not the weights of such a network.
    """
    if not {"shared.weight", "stem.weight", "decoder.0.norm1.gain.weight"} <= shapes.keys():
        return None
    n_down, n_middle = _blocks(shapes, "encoder"), _blocks(shapes, "middle")
    number, embedding = shapes["shared.weight"]
    numbered = tuple(f"class {i}" for i in range(number))
    return {
        "width": shapes["stem.weight"][0],
        "n_down": n_down,
        "n_middle": n_middle,
        "max_width": shapes[f"encoder.{n_down - 1}.conv2.weight"][0],
        "chunk": shapes["decoder.0.norm1.gain.weight"][1] - embedding,
        "embedding": embedding,
        "classes": CLASSES if number == len(CLASSES) else numbered,
    }


def _blocks(shapes: Mapping[str, tuple[int, ...]], part: str) -> int:
    return len(list(takewhile(lambda i: f"{part}.{i}.conv1.weight" in shapes, count())))
