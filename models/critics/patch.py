"""Networks that tell real windows from filled ones, patch by patch.

All are called alike, so that one training step serves them: a picture in 0..1, and the mask, which
some look at; logits and feature maps come back. Key names are those of the published networks.
``models.critics.local`` has those that look at whole pictures and at the hole.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from models.networks.spectral import spectral


class Discriminator(nn.Module):
    """Base: (B, C, H, W) and its mask to logits (B, c, h, w) and the feature maps before them."""

    def forward(self, image: Tensor, mask: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """Judge pictures.

        Args:
            image: (B, C, H, W) in 0..1, untouched or filled.
            mask: (B, 1, H, W), 1 where pixels were missing; the same for both of a pair.

        Raises:
            ValueError: If this network needs a mask and none is given.
        """
        raise NotImplementedError


def through(blocks: Iterable[nn.Module], x: Tensor) -> list[Tensor]:
    """The output of every block, each fed with the one before."""
    maps = []
    for block in blocks:
        x = block(x)
        maps.append(x)
    return maps


class PatchDiscriminator(Discriminator):
    """LaMa's PatchGAN: one logit per overlapping patch, and its feature maps.

    Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, in
    the layout of the published LaMa discriminator (``model0`` ... ``model5``).

    Args:
        ndf: Channels of the first layer, doubled up to 512.
        n_layers: Halvings.
    """

    def __init__(self, ndf: int = 64, n_layers: int = 4) -> None:
        super().__init__()
        widths = [ndf] + [min(512, ndf * 2**i) for i in range(1, n_layers + 1)]
        self.model0 = nn.Sequential(nn.Conv2d(3, ndf, 4, 2, 2), nn.LeakyReLU(0.2))
        for i, (ins, outs) in enumerate(pairwise(widths), start=1):
            stride = 1 if i == n_layers else 2
            block = nn.Sequential(
                nn.Conv2d(ins, outs, 4, stride, 2), nn.BatchNorm2d(outs), nn.LeakyReLU(0.2)
            )
            self.add_module(f"model{i}", block)
        self.add_module(f"model{n_layers + 1}", nn.Sequential(nn.Conv2d(widths[-1], 1, 4, 1, 2)))

    def forward(self, image: Tensor, mask: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """(B, 3, H, W) in 0..1 to logits (B, 1, h, w) and the feature maps before them."""
        maps = through(self.children(), image)
        return maps[-1], maps[:-1]


class SpectralPatchDiscriminator(Discriminator):
    """EdgeConnect's 70x70 PatchGAN with spectral normalisation (Nazeri et al., ICCVW 2019).

    Published files hold the first layer twice, as ``conv1`` and as ``features``; they load
    strictly, and one of the two is left out.

    Args:
        channels: 3 for pictures; 2 for edges, where ``image`` is grey values and edges.
        ndf: Channels of the first layer, doubled by the next three.
        normalised: Spectral normalisation; without it the layers have biases, as published.
    """

    def __init__(self, channels: int = 3, ndf: int = 64, normalised: bool = True) -> None:
        super().__init__()
        self.register_load_state_dict_pre_hook(_drop_alias)  # type: ignore[no-untyped-call]
        widths = [channels, ndf, 2 * ndf, 4 * ndf, 8 * ndf, 1]
        for i, (ins, outs) in enumerate(pairwise(widths), start=1):
            layer = nn.Conv2d(ins, outs, 4, 2 if i <= 3 else 1, 1, bias=not normalised)
            block = nn.Sequential(spectral(layer) if normalised else layer)
            if i <= 4:
                block.append(nn.LeakyReLU(0.2))
            self.add_module(f"conv{i}", block)

    def forward(self, image: Tensor, mask: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """(B, channels, H, W) in 0..1 to logits (B, 1, H/8 - 2, W/8 - 2), before any sigmoid."""
        maps = through(self.children(), image)
        return maps[-1], maps[:-1]


def _drop_alias(
    network: nn.Module, state: MutableMapping[str, Tensor], prefix: str, *_: object
) -> None:
    for key in [key for key in state if key.startswith(f"{prefix}features.")]:
        del state[key]


class AotDiscriminator(Discriminator):
    """AOT-GAN's PatchGAN (Zeng et al., TVCG 2022), for the losses of ``models.training.soft_mask``.

    Args:
        ndf: Channels of the first layer, doubled by the next three.
    """

    def __init__(self, ndf: int = 64) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for i, (ins, outs) in enumerate(pairwise([3, ndf, 2 * ndf, 4 * ndf, 8 * ndf])):
            stride = 2 if i <= 2 else 1
            blocks += [spectral(nn.Conv2d(ins, outs, 4, stride, 1, bias=False)), nn.LeakyReLU(0.2)]
        self.conv = nn.Sequential(*blocks, nn.Conv2d(8 * ndf, 1, 4, 1, 1))

    def forward(self, image: Tensor, mask: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """(B, 3, H, W) in 0..1 to logits (B, 1, H/8 - 2, W/8 - 2)."""
        maps = through(self.conv, image * 2 - 1)
        return maps[-1], maps[1:-1:2]


class SnPatchDiscriminator(Discriminator):
    """DeepFillv2's SN-PatchGAN: every value of the last map is a judgement.

    Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019, section 3.2. It sees
    the mask beside the picture. The keys are those of the PyTorch port's discriminator; files from
    before that used torch's normalisation (``weight`` and ``weight_u`` only) load strictly too.

    Args:
        cnum: Channels of the first layer; the next two double them, the last three keep them.
    """

    def __init__(self, cnum: int = 64) -> None:
        super().__init__()
        widths = [4, cnum, 2 * cnum, 4 * cnum, 4 * cnum, 4 * cnum, 4 * cnum]
        for i, (ins, outs) in enumerate(pairwise(widths), start=1):
            layer = parametrizations.spectral_norm(nn.Conv2d(ins, outs, 5, 2, 2))
            layer.register_load_state_dict_pre_hook(_modernise)
            self.add_module(f"conv{i}", nn.Sequential())
            self.get_submodule(f"conv{i}").add_module("conv_sn", layer)

    def forward(self, image: Tensor, mask: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """(B, 3, H, W) in 0..1 to logits (B, 4 cnum, H/64, W/64), rectified as published."""
        if mask is None:
            raise ValueError("this discriminator looks at the mask: call it with one")
        x = torch.cat([image * 2 - 1, mask.to(image.dtype)], dim=1)
        maps = []
        for block in self.children():
            x = F.leaky_relu(block(x), 0.2)
            maps.append(x)
        return maps[-1], maps[:-1]


def _modernise(
    layer: nn.Module, state: MutableMapping[str, Tensor], prefix: str, *_: object
) -> None:
    weight, u = state.pop(f"{prefix}weight", None), state.pop(f"{prefix}weight_u", None)
    if weight is not None and u is not None:
        left = u.flatten()
        state[f"{prefix}parametrizations.weight.original"] = weight
        state[f"{prefix}parametrizations.weight.0._u"] = left
        right = F.normalize(weight.flatten(1).t() @ left, dim=0)
        state[f"{prefix}parametrizations.weight.0._v"] = right
