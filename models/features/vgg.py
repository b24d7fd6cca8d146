"""VGG-16 and VGG-19 features, for perceptual and style losses.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR
2015, configurations D and E. The keys are torchvision's (``features.0.weight`` ...), so that a file
downloaded for it loads; this project ships none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from models.features.network import FeatureNetwork, load_published

PERCEPTUAL = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""Layers of the perceptual losses of EdgeConnect and AOT-GAN, on VGG-19."""

STYLE = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")
"""Layers of their style losses."""

_CONVOLUTIONS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # between poolings


class VggFeatures(FeatureNetwork):
    """Feature maps after the rectifiers, ``relu1_1`` to ``relu5_3`` or ``relu5_4``.

    Args:
        weights: safetensors file or torch archive in torchvision's layout, with or without its
            classifier; None leaves the weights random.
        depth: 16 or 19.
        layers: Names of the maps that a call returns.
        width: Channels of the first layers; 64 as published.
        normalise: Take ImageNet's mean and deviation off first, as the weights expect. EdgeConnect
            did not.

    Raises:
        ValueError: If the depth or a layer does not exist.
        ModelNotFound: If the weights are not there.
        WeightsRefused: If they do not fit.
    """

    def __init__(
        self,
        weights: Path | None = None,
        depth: int = 19,
        layers: Sequence[str] = PERCEPTUAL,
        width: int = 64,
        normalise: bool = True,
    ) -> None:
        super().__init__()
        if depth not in _CONVOLUTIONS:
            raise ValueError(f"VGG has 16 or 19 layers, not {depth}")
        self.normalise = normalise
        self._names: dict[int, str] = {}
        blocks: list[nn.Module] = []
        ins = 3
        for stage, count in enumerate(_CONVOLUTIONS[depth], start=1):
            outs = width * min(8, 2 ** (stage - 1))
            for i in range(1, count + 1):
                blocks += [nn.Conv2d(ins, outs, 3, padding=1), nn.ReLU()]
                self._names[len(blocks) - 1] = f"relu{stage}_{i}"
                ins = outs
            blocks.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*blocks)
        unknown = set(layers) - set(self._names.values())
        if unknown:
            raise ValueError(f"VGG-{depth} has no layer {', '.join(sorted(unknown))}")
        self.layers = tuple(layers)
        if weights is not None:
            load_published(self, weights, ignored=r"classifier\..*")
        self.freeze()

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in 0..1, H and W at least 16; the maps of ``layers``, each (B, C, h, w)."""
        maps = self.named(image, self.layers)
        return [maps[name] for name in self.layers]

    def named(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Maps by name: one pass where two losses look at different layers."""
        wanted = set(layers)
        x = self.normalised(image) if self.normalise else image
        maps: dict[str, Tensor] = {}
        for index, block in enumerate(self.features):
            x = block(x)
            if self._names.get(index) in wanted:
                maps[self._names[index]] = x
            if len(maps) == len(wanted):
                break
        return maps


def perceptual_and_style(network: VggFeatures, image: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The maps of ``PERCEPTUAL`` and those of ``STYLE`` from one pass over a VGG-19."""
    maps = network.named(image, PERCEPTUAL + STYLE)
    return [maps[name] for name in PERCEPTUAL], [maps[name] for name in STYLE]
