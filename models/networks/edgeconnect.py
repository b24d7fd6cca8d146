"""EdgeConnect: first the edges of what is missing, then the colours between them.

Nazeri et al., "EdgeConnect: Generative Image Inpainting with Adversarial Edge Learning", ICCV
Workshops 2019 (arXiv:1901.00212). Both generators have the shape of Johnson et al. (ECCV 2016) with
dilated residual blocks; keys are those of the published ``EdgeModel_gen.pth`` and
``InpaintingModel_gen.pth`` (``encoder.1.weight_orig``, ``middle.0.conv_block.1.weight`` ...).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from models.network import InpaintingNetwork, in_float32
from models.networks.canny import SIGMA, canny_edges, luminance
from models.networks.spectral import spectral

_MULTIPLE = 4  # two halvings
_LEAST = 16  # a quarter of it must exceed the reflection padding of the dilated layers

_Wrap = Callable[[nn.Module], nn.Module]


class _DilatedBlock(nn.Module):
    """A 3x3 convolution dilated by two, a plain one, and a skip around both."""

    def __init__(self, channels: int, wrap: _Wrap, bias: bool) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(2),
            wrap(nn.Conv2d(channels, channels, 3, dilation=2, bias=bias)),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            wrap(nn.Conv2d(channels, channels, 3, bias=bias)),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)  # type: ignore[no-any-return]


def _normalised(layer: nn.Module, channels: int) -> list[nn.Module]:
    return [layer, nn.InstanceNorm2d(channels), nn.ReLU(inplace=True)]


def _generator_parts(
    ins: int, outs: int, width: int, blocks: int, spectral_norm: bool
) -> tuple[nn.Sequential, nn.Sequential, nn.Sequential]:
    """Encoder, middle and decoder of either generator, with the published initialisation."""
    wrap: _Wrap = spectral if spectral_norm else lambda layer: layer
    encoder = nn.Sequential(
        nn.ReflectionPad2d(3),
        *_normalised(wrap(nn.Conv2d(ins, width, 7)), width),
        *_normalised(wrap(nn.Conv2d(width, 2 * width, 4, 2, 1)), 2 * width),
        *_normalised(wrap(nn.Conv2d(2 * width, 4 * width, 4, 2, 1)), 4 * width),
    )
    # Normalised layers have no bias in the blocks (and do in encoder and decoder).
    bias = not spectral_norm
    middle = nn.Sequential(*(_DilatedBlock(4 * width, wrap, bias) for _ in range(blocks)))
    decoder = nn.Sequential(
        *_normalised(wrap(nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1)), 2 * width),
        *_normalised(wrap(nn.ConvTranspose2d(2 * width, width, 4, 2, 1)), width),
        nn.ReflectionPad2d(3),
        nn.Conv2d(width, outs, 7),
    )
    for part in (encoder, middle, decoder):
        for name, parameter in part.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            else:
                nn.init.normal_(parameter, std=0.02)
    return encoder, middle, decoder


class EdgeGenerator(nn.Module):
    """Draws the edges of a hole (section 3.1 of the paper).

    Args:
        width: Channels after the first layer.
        blocks: Residual blocks.
        spectral_norm: Whether weights are spectrally normalised, as published.
    """

    def __init__(self, width: int = 64, blocks: int = 8, spectral_norm: bool = True) -> None:
        super().__init__()
        parts = _generator_parts(3, 1, width, blocks, spectral_norm)
        self.encoder, self.middle, self.decoder = parts

    def forward(self, x: Tensor) -> Tensor:
        """Probability of an edge at every pixel.

        Args:
            x: (B, 3, H, W): brightness 0..1 with holes white, edges with holes empty, and the mask
                (1 inside holes); H and W multiples of 4, at least 16.

        Returns:
            (B, 1, H, W) in 0..1.
        """
        features = self.decoder[:-1](self.middle(self.encoder(x)))
        return torch.sigmoid(in_float32(self.decoder[-1], features))


class CompletionGenerator(InpaintingNetwork):
    """Fills in colours along given edges (section 3.2 of the paper).

    The mask is no input: the network sees a hole only as white.

    Args:
        width: Channels after the first layer.
        blocks: Residual blocks.
        sigma: Smoothing of Canny's edges in ``stages``.
    """

    multiple = _MULTIPLE
    least = _LEAST
    guidance = "edges"

    def __init__(self, width: int = 64, blocks: int = 8, sigma: float = SIGMA) -> None:
        super().__init__()
        self.encoder, self.middle, self.decoder = _generator_parts(4, 3, width, blocks, False)
        self.sigma = sigma

    def forward(self, x: Tensor) -> Tensor:
        """The whole picture.

        Args:
            x: (B, 4, H, W): colours 0..1 with holes white, and edges everywhere; H and W multiples
                of 4, at least 16.

        Returns:
            (B, 3, H, W) in 0..1.
        """
        features = self.decoder[:-1](self.middle(self.encoder(x)))
        return (torch.tanh(in_float32(self.decoder[-1], features)) + 1) / 2

    def guided(self, image: Tensor, mask: Tensor, guide: Tensor) -> Tensor:
        """``forward`` of an image (B, 3, H, W), its mask and all its edges (both (B, 1, H, W))."""
        return self(torch.cat([image * (1 - mask) + mask, guide], dim=1))  # type: ignore[no-any-return]

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> Sequence[Tensor]:
        """One picture, coloured along the edges of the known part alone."""
        return [self.guided(image, mask, canny_edges(image, mask, self.sigma))]


class EdgeConnect(InpaintingNetwork):
    """Both generators, one after the other.

    Args:
        width: Channels of the completion network after its first layer.
        blocks: Its residual blocks.
        edge_generator: Whether there is one; without it no edges are drawn inside holes.
        edge_width: As ``width``, for the edge generator.
        edge_blocks: As ``blocks``, for the edge generator.
        spectral_norm: Whether the edge generator's weights are spectrally normalised.
        sigma: Smoothing of Canny's edges in ``stages``.
    """

    multiple = _MULTIPLE
    least = _LEAST
    guidance = "edges"

    def __init__(
        self,
        width: int = 64,
        blocks: int = 8,
        edge_generator: bool = True,
        edge_width: int = 64,
        edge_blocks: int = 8,
        spectral_norm: bool = True,
        sigma: float = SIGMA,
    ) -> None:
        super().__init__()
        self.edges = (
            EdgeGenerator(edge_width, edge_blocks, spectral_norm) if edge_generator else None
        )
        self.completion = CompletionGenerator(width, blocks, sigma)

    def draw(self, image: Tensor, mask: Tensor, edges: Tensor) -> Tensor:
        """The given edges outside holes, the generator's inside: probabilities, no threshold.

        As in the published training of the completion network; the published test program passes
        the generator's edges on for known pixels too.

        Args:
            image: (B, 3, H, W) in 0..1.
            mask: (B, 1, H, W) float, 1 inside holes.
            edges: (B, 1, H, W) of 0 and 1; what they say inside holes is ignored.

        Returns:
            (B, 1, H, W) in 0..1.
        """
        known = edges * (1 - mask)
        if self.edges is None:
            return known
        grey = luminance(image) * (1 - mask) + mask
        drawn: Tensor = self.edges(torch.cat([grey, known, mask], dim=1))
        return known + drawn * mask

    def forward(self, image: Tensor, mask: Tensor, edges: Tensor) -> Tensor:
        """The whole picture; what ``stages`` does once Canny's edges are there.

        Args:
            image: (B, 3, H, W) in 0..1; holes are ignored.
            mask: (B, 1, H, W) float, 1 inside holes.
            edges: (B, 1, H, W) of 0 and 1: ``canny_edges`` of the known part.

        Returns:
            (B, 3, H, W) in 0..1.
        """
        return self.completion.guided(image, mask, self.draw(image, mask, edges))

    def guided(self, image: Tensor, mask: Tensor, guide: Tensor) -> Tensor:
        """``forward``."""
        return self(image, mask, guide)  # type: ignore[no-any-return]

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> Sequence[Tensor]:
        """One picture, coloured along Canny's edges outside holes and drawn ones inside."""
        return [self(image, mask, canny_edges(image, mask, self.completion.sigma))]


def config_of_edges(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Arguments that rebuild an ``EdgeGenerator`` of this layout; None if it is another network."""
    found = _generator_config(shapes, ins=3, outs=1)
    if found is not None:
        found["spectral_norm"] = "encoder.1.weight_orig" in shapes
    return found


def config_of_completion(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Arguments that rebuild a ``CompletionGenerator``; None if it is another network."""
    return _generator_config(shapes, ins=4, outs=3)


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Arguments that rebuild an ``EdgeConnect``, keys ``completion.*`` and perhaps ``edges.*``."""
    completion = config_of_completion(_part(shapes, "completion."))
    edge_shapes = _part(shapes, "edges.")
    if completion is None or len(edge_shapes) + len(_part(shapes, "completion.")) != len(shapes):
        return None
    if not edge_shapes:
        return completion | {"edge_generator": False}
    edges = config_of_edges(edge_shapes)
    if edges is None:
        return None
    named = {"edge_width": edges["width"], "edge_blocks": edges["blocks"]}
    return completion | named | {"edge_generator": True, "spectral_norm": edges["spectral_norm"]}


def _part(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> dict[str, tuple[int, ...]]:
    return {key.removeprefix(prefix): s for key, s in shapes.items() if key.startswith(prefix)}


def _generator_config(
    shapes: Mapping[str, tuple[int, ...]], ins: int, outs: int
) -> dict[str, Any] | None:
    first = shapes.get("encoder.1.weight_orig", shapes.get("encoder.1.weight"))
    last = shapes.get("decoder.7.weight")
    if first is None or last is None or len(first) != 4:
        return None
    width = first[0]
    if first != (width, ins, 7, 7) or last != (outs, width, 7, 7):
        return None
    blocks = {key.split(".")[1] for key in shapes if key.startswith("middle.")}
    return {"width": width, "blocks": len(blocks)}
