"""DeepFillv2: gated convolutions, a coarse guess, then refinement with contextual attention.

Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019 (arXiv:1806.03589),
figure 3. The module tree is named like the checkpoints that were trained in PyTorch
(``states_pt_*.pth``: ``stage1.conv1.conv.weight`` ...), so that they load strictly. Those that were
converted from TensorFlow have another layout and other arithmetic: see
``models.networks.deepfillv2_tf``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models.network import InpaintingNetwork
from models.networks.contextual_attention import ContextualAttention
from models.networks.gated import GatedConv, GatedUpsample, PictureConv, adopt, run

DILATIONS = (2, 4, 8, 16)  # of the layers in the middle, which look across the hole


class CoarseToFine(InpaintingNetwork):
    """What both published variants share: their arguments and what they see.

    The features are a quarter of the picture, and attention compares them at half of that.
    """

    multiple = 8
    least = 8

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The published forward.

        Args:
            x: (B, 5, H, W): the picture in -1..1 with its holes set to 0, ones, the mask.
            mask: (B, 1, H, W), 1 inside the holes.

        Returns:
            Coarse and refined picture, (B, 3, H, W) in -1..1 each. Only the refined one's holes are
            meant to be used; its known pixels are a by-product.
        """
        raise NotImplementedError

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> list[Tensor]:
        """Coarse picture, refined picture; see ``InpaintingNetwork.stages``."""
        picture = (2 * image - 1) * (1 - mask)
        x = torch.cat([picture, torch.ones_like(mask), mask], dim=1)
        return [(stage + 1) / 2 for stage in self(x, mask)]


def paste(coarse: Tensor, x: Tensor, mask: Tensor) -> Tensor:
    """What the second stage sees: the coarse picture in the holes, the known one around them."""
    return coarse * mask + x[:, : coarse.shape[1]] * (1 - mask)


def check_width(cnum: int) -> None:
    """Refuse widths that cannot be halved twice.

    Raises:
        ValueError: If ``cnum`` is not a multiple of 4.
    """
    if cnum < 4 or cnum % 4:
        raise ValueError(f"cnum must be a multiple of 4, not {cnum}")


class DeepFillV2(CoarseToFine):
    """The PyTorch variant: symmetric padding, attention with fused scores.

    Args:
        cnum_in: Input channels: picture, ones, mask.
        cnum_out: Channels of the picture.
        cnum: Width of the first strided layer; others are multiples of a quarter of it.
    """

    def __init__(self, cnum_in: int = 5, cnum_out: int = 3, cnum: int = 48) -> None:
        super().__init__()
        check_width(cnum)
        self.stage1 = _coarse(cnum_in, cnum_out, cnum)
        self.stage2 = _Refinement(cnum_out, cnum)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """See ``CoarseToFine.forward``."""
        coarse = self.stage1(x)
        return coarse, self.stage2(paste(coarse, x, mask), mask)


class _Refinement(nn.Module):
    """Two branches over the pasted picture: one invents, one borrows; then one picture."""

    def __init__(self, channels: int, cnum: int) -> None:
        super().__init__()
        half, wide = cnum // 2, 2 * cnum
        invent: dict[str, nn.Module] = {
            "conv_conv1": GatedConv(channels, half, 5),
            "conv_down_block1": _down(half, half, cnum),
            "conv_down_block2": _down(cnum, cnum, wide),
        }
        for index, dilation in enumerate((1, *DILATIONS), start=1):
            invent[f"conv_conv_bn{index}"] = GatedConv(wide, wide, dilation=dilation)
        self._invent = adopt(self, invent)
        self._look = adopt(
            self,
            {
                "ca_conv1": GatedConv(channels, half, 5),
                "ca_down_block1": _down(half, half, cnum),
                "ca_down_block2": _down(cnum, wide, wide),
                "ca_conv_bn1": GatedConv(wide, wide, activation="relu"),
            },
        )
        self.contextual_attention = ContextualAttention()
        # The published layout carries the kernel of the fusion, which is always the identity.
        self.contextual_attention.register_buffer("fuse_weight", torch.eye(3)[None, None])
        self._borrow = adopt(
            self, {f"ca_conv_bn{index}": GatedConv(wide, wide) for index in (4, 5)}
        )
        self._join = adopt(
            self,
            {
                "conv_bn6": GatedConv(2 * wide, wide),
                "conv_bn7": GatedConv(wide, wide),
                **_to_picture(channels, cnum),
            },
        )

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        """(B, 3, H, W) in -1..1 and (B, 1, H, W) to (B, 3, H, W) in -1..1."""
        seen = run(self, self._look, picture)
        borrowed = run(self, self._borrow, self.contextual_attention(seen, seen, mask))
        invented = run(self, self._invent, picture)
        return run(self, self._join, torch.cat([invented, borrowed], dim=1))


def _coarse(cnum_in: int, cnum_out: int, cnum: int) -> nn.Sequential:
    half, wide = cnum // 2, 2 * cnum
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=GatedConv(cnum_in, half, 5),
        down_block1=_down(half, cnum, cnum),
        down_block2=_down(cnum, wide, wide),
    )
    for index, dilation in enumerate((1, *DILATIONS, 1, 1), start=1):
        layers[f"conv_bn{index}"] = GatedConv(wide, wide, dilation=dilation)
    layers.update(_to_picture(cnum_out, cnum))
    return nn.Sequential(layers)


def _down(ins: int, hidden: int, outs: int) -> nn.Sequential:
    halve, then = GatedConv(ins, hidden, stride=2), GatedConv(hidden, outs)
    return nn.Sequential(OrderedDict(conv1_downsample=halve, conv2=then))


def _up(ins: int, hidden: int, outs: int) -> nn.Sequential:
    double, then = GatedUpsample(ins, hidden), GatedConv(hidden, outs)
    return nn.Sequential(OrderedDict(conv1_upsample=double, conv2=then))


def _to_picture(channels: int, cnum: int) -> dict[str, nn.Module]:
    return {
        "up_block1": _up(2 * cnum, cnum, cnum),
        "up_block2": _up(cnum, cnum // 2, cnum // 4),
        "conv_to_rgb": PictureConv(cnum // 4, channels),
    }


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor arguments of the network whose state_dict has these keys and shapes.

    Returns:
        None if they are not of this layout.
    """
    first = shapes.get("stage1.conv1.conv.weight")
    last = shapes.get("stage2.conv_to_rgb.conv.weight")
    if first is None or last is None or "stage2.ca_conv1.conv.weight" not in shapes:
        return None
    return {"cnum_in": first[1], "cnum_out": last[0], "cnum": first[0]}
