"""SqueezeNet 1.1 features, for perceptual losses and distances.

Iandola et al., "SqueezeNet", arXiv:1602.07360. Key names are torchvision's, whose package this
project does without. The shipped weights are the ones trained by SqueezeNet's authors, converted
from Caffe; they are not torchvision's own, so a distance made from them is *not* LPIPS.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from models.features.network import FeatureNetwork

WEIGHTS = Path(__file__).parents[1] / "weights" / "features" / "squeezenet1_1.safetensors"
_SLICES = ((0, 2), (2, 5), (5, 8), (8, 10), (10, 11), (11, 12), (12, 13))


class _Fire(nn.Module):
    """Squeeze to few channels, expand by 1x1 and 3x3 side by side."""

    def __init__(self, ins: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(ins, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.expand1x1(x)), torch.relu(self.expand3x3(x))], dim=1)


class SqueezeNetFeatures(FeatureNetwork):
    """Seven feature maps of a picture, from edges to objects.

    Args:
        weights: safetensors file; the shipped one unless told otherwise.
    """

    def __init__(self, weights: Path = WEIGHTS) -> None:
        super().__init__()
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(), pool,
            _Fire(64, 16, 64), _Fire(128, 16, 64), pool,
            _Fire(128, 32, 128), _Fire(256, 32, 128), pool,
            _Fire(256, 48, 192), _Fire(384, 48, 192), _Fire(384, 64, 256), _Fire(512, 64, 256),
        )  # fmt: skip
        self.load_state_dict(load_file(weights), strict=True)
        self.freeze()

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in 0..1, H and W at least 32; seven maps, each (B, C, h, w)."""
        x = self.normalised(image)
        maps = []
        for start, end in _SLICES:
            x = self.features[start:end](x)
            maps.append(x)
        return maps


def unit(features: Tensor) -> Tensor:
    """Scale every pixel's feature vector to length one: (B, C, H, W)."""
    return features * torch.rsqrt(features.square().sum(1, keepdim=True) + 1e-12)


def perceptual_distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Tensor:
    """Distance between two pictures' features, unweighted: (B,).

    The form of Zhang et al., "The Unreasonable Effectiveness of Deep Features", CVPR 2018, eq. 1,
    with all channel weights equal.
    """
    slices = [
        (unit(a.float()) - unit(b.float())).square().sum(1).mean((1, 2))
        for a, b in zip(ours, theirs, strict=True)
    ]
    return torch.stack(slices).sum(0)
