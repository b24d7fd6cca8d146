"""Discriminators that look at the hole, alone or together with the whole picture."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.critics.patch import Discriminator, through

_LEAST = 4  # side of the last map before everything is joined


def crop_around(image: Tensor, mask: Tensor, side: int) -> Tensor:
    """The square of every picture whose middle is nearest to the middle of its hole.

    Differentiable, and without a round trip to the CPU.

    Args:
        image: (B, C, H, W).
        mask: (B, 1, H, W), non-zero where missing; the middle of the picture where nothing is.
        side: Of the square, at most H and W.

    Returns:
        (B, C, side, side).

    Raises:
        ValueError: If the picture is smaller than that.
    """
    height, width = image.shape[-2:]
    if side > min(height, width):
        raise ValueError(f"a square of {side} does not fit into {height} x {width}")
    rows = _middle(mask.amax((1, 3)), side)
    columns = _middle(mask.amax((1, 2)), side)
    batch = torch.arange(len(image), device=image.device)[:, None, None]
    squares: Tensor = image.movedim(1, -1)[batch, rows[:, :, None], columns[:, None, :]]
    return squares.movedim(-1, 1)


def _middle(touched: Tensor, side: int) -> Tensor:
    """Indices (B, side) around the middle of the non-zero span of (B, n), within 0..n - 1."""
    length = touched.shape[1]
    touched = (touched != 0).to(torch.uint8)
    first = touched.argmax(1)
    last = length - 1 - touched.flip(1).argmax(1)
    start = torch.div(first + last + 1 - side, 2, rounding_mode="floor").clamp(0, length - side)
    return start[:, None] + torch.arange(side, device=touched.device)


class ContextEncoderDiscriminator(Discriminator):
    """The Context Encoder's discriminator of the filled square (Pathak et al., CVPR 2016).

    In the layout of the PyTorch port's ``netlocalD``.

    Args:
        channels: Of the picture.
        ndf: Channels of the first layer, doubled by the next three.
    """

    side = 64

    def __init__(self, channels: int = 3, ndf: int = 64) -> None:
        super().__init__()
        blocks: list[nn.Module] = [nn.Conv2d(channels, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        for ins, outs in pairwise([ndf, 2 * ndf, 4 * ndf, 8 * ndf]):
            blocks += [
                nn.Conv2d(ins, outs, 4, 2, 1, bias=False),
                nn.BatchNorm2d(outs),
                nn.LeakyReLU(0.2),
            ]
        self.main = nn.Sequential(*blocks, nn.Conv2d(8 * ndf, 1, 4, bias=False))
        for block in self.main:  # Radford et al., "DCGAN", ICLR 2016, section 3
            if isinstance(block, nn.Conv2d):
                nn.init.normal_(block.weight, 0.0, 0.02)

    def forward(self, image: Tensor, mask: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """(B, C, H, W) in 0..1, cut to 64 x 64 around the hole, to logits (B, 1, 1, 1).

        Without a mask the picture must be that square already.
        """
        if mask is not None:
            image = crop_around(image, mask, self.side)
        elif image.shape[-2:] != (self.side, self.side):
            raise ValueError(f"without a mask the picture must be {self.side} x {self.side}")
        x = image * 2 - 1
        maps = []
        for block in self.main:
            x = block(x)
            if isinstance(block, nn.LeakyReLU):
                maps.append(x)
        return x, maps


class _Branch(nn.Module):
    """A picture of a fixed size to one vector."""

    def __init__(self, side: int, ndf: int, features: int) -> None:
        super().__init__()
        halvings = (side // _LEAST).bit_length() - 1
        if halvings < 1 or side != _LEAST * 2**halvings:
            raise ValueError(f"a side must be {_LEAST} times a power of two, not {side}")
        self.side = side
        widths = [3] + [min(8 * ndf, ndf * 2**i) for i in range(halvings)]
        self.convolutions = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(ins, outs, 5, 2, 2), nn.BatchNorm2d(outs), nn.ReLU())
                for ins, outs in pairwise(widths)
            )
        )
        self.joined = nn.Linear(widths[-1] * _LEAST**2, features)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        maps = through(self.convolutions, image)
        return torch.relu(self.joined(maps[-1].flatten(1))), maps


class GlobalLocalDiscriminator(Discriminator):
    """One judgement from the whole picture and from the hole's surroundings at full size.

    Iizuka, Simo-Serra and Ishikawa, "Globally and Locally Consistent Image Completion", SIGGRAPH
    2017, section 3.3 and table 3. No published weights are laid out like this.

    Args:
        side: The whole picture is scaled to this square; 4 times a power of two.
        local_side: Side of the square around the hole; 4 times a power of two.
        ndf: Channels of the first layers, doubled up to 8 times as many.
        features: Length of the vector of each branch.
    """

    def __init__(
        self, side: int = 256, local_side: int = 128, ndf: int = 64, features: int = 1024
    ) -> None:
        super().__init__()
        self.whole = _Branch(side, ndf, features)
        self.local = _Branch(local_side, ndf, features)
        self.verdict = nn.Linear(2 * features, 1)

    def forward(self, image: Tensor, mask: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """(B, 3, H, W) in 0..1, H and W at least ``local_side``, to logits (B, 1, 1, 1)."""
        if mask is None:
            raise ValueError("this discriminator looks around the hole: call it with a mask")
        scaled = F.interpolate(image, (self.whole.side, self.whole.side), mode="area")
        whole, whole_maps = self.whole(scaled)
        local, local_maps = self.local(crop_around(image, mask, self.local.side))
        logits: Tensor = self.verdict(torch.cat([whole, local], dim=1))
        return logits[:, :, None, None], whole_maps + local_maps
