"""A small U-Net that says of every pixel whether it is damaged, and how.

After Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation" (MICCAI
2015), with pixels folded into channels (Shi et al., CVPR 2016) so that all of it works at half size
and below, and skips that are added rather than joined. Beside the colours it sees what classical
crack detection sees: evidence of lines, and thin dark and thin bright things (Giakoumis et al.,
"Digital Image Processing Techniques for the Detection and Removal of Cracks in Digitized
Paintings", IEEE Transactions on Image Processing 15(1), 2006).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

_HAT = 9  # side of the squares of the hats: thin is what is narrower


class Convolution(nn.Sequential):
    """3x3 convolution, batch normalisation, ReLU: (B, C, H, W) to (B, D, H, W)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class DamageUNet(nn.Module):
    """The network.

    What is said of a pixel depends on the pixels within ``reach`` of it alone, and on where it lies
    in the squares of ``multiple`` pixels that the picture is cut into.

    Args:
        widths: Channels at 1/2, 1/4, 1/8 and 1/16 of the size.
        n_classes: Kinds of damage, the first of which is none.
        n_lines: Channels of evidence of lines.
    """

    multiple = 16
    reach = 96

    def __init__(
        self,
        widths: tuple[int, int, int, int] = (24, 40, 64, 96),
        n_classes: int = 18,
        n_lines: int = 5,
    ) -> None:
        super().__init__()
        a, b, c, d = widths
        self.enter = nn.Sequential(Convolution((5 + n_lines) * 4, a), Convolution(a, a))
        self.down1 = nn.Conv2d(a, b, 2, stride=2)
        self.encode1 = nn.Sequential(Convolution(b, b), Convolution(b, b))
        self.down2 = nn.Conv2d(b, c, 2, stride=2)
        self.encode2 = Convolution(c, c)
        self.down3 = nn.Conv2d(c, d, 2, stride=2)
        self.middle = nn.Sequential(Convolution(d, d), Convolution(d, d))
        self.up3, self.decode2 = nn.Conv2d(d, c, 1), Convolution(c, c)
        self.up2, self.decode1 = nn.Conv2d(c, b, 1), Convolution(b, b)
        self.up1 = nn.Conv2d(b, a, 1)
        self.leave = nn.Sequential(Convolution(a, a), Convolution(a, a))
        self.damaged = nn.Conv2d(a, 4, 1)
        self.kind = nn.Conv2d(a, n_classes, 1)

    def forward(self, picture: Tensor, lines: Tensor) -> tuple[Tensor, Tensor]:
        """Look at pictures.

        Args:
            picture: (B, 3, H, W) in 0..1, sides multiples of ``multiple``.
            lines: Evidence of lines, (B, n_lines, H, W) in 0..1.

        Returns:
            Logits of being damaged (B, 1, H, W), and of the kinds of damage at half the size
            (B, n_classes, H / 2, W / 2).
        """
        seen = torch.cat([_seen(picture), lines], dim=1)
        half = self.enter(F.pixel_unshuffle(seen, 2))
        quarter = self.encode1(self.down1(half))
        eighth = self.encode2(self.down2(quarter))
        deep = self.middle(self.down3(eighth))
        eighth = self.decode2(eighth + _doubled(self.up3(deep)))
        quarter = self.decode1(quarter + _doubled(self.up2(eighth)))
        half = self.leave(half + _doubled(self.up1(quarter)))
        return F.pixel_shuffle(self.damaged(half), 2), self.kind(half)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _seen(picture: Tensor) -> Tensor:
    """Colours around 0, and the hats of their mean: (B, 3, H, W) to (B, 5, H, W)."""
    grey = picture.mean(dim=1, keepdim=True)
    black = _closed(grey) - grey
    white = _closed(-grey) + grey
    return torch.cat([picture - 0.5, 2 * black, 2 * white], dim=1)


def _closed(x: Tensor) -> Tensor:
    """Morphological closing with a square."""
    return -_dilated(-_dilated(x))


def _dilated(x: Tensor) -> Tensor:
    # A square is a row and then a column; padding never wins.
    row = F.max_pool2d(x, (1, _HAT), stride=1, padding=(0, _HAT // 2))
    return F.max_pool2d(row, (_HAT, 1), stride=1, padding=(_HAT // 2, 0))
