"""DeepFillv2 with the weights that its authors published, which were trained in TensorFlow.

Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019 (arXiv:1806.03589). The
layers are named like the converted checkpoints (``states_tf_*.pth``: ``conv1.conv.weight``,
``xconv1.conv.weight``, ``pmconv1.conv.weight`` ...), which are the names of the TensorFlow
variables too. The layers are those of ``models.networks.deepfillv2``; the arithmetic is not:

* strided layers pad as TensorFlow's ``SAME`` does, one zero more after than before;
* attention down-samples features and mask as TensorFlow's ``align_corners`` does;
* attention does not fuse its scores. (The original graph does, the converted network, whose outputs
  are reproduced here, does not; it also samples the mask once, by 8, where the original samples it
  twice, by 4 and by 2.)
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_letters
from typing import Any

import torch
from torch import Tensor, nn

from models.networks.contextual_attention import ContextualAttention
from models.networks.deepfillv2 import DILATIONS, CoarseToFine, check_width, paste
from models.networks.gated import GatedConv, GatedUpsample, PictureConv, adopt, run

_SCOPE = "inpaint_net"

# Chains of layers: the name, and the channels in quarters of ``cnum``; 0 is the picture.
_COARSE = {
    "conv1": 2,
    "conv2_downsample": 4,
    "conv3": 4,
    "conv4_downsample": 8,
    **dict.fromkeys(("conv5", "conv6"), 8),
    **{f"conv{index}_atrous": 8 for index in (7, 8, 9, 10)},
    **dict.fromkeys(("conv11", "conv12"), 8),
    "conv13_upsample": 4,
    "conv14": 4,
    "conv15_upsample": 2,
    "conv16": 1,
    "conv17": 0,
}
_INVENT = {
    "xconv1": 2,
    "xconv2_downsample": 2,
    "xconv3": 4,
    "xconv4_downsample": 4,
    **dict.fromkeys(("xconv5", "xconv6"), 8),
    **{f"xconv{index}_atrous": 8 for index in (7, 8, 9, 10)},
}
_LOOK = {
    "pmconv1": 2,
    "pmconv2_downsample": 2,
    "pmconv3": 4,
    "pmconv4_downsample": 8,
    "pmconv5": 8,
    "pmconv6": 8,
}
_BORROW = {"pmconv9": 8, "pmconv10": 8}
_JOIN = {
    "allconv11": 8,
    "allconv12": 8,
    "allconv13_upsample": 4,
    "allconv14": 4,
    "allconv15_upsample": 2,
    "allconv16": 1,
    "allconv17": 0,
}


class DeepFillV2TF(CoarseToFine):
    """The TensorFlow variant.

    Args:
        cnum_in: Input channels: picture, ones, mask.
        cnum_out: Channels of the picture.
        cnum: Width of the first strided layer; others are multiples of a quarter of it.
        fuse: Fuse the attention's scores, as the original TensorFlow graph does.
    """

    def __init__(
        self, cnum_in: int = 5, cnum_out: int = 3, cnum: int = 48, fuse: bool = False
    ) -> None:
        super().__init__()
        check_width(cnum)
        self._coarse = adopt(self, _layers(_COARSE, cnum_in, cnum_out, cnum))
        self._invent = adopt(self, _layers(_INVENT, cnum_out, cnum_out, cnum))
        self._look = adopt(self, _layers(_LOOK, cnum_out, cnum_out, cnum))
        self.contextual_attention = ContextualAttention(fuse=fuse, corners=True)
        self._borrow = adopt(self, _layers(_BORROW, 2 * cnum, cnum_out, cnum))
        self._join = adopt(self, _layers(_JOIN, 4 * cnum, cnum_out, cnum))

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """See ``CoarseToFine.forward``."""
        coarse = run(self, self._coarse, x)
        picture = paste(coarse, x, mask)
        seen = run(self, self._look, picture)
        borrowed = run(self, self._borrow, self.contextual_attention(seen, seen, mask))
        invented = run(self, self._invent, picture)
        return coarse, run(self, self._join, torch.cat([invented, borrowed], dim=1))


def _layers(chain: Mapping[str, int], ins: int, channels: int, cnum: int) -> dict[str, nn.Module]:
    layers = {}
    for name, quarters in chain.items():
        outs = quarters * cnum // 4 or channels
        layers[name] = _layer(name, ins, outs)
        ins = outs
    return layers


def _layer(name: str, ins: int, outs: int) -> nn.Module:
    """What a layer is can be read from its name, as published."""
    stem, _, kind = name.partition("_")
    index = int(stem.strip(ascii_letters))
    if kind == "upsample":
        return GatedUpsample(ins, outs)
    if kind == "downsample":
        return GatedConv(ins, outs, stride=2, same=True)
    if kind == "atrous":
        return GatedConv(ins, outs, dilation=DILATIONS[index - 7])
    if index == 17:
        return PictureConv(ins, outs)
    activation = "relu" if stem == "pmconv6" else "elu"
    return GatedConv(ins, outs, 5 if index == 1 else 3, activation=activation)


def tf_names() -> dict[str, str]:
    """The authors' TensorFlow variables and the state_dict keys that they become.

    For the checkpoints of ``JiahuiYu/generative_inpainting``. A kernel is (height, width, in, out)
    there and (out, in, height, width) here: ``kernel.transpose(3, 2, 0, 1)``. The checkpoints hold
    the discriminator and the optimiser's variables besides.
    """
    names = {}
    for name in (*_COARSE, *_INVENT, *_LOOK, *_BORROW, *_JOIN):
        scope, layer = f"{_SCOPE}/{name}", name
        if name.endswith("_upsample"):
            scope, layer = f"{scope}/{name}_conv", f"{name}.conv"
        names[f"{scope}/kernel"] = f"{layer}.conv.weight"
        names[f"{scope}/bias"] = f"{layer}.conv.bias"
    return names


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor arguments of the network whose state_dict has these keys and shapes.

    Returns:
        None if they are not of this layout.
    """
    first, last = shapes.get("conv1.conv.weight"), shapes.get("allconv17.conv.weight")
    if first is None or last is None or "pmconv1.conv.weight" not in shapes:
        return None
    return {"cnum_in": first[1], "cnum_out": last[0], "cnum": first[0]}
