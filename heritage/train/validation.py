"""Scores and sample sheets during training, on pictures of other works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from heritage.damage.simulate import FAMILIES
from heritage.train.networks import released, released_state
from heritage.train.pictures import load_pictures
from heritage.train.recipe import Recipe
from heritage.train.variety import answer_variety, pattern_variety
from models.cards import InpainterCard
from models.features.squeezenet import SqueezeNetFeatures, perceptual_distance
from models.inpainter import Inpainter
from models.networks.canny import canny_edges
from models.networks.edgeconnect import EdgeGenerator
from models.prefill import prefill
from models.registry import serve
from models.training.subjects import Batch, Drawing

_SIDE = 256
PICTURES = 24
_SHOWN = 8
_ANSWERS = 4

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
        self.recipe, self.network, self.device = recipe, network, device
        side = max(_SIDE, getattr(network, "side", None) or 0)
        pictures = load_pictures(recipe.validation, smallest=side)
        numbers = [i * len(pictures) // PICTURES for i in range(PICTURES)]
        chosen = [pictures[number] for number in numbers]
        self.different = sorted(numbers.index(number) for number in set(numbers))[:_SHOWN]
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

    @torch.inference_mode()
    def health(self, learning: nn.Module) -> dict[str, float]:
        """The average against the raw network, and how varied the fills are.

        All on one thick hole in up to eight different pictures.

        Args:
            learning: The network as it learns.

        Returns:
            ``l1`` and ``raw_l1``, the mean absolute error inside the hole of the average and of the
            network as it is in this moment; ``variety``, see ``heritage.train.variety``, and for
            networks that sample ``answers``. Both need two different pictures.
        """
        raw = released(self.recipe)
        raw.load_state_dict(released_state(learning, raw.state_dict()))
        images = self.images[self.different].to(self.device)
        mask = self.masks["thick"][:1].to(self.device)
        target = self._target(images)
        inside = mask[0, 0] > 0
        averaged, latest = (
            torch.cat([self._made(each, image, mask) for image in images.split(1)])
            for each in (self.network, raw.eval())
        )
        found = {
            "l1": float((averaged - target)[:, :, inside].abs().mean()),
            "raw_l1": float((latest - target)[:, :, inside].abs().mean()),
        }
        if len(images) > 1:
            found["variety"] = pattern_variety(averaged, target, mask[0, 0])
            answers = self._answers(images[:1], mask)
            if answers is not None:
                found["answers"] = answer_variety(answers, target, mask[0, 0])
        return found

    def _made(self, network: nn.Module, image: Tensor, mask: Tensor) -> Tensor:
        """What a network as released makes of one window."""
        raise NotImplementedError

    def _target(self, images: Tensor) -> Tensor:
        """What it should make."""
        return images

    def _answers(self, image: Tensor, mask: Tensor) -> Tensor | None:
        """Several answers of the average for one window; None where it has but one."""
        return None


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
        self.inpainter = self._served(network)
        self.features = SqueezeNetFeatures().to(device)

    def _served(self, network: nn.Module) -> Inpainter:
        card = InpainterCard(self.recipe.name, "gan", "", architecture=self.recipe.architecture)
        return serve(network, card, str(self.device), "float32")

    def _made(self, network: nn.Module, image: Tensor, mask: Tensor) -> Tensor:
        return (self.inpainter if network is self.network else self._served(network))(image, mask)

    def _answers(self, image: Tensor, mask: Tensor) -> Tensor | None:
        if not self.inpainter.samples:
            return None
        return self.inpainter(image, mask, proposals=_ANSWERS, seed=1)[:, 0]

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

    def _made(self, network: nn.Module, image: Tensor, mask: Tensor) -> Tensor:
        network = network.to(self.device)
        (drawn,) = Drawing().stages(network, Batch(image, mask, edges=self._target(image)))
        return drawn

    def _target(self, images: Tensor) -> Tensor:
        return canny_edges(images, torch.zeros_like(images[:, :1]))

    @torch.inference_mode()
    def _one(self, image: Tensor, mask: Tensor) -> tuple[dict[str, float], Tensor]:
        edges = self._target(image)
        drawn = self._made(self.network, image, mask)
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
