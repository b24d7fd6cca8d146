"""Turn a finished run into weights that can be loaded by name, with their card.

    python -m heritage.train.release RECIPE.toml RUN [evaluation.json] --into heritage-data/models

The card says what was trained on what, for how long, and how it scored; ``evaluation.json`` is
what ``heritage evaluate`` wrote.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from heritage.errors import HeritageError
from heritage.train.networks import released
from heritage.train.recipe import Recipe, RecipeRefused, find_recipe, read_recipe
from models.cards import write_card
from models.checkpoints import load_weights, save_weights
from models.errors import ModelError
from models.footprint import cost
from models.importing.published import PUBLISHED
from models.network import InpaintingNetwork

_OURS = {
    "coarse-to-fine": "Suvorov et al., Resolution-robust Large Mask Inpainting with Fourier "
    "Convolutions, WACV 2022, refined by the residual blocks of Lim et al., CVPR Workshops 2017",
    "edsr": "Residual blocks of Lim et al., Enhanced Deep Residual Networks for Single Image "
    "Super-Resolution, CVPR Workshops 2017, over a smooth prefill",
    "biggan": "In the manner of Brock et al., Large Scale GAN Training for High Fidelity Natural "
    "Image Synthesis, ICLR 2019",
}
_SHOWN = ("psnr", "psnr_hole", "ssim", "ssim_hole", "perceptual", "texture")


def means(scores: dict[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean of each measure by family and model, over the fills that came about."""
    return {
        family: {
            name: {
                key: round(float(np.mean(values)), 4)
                for key in _SHOWN
                if (values := [row[key] for row in rows if row.get(key) is not None])
            }
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
        "kinds": dict(Counter(row.get("kind") or "unknown" for row in rows)),
        "licences": dict(Counter(row.get("licence") or "unknown" for row in rows).most_common()),
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


def paper(recipe: Recipe) -> str:
    """Where the method was published, and how this network departs from it."""
    found = (each.paper for each in PUBLISHED if each.architecture == recipe.architecture)
    said = next(found, _OURS.get(recipe.architecture, ""))
    if recipe.config.get("activation") == "none":
        said += "; here a residual over a smooth prefill, with folded pixels"
    return said


def card(
    recipe: Recipe, run: Path, scores: dict[str, Any] | None, parameters: int, default: bool = False
) -> dict[str, Any]:
    """Everything a user should know before trusting the weights.

    Args:
        recipe: What was trained.
        run: The folder of the training.
        scores: What ``heritage evaluate`` wrote, or None.
        parameters: Learned values.
        default: Whether ``models.load(None)`` takes these.
    """
    steps, spent = hours(run)
    machine = circumstances(run)
    said = {
        "name": recipe.name,
        "kind": "gan",
        "architecture": recipe.architecture,
        "config": recipe.config,
        "purpose": recipe.purpose,
        "licence": recipe.licence,
        "paper": paper(recipe),
        "parameters": parameters,
        "default": default,
        "data": training_data(recipe.pictures),
        "training": {
            "steps": steps,
            "hours": spent,
            "hardware": hardware(machine),
            "batch": machine.get("batch", recipe.batch),
            "crop": recipe.crop,
            "precision": recipe.precision,
            "losses": vars(recipe.losses),
            "adversarial": recipe.adversarial,
            "damage": {"centre": recipe.centre} if recipe.centre else recipe.mix,
        },
    }
    if scores is not None:
        said["scores"] = table(scores)
    return said


def table(scores: dict[str, Any]) -> dict[str, Any]:
    """What a card says of a comparison that ``heritage evaluate`` made."""
    return {
        "pictures": len(scores["pictures"]),
        "side": scores["side"],
        "note": "means; psnr in dB; _hole: inside the mask only; perceptual: unit-normalised "
        "SqueezeNet features, which the training saw; texture: 1 is the truth's own",
        "families": means(scores),
    }


def circumstances(run: Path) -> dict[str, Any]:
    """What the run's ``run.json`` says of its machine, batch and pictures; or nothing."""
    path = run / "run.json"
    if not path.is_file():  # a run of an earlier version
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def hardware(machine: Mapping[str, Any]) -> str:
    """What a training ran on; where that is not known, the machine this runs on.

    Args:
        machine: Of ``circumstances``.
    """
    if machine:
        device = "CPU" if machine["device"] == "cpu" else machine["device"]
        count = f"{machine['devices']} x " if machine["devices"] > 1 else ""
        return f"{machine['machine']}, {count}{device}"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return f"{platform.machine()}, {device}"


def release(
    recipe: Recipe, run: Path, into: Path, scores: dict[str, Any] | None = None,
    note: str = "", default: bool = False,
) -> Path:  # fmt: skip
    """Write the running average of a training and its card; returns the card's path.

    Args:
        recipe: What was trained.
        run: The folder of the training.
        into: Where models lie.
        scores: What ``heritage evaluate`` wrote, or None.
        note: What the recipe does not tell of the training.
        default: Whether ``models.load(None)`` takes these.

    Raises:
        RecipeRefused: If the network cannot be made, or fills nothing alone.
    """
    state = load_weights(run / "weights.safetensors")
    network = released(recipe)
    if not isinstance(network, InpaintingNetwork):
        raise RecipeRefused(
            f"{recipe.architecture} fills nothing alone: use 'heritage models import' with the "
            "weights.safetensors of this run and of the other half's"
        )
    network.load_state_dict(state, strict=True)
    parameters = sum(p.numel() for p in network.parameters())
    said = card(recipe, run, scores, parameters, default) | cost(network)
    if note:
        said["training"]["note"] = note
    said["sha256"] = save_weights(into / f"{recipe.name}.safetensors", state)
    path = into / f"{recipe.name}.json"
    write_card(path, said)
    return path


def main() -> int:
    """Write weights and card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("recipe", help="TOML file, or the name of a recipe that comes with this")
    parser.add_argument("run", type=Path)
    parser.add_argument("scores", type=Path, nargs="?")
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--note", default="", help="what the recipe does not tell of the training")
    parser.add_argument("--default", action="store_true", help="make it what is used unnamed")
    given = parser.parse_args()
    scores = json.loads(given.scores.read_text(encoding="utf-8")) if given.scores else None
    try:
        known = circumstances(given.run)
        places: dict[str, Path | None] = {
            key: Path(known[key]) for key in ("pictures", "validation") if key in known
        }
        recipe = read_recipe(find_recipe(given.recipe), places)
        release(recipe, given.run, given.into, scores, given.note, given.default)
    except (HeritageError, ModelError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
