"""Scores and sample sheets during training, on pictures of other works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from heritage.damage.simulate import FAMILIES
from heritage.train.pictures import load_pictures
from models.adversarial import complete
from models.features import SqueezeNetFeatures, perceptual_distance
from models.prefill import prefill

_SIDE = 256
PICTURES = 24
_SHOWN = 8


class Validation:
    """A fixed set of windows with thick, medium and hairline damage.

    Args:
        folder: Validation pictures.
        device: Where to compute.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        pictures = load_pictures(folder, smallest=_SIDE)
        chosen = [pictures[i * len(pictures) // PICTURES] for i in range(PICTURES)]
        windows = []
        for picture in chosen:
            y, x = ((side - _SIDE) // 2 for side in picture.shape[:2])
            windows.append(picture[y : y + _SIDE, x : x + _SIDE])
        self.images = torch.from_numpy(np.stack(windows)).permute(0, 3, 1, 2).float() / 255
        self.masks = {
            name: torch.from_numpy(
                np.stack(
                    [
                        FAMILIES[name](np.random.default_rng((7, i)), _SIDE, _SIDE)
                        for i in range(PICTURES)
                    ]
                )
            )[:, None].float()
            for name in ("thick", "medium", "hairlines")
        }
        self.device = device
        self.features = SqueezeNetFeatures().to(device)

    @torch.inference_mode()
    def score(self, network: nn.Module, sheet: Path) -> dict[str, dict[str, float]]:
        """PSNR in the hole (dB) and perceptual distance, of the network and of its prefill.

        Args:
            network: In evaluation mode.
            sheet: PNG to write: damaged, prefilled, filled, truth.
        """
        scores = {}
        for family, masks in self.masks.items():
            rows: list[dict[str, float]] = []
            shown: list[Tensor] = []
            for image, mask in zip(self.images.split(1), masks.split(1), strict=True):
                image, mask = image.to(self.device), mask.to(self.device)
                guess = prefill(image, mask)
                filled = complete(network, image, mask, guess).clamp(0, 1)
                row = self._compare("network", filled, image, mask)
                rows.append(row | self._compare("prefill", guess, image, mask))
                if len(shown) < _SHOWN:
                    shown.append(torch.cat([image * (1 - mask), guess, filled, image], dim=3).cpu())
            scores[family] = {k: float(np.mean([row[k] for row in rows])) for k in rows[0]}
            if family == "thick":
                _write(torch.cat(shown, dim=2)[0], sheet)
        return scores

    def _compare(self, name: str, ours: Tensor, truth: Tensor, mask: Tensor) -> dict[str, float]:
        error = ((ours - truth).square() * mask).sum() / (3 * mask.sum())
        distance = perceptual_distance(self.features(ours), self.features(truth))
        return {
            f"{name}_psnr_hole": float(-10 * torch.log10(error.clamp_min(1e-10))),
            f"{name}_perceptual": float(distance),
        }


def _write(image: Tensor, path: Path) -> None:
    pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path)
