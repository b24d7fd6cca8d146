"""All measures of one fill. What is known of the truth is computed once for all models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heritage.evaluate import metrics
from heritage.evaluate.cases import Case
from heritage.evaluate.distributions import Samples, samples_of
from heritage.evaluate.grain import grain_match
from heritage.evaluate.metrics import Picture
from heritage.evaluate.pictures import Pixels
from heritage.evaluate.seams import seam_visibility, window_borders, window_visibility
from heritage.evaluate.structure import gradient_similarity, ms_ssim, similarity_maps, ssim_of

if TYPE_CHECKING:
    from torch import Tensor

    from heritage.evaluate.lpips import Lpips
    from models.features.squeezenet import SqueezeNetFeatures

Scores = dict[str, float | None]

DEFINITIONS = 1  # goes up when a measure changes, so that old scores are computed again


@dataclass(frozen=True)
class Truth:
    """A case with what every comparison needs of its truth.

    Attributes:
        case: Picture and hole.
        picture: (H, W, 3) float32 in 0..1.
        maps: SqueezeNet's feature maps of it.
        lpips: The same of the official backbone, where LPIPS is measured.
        samples: Of the truth, for the distances of crowds.
    """

    case: Case
    picture: Picture
    maps: list[Tensor]
    lpips: list[Tensor]
    samples: Samples


class Judge:
    """Measures fills, on the CPU, so that a score depends on the pictures alone.

    Args:
        lpips: Measures LPIPS too, where the user has its weights.
    """

    def __init__(self, lpips: Lpips | None = None) -> None:
        from models.features.squeezenet import SqueezeNetFeatures

        self.features: SqueezeNetFeatures = SqueezeNetFeatures()
        self.lpips = lpips

    @property
    def identity(self) -> dict[str, str]:
        """What decides the scores, apart from the pictures."""
        official = self.lpips.sha256 if self.lpips else {}
        return {"definitions": str(DEFINITIONS)} | {f"lpips_{k}": v for k, v in official.items()}

    def look_at(self, case: Case) -> Truth:
        """Compute what is needed of the truth."""
        picture = _scaled(case.truth)
        maps = metrics.feature_maps(picture, self.features)
        official = metrics.feature_maps(picture, self.lpips.features) if self.lpips else []
        return Truth(case, picture, maps, official, samples_of(maps[-1], case.mask))

    def score(
        self, filled: Pixels, truth: Truth, side: int | None = None
    ) -> tuple[Scores, Samples]:
        """Every measure of one fill, and its samples for the distances of crowds.

        Args:
            filled: (H, W, 3), 8 bits.
            truth: From ``look_at``.
            side: Of the windows that the model works in, if it does.
        """
        ours, theirs, hole = _scaled(filled), truth.picture, truth.case.mask
        maps = metrics.feature_maps(ours, self.features)
        similarity, _ = similarity_maps(ours, theirs)
        gradient, deviation = gradient_similarity(ours, theirs, hole)
        scores: Scores = {
            "psnr": metrics.psnr(ours, theirs),
            "psnr_hole": metrics.psnr(ours, theirs, hole),
            "ssim": ssim_of(similarity),
            "ssim_hole": ssim_of(similarity, hole),
            "ms_ssim": ms_ssim(ours, theirs),
            "ms_ssim_hole": ms_ssim(ours, theirs, hole),
            "l1_hole": metrics.l1(ours, theirs, hole),
            "colour": metrics.colour_difference(ours, theirs, hole),
            "perceptual": metrics.perceptual_of(maps, truth.maps),
            "perceptual_hole": metrics.perceptual_of(maps, truth.maps, hole),
            "texture": metrics.texture_energy(ours, theirs, hole),
            "gradient_mean": gradient,
            "gmsd": deviation,
        }
        if self.lpips is not None:
            official = metrics.feature_maps(ours, self.lpips.features)
            scores["lpips"] = self.lpips.between(official, truth.lpips)
        scores |= without_truth(ours, truth, side)
        return scores, samples_of(maps[-1], hole)


def without_truth(picture: Picture, truth: Truth, side: int | None = None) -> Scores:
    """The measures that need no truth: of a fill, or of the truth itself for comparison."""
    hole = truth.case.mask
    rows, columns = (window_borders(length, side) for length in hole.shape)
    return {
        "seam": seam_visibility(picture, hole),
        "windows": window_visibility(picture, hole, rows, columns),
        "grain": grain_match(picture, hole),
    }


def _scaled(pixels: Pixels) -> Picture:
    return np.asarray(pixels, np.float32) / np.float32(255)
