"""BigGAN's residual blocks, and how their weights start and stay bounded.

Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis", ICLR 2019,
appendix B, figure 15. Convolutions mirror the picture at its border instead of adding black.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from models.device import one_thread
from models.networks.conditional_norm import ConditionalNorm


def conv3(ins: int, outs: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps height and width; both must be at least 2."""
    return nn.Conv2d(ins, outs, 3, padding=1, padding_mode="reflect")


class DownBlock(nn.Module):
    """Residual block of the discriminator, also of an encoder: half the height and width.

    Without normalisation, as there: what it passes on keeps the contrast of the picture. Channels
    grow in the second convolution, not in the first: half the work at full size.

    Args:
        ins: Channels in.
        outs: Channels out.
        first: Whether it sees a picture, which has no negative half to cut off beforehand.
    """

    def __init__(self, ins: int, outs: int, first: bool = False) -> None:
        super().__init__()
        self.first = first
        inner = outs if first else ins
        self.conv1 = conv3(ins, inner)
        self.conv2 = conv3(inner, outs)
        self.shortcut = nn.Conv2d(ins, outs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, ins, H, W) to (B, outs, H / 2, W / 2), H and W even."""
        inner = self.conv1(x if self.first else torch.relu(x))
        inner = F.avg_pool2d(self.conv2(torch.relu(inner)), 2)
        return inner + self.shortcut(F.avg_pool2d(x, 2))  # type: ignore[no-any-return]


class ConditionalBlock(nn.Module):
    """Residual block of the generator, conditionally normalised; ``up`` doubles height and width.

    A block that goes up also takes the encoder's features of its size. They join the branch that
    is normalised, which refines them, and the sum that is not, where they keep their contrast.

    Args:
        ins: Channels in.
        outs: Channels out.
        condition: Length of the condition.
        up: Whether it enlarges.
    """

    def __init__(self, ins: int, outs: int, condition: int, up: bool = False) -> None:
        super().__init__()
        self.norm1 = ConditionalNorm(ins, condition)
        self.conv1 = conv3(ins, outs)
        self.norm2 = ConditionalNorm(outs, condition)
        self.conv2 = conv3(outs, outs)
        self.shortcut = nn.Conv2d(ins, outs, 1) if up or ins != outs else nn.Identity()
        self.join = nn.Conv2d(outs, outs, 1) if up else None

    def forward(self, x: Tensor, condition: Tensor, skip: Tensor | None = None) -> Tensor:
        """(B, ins, H, W), (B, ``condition``) and, going up, (B, outs, 2H, 2W); to the latter's."""
        inner, plain = torch.relu(self.norm1(x, condition)), self.shortcut(x)
        if self.join is None or skip is None:
            inner = self.conv1(inner)
        else:
            joined = self.join(skip)
            inner = self.conv1(F.interpolate(inner, scale_factor=2.0)) + joined
            plain = F.interpolate(plain, scale_factor=2.0) + joined
        inner = self.conv2(torch.relu(self.norm2(inner, condition)))
        return plain + inner  # type: ignore[no-any-return]


def start_orthogonal(network: nn.Module) -> None:
    """Orthogonal weights and no bias, in place (section 3.1; Saxe et al., ICLR 2014)."""
    with one_thread():  # on several, QR decompositions of this size wait for each other
        for layer in network.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear, nn.Embedding)):
                nn.init.orthogonal_(layer.weight)
            if isinstance(layer, (nn.Conv2d, nn.Linear)) and layer.bias is not None:
                nn.init.zeros_(layer.bias)


def bound_spectrum(network: nn.Module, spare: Collection[nn.Module] = ()) -> None:
    """Divide every weight by its largest singular value from now on, in place.

    Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018. By a
    parametrisation: the network can be copied at any time and ``fold_spectrum`` leaves no trace.
    Orthogonal weights have singular values of one and are not changed by it.

    Args:
        network: Its convolutions, linear layers and embeddings are bounded.
        spare: Layers that are left as they are.
    """
    for layer in list(network.modules()):
        if isinstance(layer, (nn.Conv2d, nn.Linear, nn.Embedding)) and layer not in spare:
            spectral_norm(layer)


def fold_spectrum(network: nn.Module) -> None:
    """Replace bounded weights by their present values, in place: plain layers, the same outputs."""
    for layer in list(network.modules()):
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
