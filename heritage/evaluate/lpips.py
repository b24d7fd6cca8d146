"""True LPIPS, for those who have its official weights.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018,
equation 1, version 0.1 on SqueezeNet. The weights cannot ship with this program: the backbone is
torchvision's ``squeezenet1_1-b8a52dc0.pth``, the linear layers are ``squeeze.pth`` of version 0.1
from the authors' repository. Other backbones give other numbers, and are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import ModelNotFound, WeightsRefused

if TYPE_CHECKING:
    from torch import Tensor

    from models.features.squeezenet import SqueezeNetFeatures

OFFICIAL = "b8a52dc0"  # torchvision names the file by the beginning of its SHA-256
_SIZES = (64, 128, 256, 384, 384, 512, 512)


class Lpips:
    """LPIPS of pairs of pictures.

    Args:
        backbone: torchvision's own ``squeezenet1_1-b8a52dc0.pth``, as downloaded.
        linear: Linear layers of LPIPS v0.1 for SqueezeNet.
        official: What the backbone's SHA-256 begins with.

    Raises:
        ModelNotFound: If a file is not there.
        WeightsRefused: If the backbone is not torchvision's, or the linear layers do not fit.
    """

    def __init__(self, backbone: Path, linear: Path, official: str = OFFICIAL) -> None:
        for path in (backbone, linear):
            if not path.is_file():
                raise ModelNotFound(f"weights of LPIPS are missing: {path}")
        self.sha256 = {
            "backbone": hashlib.sha256(backbone.read_bytes()).hexdigest(),
            "linear": hashlib.sha256(linear.read_bytes()).hexdigest(),
        }
        if not self.sha256["backbone"].startswith(official):
            raise WeightsRefused(
                f"{backbone}: not torchvision's squeezenet1_1-{official}.pth, and with any other "
                "backbone (AlexNet and VGG are not supported) the distance is not LPIPS"
            )
        self.weights = _read_linear(linear)
        self.features = _read_backbone(backbone)

    def between(self, ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
        """The distance of two pictures by their feature maps (of ``self.features``)."""
        import torch

        total = 0.0
        with torch.inference_mode():
            for a, b, weight in zip(ours, theirs, self.weights, strict=True):
                difference = (_unit(a) - _unit(b)).square()
                total += float((difference * weight).sum(1).mean())
        return total


def _unit(features: Tensor) -> Tensor:
    """Scaled to length one, with the official code's guard against division by zero."""
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)


def _read_backbone(path: Path) -> SqueezeNetFeatures:
    from models.features.network import load_published
    from models.features.squeezenet import SqueezeNetFeatures

    network = SqueezeNetFeatures()
    load_published(network, path, ignored=r"classifier\..*")
    network.freeze()
    return network


def _read_linear(path: Path) -> list[Tensor]:
    from models.importing.reading import read_tensors

    tensors = read_tensors(path).tensors
    found = []
    for number, size in enumerate(_SIZES):
        weight = tensors.get(f"lin{number}.model.1.weight")
        if weight is None or weight.numel() != size:
            raise WeightsRefused(
                f"{path}: not the linear layers of LPIPS v0.1 for SqueezeNet "
                f"(lin{number}.model.1.weight with {size} values is missing)"
            )
        found.append(weight.float().reshape(1, size, 1, 1))
    return found
