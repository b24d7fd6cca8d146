"""What a training does, as one checked TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heritage.errors import HeritageError
from models.adversarial import LossWeights


class RecipeRefused(HeritageError):
    """A training recipe that says something unknown or impossible."""


@dataclass(frozen=True)
class Recipe:
    """A training of one network.

    Attributes:
        name: Of the weights it makes.
        pictures: Folder of training pictures (JPEG, PNG, TIFF), searched recursively.
        validation: Folder of pictures of *other* works.
        masks: Folder of real damage masks (PNG, white = damage), or empty.
        architecture: Name for ``models.create``.
        config: Its arguments.
        crop: Side of the training windows in pixels, a multiple of 8.
        batch: Windows per step.
        steps: Length of the training; the learning rate falls to a hundredth by a cosine.
        warmup: Steps before the adversarial terms begin.
        rate: Learning rate of the generator (Adam).
        discriminator_rate: Learning rate of the discriminator.
        discriminator: Arguments of ``PatchDiscriminator``.
        adversarial: ``non-saturating`` or ``least-squares``.
        r1_interval: R1 is computed in every so-many-th step and scaled up accordingly.
        average: Decay of the running average of the weights, which is what is kept.
        precision: ``32-true`` or ``bf16-mixed``.
        seed: Of everything random; a step's data depend on seed and step alone.
        native: Share of windows cut at the picture's own resolution; the others are scaled.
        mix: Weights of the damage families (``heritage.damage.simulate``).
        losses: Weights of the loss terms.
    """

    name: str
    pictures: Path
    validation: Path
    masks: Path | None = None
    architecture: str = "lama"
    config: dict[str, Any] = field(default_factory=dict)
    crop: int = 192
    batch: int = 8
    steps: int = 10_000
    warmup: int = 1_000
    rate: float = 1e-3
    discriminator_rate: float = 2e-4
    discriminator: dict[str, Any] = field(default_factory=lambda: {"ndf": 48, "n_layers": 3})
    adversarial: str = "non-saturating"
    r1_interval: int = 16
    average: float = 0.999
    precision: str = "bf16-mixed"
    seed: int = 1
    native: float = 0.5
    mix: dict[str, float] = field(
        default_factory=lambda: {
            "thick": 0.35, "medium": 0.2, "hairlines": 0.15, "losses": 0.2, "rectangle": 0.05,
            "real": 0.05,
        }
    )  # fmt: skip
    losses: LossWeights = field(default_factory=LossWeights)


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe; folders in it are relative to the recipe's own.

    Raises:
        RecipeRefused: Unreadable, an unknown key, a missing one, or a folder that is not there.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeRefused(f"cannot be read as a recipe: {error}", path) from error
    _refuse_unknown(path, "", table, Recipe)
    losses = table.pop("losses", {})
    _refuse_unknown(path, "losses.", losses, LossWeights)
    for key in ("pictures", "validation", "masks"):
        if key in table:
            table[key] = (path.parent / table[key]).resolve()
            if not table[key].is_dir():
                raise RecipeRefused(f"{key}: there is no folder {table[key]}", path)
    try:
        recipe = Recipe(losses=LossWeights(**losses), **table)
    except TypeError as error:
        raise RecipeRefused(f"is incomplete: {error}", path) from error
    if recipe.crop % 8 or recipe.crop < 64:
        raise RecipeRefused(f"crop must be a multiple of 8 from 64 on, not {recipe.crop}", path)
    return recipe


def _refuse_unknown(path: Path, prefix: str, table: dict[str, Any], kind: type) -> None:
    known = {item.name for item in dataclasses.fields(kind)}
    for key in table:
        if key not in known:
            options = ", ".join(sorted(known))
            raise RecipeRefused(f"unknown key {prefix}{key}; there are {options}", path)
