"""Turn a finished run into weights that can be loaded by name, with their card.

    python -m heritage.train.release RECIPE.toml RUN SCORES.json --into models/weights

The card says what was trained on what, for how long, and how it scored; ``SCORES.json`` is what
``benchmarks/inpainters.py --json`` wrote.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import models
from heritage.train.recipe import Recipe, read_recipe
from models.checkpoints import load_weights, save_weights

_SHOWN = ("psnr", "psnr_hole", "ssim", "ssim_hole", "perceptual", "texture")


def means(scores: dict[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean of each measure by family and model."""
    return {
        family: {
            name: {key: round(float(np.mean([row[key] for row in rows])), 4) for key in _SHOWN}
            for name, rows in by_model.items()
        }
        for family, by_model in scores["scores"].items()
    }


def training_data(folder: Path) -> dict[str, Any]:
    """How many pictures of which kind under which licence, from the folder's ``manifest.csv``."""
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        return {"pictures": sum(1 for path in folder.rglob("*") if path.is_file())}
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        "pictures": len(rows),
        "kinds": dict(Counter(row["kind"] for row in rows)),
        "licences": dict(Counter(row["licence"] for row in rows).most_common()),
    }


def hours(run: Path) -> tuple[int, float]:
    """Steps made, and hours they took over all slices, from the run's ``metrics.jsonl``."""
    steps, seconds, before = 0, 0.0, 0.0
    for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        steps = max(steps, entry["step"])
        if "elapsed" in entry:
            if entry["elapsed"] < before:
                seconds += before
            before = entry["elapsed"]
    return steps, round((seconds + before) / 3600, 2)


def card(recipe: Recipe, run: Path, scores: dict[str, Any], parameters: int) -> dict[str, Any]:
    """Everything a user should know before trusting the weights."""
    steps, spent = hours(run)
    return {
        "name": recipe.name,
        "kind": "gan",
        "architecture": recipe.architecture,
        "config": recipe.config,
        "purpose": "Losses, strokes and cracks in paintings, murals and manuscripts.",
        "licence": "Apache-2.0",
        "paper": "Suvorov et al., Resolution-robust Large Mask Inpainting with Fourier "
        "Convolutions, WACV 2022; here a residual over a smooth prefill, with folded pixels",
        "parameters": parameters,
        "default": True,
        "data": training_data(recipe.pictures),
        "training": {
            "steps": steps,
            "hours": spent,
            "hardware": f"{platform.machine()}, CPU",
            "batch": recipe.batch,
            "crop": recipe.crop,
            "precision": recipe.precision,
            "losses": vars(recipe.losses),
            "adversarial": recipe.adversarial,
            "damage": recipe.mix,
        },
        "scores": {
            "pictures": len(scores["pictures"]),
            "side": scores["side"],
            "note": "means; psnr in dB; _hole: inside the mask only; perceptual: unit-normalised "
            "SqueezeNet features, which the training saw; texture: 1 is the truth's own",
            "families": means(scores),
        },
    }


def main() -> None:
    """Write weights and card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("recipe", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("scores", type=Path)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--note", default="", help="what the recipe does not tell of the training")
    arguments = parser.parse_args()
    recipe = read_recipe(arguments.recipe)
    state = load_weights(arguments.run / "weights.safetensors")
    network = models.create(recipe.architecture, **recipe.config)
    network.load_state_dict(state, strict=True)
    parameters = sum(p.numel() for p in network.parameters())
    scores = json.loads(arguments.scores.read_text(encoding="utf-8"))
    said = card(recipe, arguments.run, scores, parameters)
    if arguments.note:
        said["training"]["note"] = arguments.note
    said["sha256"] = save_weights(arguments.into / f"{recipe.name}.safetensors", state)
    text = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
    (arguments.into / f"{recipe.name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
