"""Context Encoder: the first network that learned to fill a hole from what surrounds it.

Pathak et al., "Context Encoders: Feature Learning by Inpainting", CVPR 2016 (arXiv:1604.07379), in
the layout of the PyTorch port whose weights are published (``main.0.weight`` ...). The published
network predicts the central quarter of a fixed window; ``free_form`` is the paper's generalisation
to regions of any shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.cards import InpainterCard
from models.draws import Draw
from models.inpainter import Inpainter
from models.network import InpaintingNetwork, in_float32
from models.network_inpainter import NetworkInpainter
from models.networks.centre_windows import CentreWindows
from models.prefill import prefill

_DEEPEST = 4  # side of the feature map in which every position is connected with every other
_ERASED = (117 / 255, 104 / 255, 123 / 255)  # what stands in the centre, 0..1, as trained
_AT_ONCE = 16  # windows of one forward


class ChannelwiseConnected(nn.Module):
    """Each feature map fully connected with itself (section 3.1): m n^4 weights, not m^2 n^4.

    Args:
        channels: m feature maps.
        side: n, their height and width.
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, side**2, side**2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, side, side) to the same."""
        mixed = x.flatten(2).unsqueeze(2) @ self.weight
        return mixed.reshape(x.shape)


class ContextEncoder(InpaintingNetwork):
    """Encoder, bottleneck, decoder.

    Published losses: 0.999 times the squared error, weighted by ``overlap_weights``, plus 0.001
    times the non-saturating adversarial loss of the centre.

    Args:
        nef: Channels of the encoder's first layer.
        ngf: Channels before the decoder's last layer.
        bottleneck_channels: Length of the code of the dense bottleneck.
        bottleneck: ``dense`` as in the port: 4x4 convolutions to and from a code of 1x1 (training
            needs two windows at least, to normalise it); or ``channelwise`` as in the paper:
            ``ChannelwiseConnected``, then a 1x1 convolution.
        free_form: Regions of any shape: the mask is a fourth input, the whole window the output.
        side: Height and width of the window: 32, 64, 128 ...
        overlap: Width of the centre's border that stays known and is predicted nevertheless;
            unused with ``free_form``.

    Raises:
        ValueError: If an argument is none of these.
    """

    def __init__(
        self,
        nef: int = 64,
        ngf: int = 64,
        bottleneck_channels: int = 4000,
        bottleneck: str = "dense",
        free_form: bool = False,
        side: int = 128,
        overlap: int = 4,
    ) -> None:
        super().__init__()
        halvings = (side // _DEEPEST).bit_length() - 1
        if halvings < 3 or side != _DEEPEST << halvings:
            raise ValueError(f"side must be 32, 64, 128 ..., not {side}")
        if bottleneck not in ("dense", "channelwise"):
            raise ValueError(f"bottleneck must be 'dense' or 'channelwise', not {bottleneck!r}")
        if not 0 <= 4 * overlap < side:
            raise ValueError(f"an overlap of {overlap} leaves nothing of the centre of {side}")
        down = [nef] + [nef * min(8, 2**i) for i in range(halvings - 1)]
        doublings = halvings if free_form else halvings - 1
        up = [ngf * min(8, 2**i) for i in reversed(range(doublings))]
        layers: list[nn.Module] = [nn.Conv2d(4 if free_form else 3, nef, 4, 2, 1, bias=False)]
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        for ins, outs in pairwise(down):
            layers.append(nn.Conv2d(ins, outs, 4, 2, 1, bias=False))
            layers += [nn.BatchNorm2d(outs), nn.LeakyReLU(0.2, inplace=True)]
        if bottleneck == "dense":
            layers += _dense(down[-1], bottleneck_channels, up[0])
        else:
            layers += _channelwise(down[-1], up[0])
        for ins, outs in pairwise(up):
            layers.append(nn.ConvTranspose2d(ins, outs, 4, 2, 1, bias=False))
            layers += [nn.BatchNorm2d(outs), nn.ReLU(inplace=True)]
        layers += [nn.ConvTranspose2d(up[-1], 3, 4, 2, 1, bias=False), nn.Tanh()]
        self.main = nn.Sequential(*layers)
        self.main.apply(_initialise)
        self.side = self.window = side
        self.free_form = free_form
        self.overlap = overlap

    def forward(self, x: Tensor) -> Tensor:
        """The centre, or with ``free_form`` the window.

        Args:
            x: (B, 3, side, side) in -1..1 with the centre erased; with ``free_form`` (B, 4, side,
                side), zero inside holes, and the mask (1 inside holes) as the fourth channel.

        Returns:
            (B, 3, side / 2, side / 2) in -1..1; with ``free_form`` (B, 3, side, side).
        """
        return in_float32(self.main[-2:], self.main[:-2](x))

    def centre(self, windows: Tensor) -> Tensor:
        """The predicted centre of windows that are known all around it.

        Args:
            windows: (B, 3, side, side) in 0..1; what lies in the centre is ignored but for its
                border of ``overlap`` pixels.

        Returns:
            (B, 3, side / 2, side / 2) on the same scale.
        """
        core = self.window // 2 - 2 * self.overlap
        erased = _centred(windows.new_ones(1, 1, core, core), self.window)
        colour = windows.new_tensor(_ERASED).view(1, 3, 1, 1)
        seen = torch.where(erased > 0, colour, windows)
        return (self(seen * 2 - 1) + 1) / 2  # type: ignore[no-any-return]

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> Sequence[Tensor]:
        """One picture.

        Without ``free_form`` the centre is erased and predicted whatever the mask says, and holes
        outside of it are filled smoothly: meant for masks of the centre.
        """
        if self.free_form:
            emptied = (image * 2 - 1) * (1 - mask)
            return [(self(torch.cat([emptied, mask], dim=1)) + 1) / 2]
        around = prefill(image, mask)
        centre = self.centre(around)
        inside = _centred(torch.ones_like(centre[:, :1]), self.window) > 0
        return [torch.where(inside, _centred(centre, self.window), around)]


def _dense(ins: int, code: int, outs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(ins, code, _DEEPEST, bias=False),
        nn.BatchNorm2d(code),
        nn.LeakyReLU(0.2, inplace=True),
        nn.ConvTranspose2d(code, outs, _DEEPEST, bias=False),
        nn.BatchNorm2d(outs),
        nn.ReLU(inplace=True),
    ]


def _channelwise(ins: int, outs: int) -> list[nn.Module]:
    return [
        ChannelwiseConnected(ins, _DEEPEST),
        nn.BatchNorm2d(ins),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(ins, outs, 1, bias=False),
        nn.BatchNorm2d(outs),
        nn.ReLU(inplace=True),
    ]


def _initialise(module: nn.Module) -> None:
    """DCGAN's initialisation, which the paper trains from."""
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
    elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, ChannelwiseConnected)):
        nn.init.normal_(module.weight, std=0.02)


def _centred(square: Tensor, side: int) -> Tensor:
    """(..., s, s) in the middle of zeros (..., side, side)."""
    rim = (side - square.shape[-1]) // 2
    return F.pad(square, (rim, rim, rim, rim))


def overlap_weights(side: int = 64, overlap: int = 4, border: float = 10.0) -> Tensor:
    """Weights of the squared error of a predicted centre (section 4.2 of the paper).

    The border of the centre is known to the network; it counts tenfold, so that the prediction
    continues what surrounds it.

    Args:
        side: Of the centre.
        overlap: Width of its known border.
        border: Weight there; 1 elsewhere.

    Returns:
        (1, 1, side, side).
    """
    core = torch.ones(1, 1, side - 2 * overlap, side - 2 * overlap)
    return border + (1 - border) * _centred(core, side)


class ContextEncoderInpainter(NetworkInpainter):
    """The centre-hole network for holes of any shape and pictures of any size.

    Centres are laid over the damage and predicted from what is known around them; other damage in
    a window is filled smoothly first.
    """

    network: ContextEncoder

    def _sample(self, image: Tensor, holes: Tensor, draw: Draw) -> Tensor:
        overlap = self.network.overlap
        core = self.network.window // 2 - 2 * overlap
        layout = CentreWindows(self.network.window, core, feather=core // 7)
        around = prefill(image, holes)
        targets = layout.targets(holes)
        cores = []
        with torch.autocast(image.device.type, self.dtype, enabled=self.dtype is not None):
            for start in range(0, len(targets), _AT_ONCE):
                windows = layout.cut(around, targets[start : start + _AT_ONCE])
                cores.append(F.pad(self.network.centre(windows), 4 * (-overlap,)))
        return layout.blend(around, targets, torch.cat(cores))


def inpainter(
    network: ContextEncoder, card: InpainterCard, device: str = "auto", precision: str = "auto"
) -> Inpainter:
    """The inpainter for a network of this file; what ``models.load`` calls."""
    kind = NetworkInpainter if network.free_form else ContextEncoderInpainter
    return kind(network, card, device, precision)


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Arguments that rebuild a network of this layout; None if it is another network.

    Args:
        shapes: Of the tensors of a state_dict, by key.
    """
    numbers = [key.split(".") for key in shapes if key.startswith("main.")]
    first = shapes.get("main.0.weight", ())
    if len(numbers) != len(shapes) or first[1:] not in ((3, 4, 4), (4, 4, 4)):
        return None
    free_form = first[1] == 4
    number = max(int(parts[1]) for parts in numbers if parts[1].isdigit())
    last = shapes.get(f"main.{number}.weight", ())
    # main.29 ends the published network of five halvings, and each takes six numbers.
    halvings, rest = divmod(number - 2 if free_form else number + 1, 6)
    code = shapes.get(f"main.{3 * halvings - 1}.weight", ())
    if rest or halvings < 3 or last[1:] != (3, 4, 4) or len(code) not in (3, 4):
        return None
    config = {"nef": first[0], "ngf": last[0], "side": _DEEPEST << halvings, "free_form": free_form}
    if len(code) == 3:
        return config | {"bottleneck": "channelwise"}
    return config | {"bottleneck": "dense", "bottleneck_channels": code[0]}
