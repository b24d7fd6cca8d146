"""Scores and sample sheets during training, on pictures of other works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from heritage.damage.simulate import FAMILIES
from heritage.train.pictures import load_pictures
from heritage.train.recipe import Recipe
from models.cards import InpainterCard
from models.features.squeezenet import SqueezeNetFeatures, perceptual_distance
from models.networks.canny import canny_edges
from models.networks.edgeconnect import EdgeGenerator
from models.prefill import prefill
from models.registry import serve
from models.training.subjects import Batch, Drawing

_SIDE = 256
PICTURES = 24
_SHOWN = 8

Scores = dict[str, dict[str, float]]


def validation_of(recipe: Recipe, network: nn.Module, device: torch.device) -> Validation:
    """What scores a network of this recipe.

    Args:
        recipe: Names the pictures.
        network: In evaluation mode; it is moved to ``device``.
        device: Where to compute.
    """
    kind = DrawingValidation if isinstance(network, EdgeGenerator) else CompletionValidation
    return kind(recipe, network, device)


class Validation:
    """A fixed set of windows with thick, medium and hairline damage.

    Args:
        recipe: Names the pictures.
        network: What is scored.
        device: Where to compute.
    """

    def __init__(self, recipe: Recipe, network: nn.Module, device: torch.device) -> None:
        self.network, self.device = network, device
        side = max(_SIDE, getattr(network, "side", None) or 0)
        pictures = load_pictures(recipe.validation, smallest=side)
        chosen = [pictures[i * len(pictures) // PICTURES] for i in range(PICTURES)]
        windows = []
        for picture in chosen:
            y, x = ((length - side) // 2 for length in picture.shape[:2])
            windows.append(picture[y : y + side, x : x + side])
        self.images = torch.from_numpy(np.stack(windows)).permute(0, 3, 1, 2).float() / 255
        self.masks = {
            name: torch.from_numpy(
                np.stack(
                    [
                        FAMILIES[name](np.random.default_rng((7, i)), side, side)
                        for i in range(PICTURES)
                    ]
                )
            )[:, None].float()
            for name in ("thick", "medium", "hairlines")
        }

    def score(self, sheet: Path) -> Scores:
        """Means of every measure for every family of damage.

        Args:
            sheet: PNG to write, a row for each of some windows with thick damage.
        """
        scores = {}
        for family, masks in self.masks.items():
            rows: list[dict[str, float]] = []
            shown: list[Tensor] = []
            for image, mask in zip(self.images.split(1), masks.split(1), strict=True):
                row, strip = self._one(image.to(self.device), mask.to(self.device))
                rows.append(row)
                if len(shown) < _SHOWN:
                    shown.append(strip.cpu())
            scores[family] = {k: float(np.mean([row[k] for row in rows])) for k in rows[0]}
            if family == "thick":
                _write(torch.cat(shown, dim=2)[0], sheet)
        return scores

    def _one(self, image: Tensor, mask: Tensor) -> tuple[dict[str, float], Tensor]:
        """Measures of one window (1, 3, S, S), and what to show of it, (1, 3, S, W)."""
        raise NotImplementedError


class CompletionValidation(Validation):
    """PSNR in the hole (dB) and perceptual distance, of the network and of the smooth prefill.

    The network is called as its users will, at any size: what its training never sees (tiles,
    edges that are not known) counts. The sheet shows damaged, prefilled, filled, truth.

    Args:
        recipe: See ``Validation``.
        network: See ``Validation``.
        device: See ``Validation``.
    """

    def __init__(self, recipe: Recipe, network: nn.Module, device: torch.device) -> None:
        super().__init__(recipe, network, device)
        card = InpainterCard(recipe.name, "gan", "", architecture=recipe.architecture)
        self.inpainter = serve(network, card, str(device), "float32")
        self.features = SqueezeNetFeatures().to(device)

    @torch.inference_mode()
    def _one(self, image: Tensor, mask: Tensor) -> tuple[dict[str, float], Tensor]:
        guess = prefill(image, mask)
        filled = self.inpainter(image, mask)
        row = self._compare("network", filled, image, mask)
        row |= self._compare("prefill", guess, image, mask)
        return row, torch.cat([image * (1 - mask), guess, filled, image], dim=3)

    def _compare(self, name: str, ours: Tensor, truth: Tensor, mask: Tensor) -> dict[str, float]:
        error = ((ours - truth).square() * mask).sum() / (3 * mask.sum())
        distance = perceptual_distance(self.features(ours), self.features(truth))
        return {
            f"{name}_psnr_hole": float(-10 * torch.log10(error.clamp_min(1e-10))),
            f"{name}_perceptual": float(distance),
        }


class DrawingValidation(Validation):
    """Precision and recall of the edges drawn inside the holes.

    The measures of Nazeri et al., 2019, table 1; an edge is what is more likely one than not. The
    sheet shows damaged, drawn, edges of the undamaged.
    """

    @torch.inference_mode()
    def _one(self, image: Tensor, mask: Tensor) -> tuple[dict[str, float], Tensor]:
        edges = canny_edges(image, torch.zeros_like(mask))
        (drawn,) = Drawing().stages(self.network, Batch(image, mask, edges=edges))
        found, real = (drawn > 0.5) & (mask > 0), (edges > 0) & (mask > 0)
        right = float((found & real).sum())
        row = {
            "precision": right / max(1.0, float(found.sum())),
            "recall": right / max(1.0, float(real.sum())),
        }
        whole = edges * (1 - mask) + drawn * mask
        shown = [image * (1 - mask), whole.expand_as(image), edges.expand_as(image)]
        return row, torch.cat(shown, dim=3)


def _write(image: Tensor, path: Path) -> None:
    pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path)
