"""Networks that tell real windows from filled ones."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
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

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, 3, H, W) in 0..1 to logits (B, 1, h, w) and the feature maps before them."""
        maps = []
        x = image
        for block in self.children():
            x = block(x)
            maps.append(x)
        return maps[-1], maps[:-1]
