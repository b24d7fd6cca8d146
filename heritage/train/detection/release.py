"""Turn a finished training into weights with a card, calibrated so that 0.5 can be trusted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heritage.train.detection.examples import IGNORED, Material, lines_around, make_example
from heritage.train.detection.loop import DetectorTraining
from heritage.train.detection.recipe import DetectorRecipe
from heritage.train.detection.scoring import Count, count
from heritage.train.release import training_data
from models.cards import write_card
from models.checkpoints import save_weights
from models.networks.damage_unet import DamageUNet

LEVELS = np.arange(-4.0, 6.01, 0.25)
"""Logits that are tried."""

_SIDE = 1024  # of held-out pictures no more is looked at
_RENDERED = 160

Logits = NDArray[np.float32]


def release(training: DetectorTraining, held_out: Material) -> dict[str, Any]:
    """Write ``NAME.safetensors`` and ``NAME.json`` into the folder of a run.

    Returns:
        The card.
    """
    recipe, network = training.recipe, training.average
    false = false_shares(network, held_out)
    counts = rendered_counts(network, held_out, recipe)
    best = choose(false, counts, recipe.allowed)
    path = training.folder / f"{recipe.name}.safetensors"
    sha256 = save_weights(path, network.state_dict())
    card = {
        "sha256": sha256,
        "widths": list(recipe.widths),
        "level": float(LEVELS[best]),
        "licence": recipe.licence,
        "purpose": "Any damage of paintings, murals, manuscripts and photographs.",
        "paper": "In the manner of Ronneberger et al., U-Net, MICCAI 2015",
        "parameters": sum(one.numel() for one in network.parameters()),
        "data": training_data(recipe.pictures),
        "training": {
            "steps": training.step,
            "hours": round(training.seconds / 3600, 2),
            "device": str(training.device),
            **({"from": training.started_from} if training.started_from else {}),
            "recipe": recipe.model_dump(mode="json", exclude={"pictures", "masks"}),
        },
        "calibration": {
            "undamaged_called_damaged": round(float(false[best]), 6),
            "rendered": {
                "precision": round(counts[best].precision, 4),
                "recall": round(counts[best].recall, 4),
                "f1": round(counts[best].f1, 4),
                **asdict(counts[best]),
            },
        },
    }
    write_card(path.with_suffix(".json"), card)
    return card


def choose(false: NDArray[np.float64], counts: list[Count], allowed: float) -> int:
    """Which level has the best F1 of those that call little enough of sound pictures damaged.

    Args:
        false: Share of sound pixels called damaged, by level.
        counts: Of rendered damage, by level.
        allowed: The largest such share.
    """
    possible = [n for n in range(len(counts)) if false[n] <= allowed]
    return max(possible, key=lambda n: counts[n].f1) if possible else len(counts) - 1


def false_shares(network: DamageUNet, held_out: Material) -> NDArray[np.float64]:
    """Share of the pixels of undamaged pictures that are called damaged, by level."""
    called, pixels = np.zeros(len(LEVELS)), 0
    for picture in held_out.pictures:
        y, x = (max(0, (n - _SIDE) // 2) for n in picture.shape[:2])
        logits = logits_of(network, picture[y : y + _SIDE, x : x + _SIDE])
        called += [(logits >= level).sum() for level in LEVELS]
        pixels += logits.size
    return called / max(1, pixels)


def rendered_counts(network: DamageUNet, held_out: Material, recipe: DetectorRecipe) -> list[Count]:
    """How well rendered damage is found on pictures that were held out, by level."""
    counts = [Count()] * len(LEVELS)
    damaged = recipe.model_copy(update={"clean": 0.0})
    for number in range(_RENDERED):
        rng = np.random.default_rng([recipe.seed, number, 2])
        example = make_example(rng, held_out, damaged)
        logits = logits_of(network, example.picture)
        ignored = example.truth == IGNORED
        truth = (example.truth > 0) & ~ignored
        for n, level in enumerate(LEVELS):
            counts[n] += count(logits >= level, truth, ignored)
    return counts


def logits_of(network: DamageUNet, picture: NDArray[np.uint8]) -> Logits:
    """Logits of a whole picture, float32 (H, W); mirrored to a multiple of what is folded."""
    height, width = picture.shape[:2]
    more = [(0, -n % network.multiple) for n in (height, width)]
    padded = np.pad(np.dstack([picture, lines_around(picture)]), (*more, (0, 0)), "symmetric")
    device = next(network.parameters()).device
    with torch.inference_mode():
        x = torch.from_numpy(padded).to(device).permute(2, 0, 1)[None].float() / 255
        damaged, _ = network(x[:, :3], x[:, 3:])
    return np.asarray(damaged[0, 0, :height, :width].float().cpu().numpy(), np.float32)
