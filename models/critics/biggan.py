"""Judge of completions by kind of object: patch by patch, and the window as a whole."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from models.networks.biggan_blocks import DownBlock, bound_spectrum, start_orthogonal
from models.networks.conditional_norm import class_vectors
from models.networks.self_attention import SelfAttention


class ProjectionDiscriminator(nn.Module):
    """BigGAN's discriminator with a logit for every patch.

    Miyato and Koyama, "cGANs with Projection Discriminator", ICLR 2018, eq. 3: the logit of a
    picture is psi(phi) + <class vector, phi>, phi being its pooled features. Only a part of a
    completed window was made up, so each place has a logit of its own as well:
    logit(p) = local(phi_p) + psi(mean phi) + <class vector, mean phi>. Means instead of the paper's
    sums, so that windows of any size are judged on one scale. Attention before the last block
    (Zhang et al., 2019); spectral normalisation everywhere; no batch statistics.

    The mask is shown with real pictures too, the one they are to be compared under: it says where
    to look, not what is fake.

    Args:
        width: Channels after the first block; doubled by every halving up to ``max_width``.
        n_down: Halvings.
        max_width: Upper bound of the channels.
        classes: Number of kinds of object.
    """

    def __init__(
        self, width: int = 64, n_down: int = 4, max_width: int = 512, classes: int = 5
    ) -> None:
        super().__init__()
        widths = [min(max_width, width * 2**i) for i in range(n_down)]
        first = DownBlock(4, width, first=True)
        self.blocks = nn.ModuleList([first, *(DownBlock(*pair) for pair in pairwise(widths))])
        self.attention = SelfAttention(widths[max(0, n_down - 2)])
        self.local = nn.Conv2d(widths[-1], 1, 1)
        self.whole = nn.Linear(widths[-1], 1)
        self.embedding = nn.Embedding(classes, widths[-1])
        start_orthogonal(self)
        bound_spectrum(self)

    def forward(
        self, image: Tensor, mask: Tensor | None = None, label: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Judge a batch.

        Args:
            image: (B, 3, H, W) in 0..1; H and W multiples of 2**``n_down``.
            mask: (B, 1, H, W), 1 inside the holes; None if it is not to be told.
            label: (B,) int64, -1 for unknown; None if unknown for all.

        Returns:
            Logits (B, 1, H / 2**``n_down``, W / 2**``n_down``), and the feature maps before them.
        """
        mask = torch.zeros_like(image[:, :1]) if mask is None else mask
        x = torch.cat([2 * image - 1, mask], dim=1)
        maps = []
        for i, block in enumerate(self.blocks, start=1):
            x = block(x)
            if i == max(1, len(self.blocks) - 1):
                x = self.attention(x)
            maps.append(x)
        features = torch.relu(x)
        pooled = features.mean((2, 3))
        kind = class_vectors(self.embedding.weight, label, image.shape[0])
        whole = self.whole(pooled) + (kind * pooled).sum(1, keepdim=True)
        return self.local(features) + whole[:, :, None, None], maps
