"""A dilated ResNet-50, whose neurons see whole objects: features for LaMa's perceptual loss.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; Yu, Koltun and Funkhouser,
"Dilated Residual Networks", CVPR 2017. The keys are those of the encoder that MIT CSAIL trained for
segmentation on ADE20K (Zhou et al., "Semantic Understanding of Scenes through the ADE20K Dataset",
IJCV 2019), ``ade20k-resnet50dilated-ppm_deepsup/encoder_epoch_20.pth``, with which LaMa was
trained. This project does not ship it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

from models.features.network import FeatureNetwork, load_published

# The classifier, and what synchronised batch normalisation kept while that encoder was trained.
_NOT_FEATURES = r"fc\..*|.*\._tmp_running_(mean|var)|.*\._running_iter"
_EXPANSION = 4


class _Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions around a skip."""

    def __init__(self, ins: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        outs = _EXPANSION * width
        self.conv1 = nn.Conv2d(ins, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outs)
        self.downsample = (
            None
            if ins == outs and stride == 1
            else nn.Sequential(nn.Conv2d(ins, outs, 1, stride, bias=False), nn.BatchNorm2d(outs))
        )

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        skip = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.bn3(self.conv3(y)) + skip)


def _stage(ins: int, width: int, blocks: int, stride: int, dilation: int) -> nn.Sequential:
    """Bottlenecks; where a dilation replaces a stride, the first sees through half of it."""
    first = _Bottleneck(ins, width, stride, max(1, dilation // 2))
    outs = _EXPANSION * width
    return nn.Sequential(first, *(_Bottleneck(outs, width, 1, dilation) for _ in range(1, blocks)))


class DilatedResNet50(FeatureNetwork):
    """Four feature maps, at 1/4, 1/8, 1/8 and 1/8 of the picture's size.

    The stem is three 3x3 convolutions instead of one 7x7; the strides of the last two stages are
    dilations 2 and 4 instead.

    Args:
        weights: The published encoder (or an ImageNet ResNet-50 with this stem) as a torch archive
            or safetensors; None leaves the weights random.
        width: Channels of the first layers; 64 as published.
        blocks: Bottlenecks per stage.

    Raises:
        ModelNotFound: If the weights are not there.
        WeightsRefused: If they do not fit.
    """

    def __init__(
        self,
        weights: Path | None = None,
        width: int = 64,
        blocks: Sequence[int] = (3, 4, 6, 3),
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 2 * width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(2 * width)
        self.layer1 = _stage(2 * width, width, blocks[0], stride=1, dilation=1)
        self.layer2 = _stage(4 * width, 2 * width, blocks[1], stride=2, dilation=1)
        self.layer3 = _stage(8 * width, 4 * width, blocks[2], stride=1, dilation=2)
        self.layer4 = _stage(16 * width, 8 * width, blocks[3], stride=1, dilation=4)
        if weights is not None:
            load_published(self, weights, ignored=_NOT_FEATURES)
        self.freeze()

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in 0..1; the map after every stage, each (B, C, h, w)."""
        x = self.normalised(image)
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        x = torch.relu(self.bn3(self.conv3(x)))
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        maps = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            maps.append(x)
        return maps
