"""What a training does, as one checked TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heritage.errors import HeritageError
from models.training.adversarial import KINDS
from models.training.judges import check_discriminator
from models.training.objectives import LossWeights


class RecipeRefused(HeritageError):
    """A training recipe that says something unknown or impossible."""


@dataclass(frozen=True)
class Recipe:
    """A training of one network.

    Attributes:
        name: Of the weights it makes.
        purpose: What these are for, one sentence for the person who chooses; goes into their card.
        licence: Of these weights; goes into their card.
        pictures: Folder of training pictures (JPEG, PNG, TIFF), searched recursively. A
            ``manifest.csv`` in it with the columns ``file`` and ``kind`` tells networks that ask
            for it what kind of object each shows.
        validation: Folder of pictures of *other* works.
        masks: Folder of real damage masks (PNG, white = damage), or empty.
        architecture: Name for ``models.create``.
        config: Its arguments.
        crop: Side of the training windows in pixels, a multiple of 8.
        centre: Side of a square hole in the middle of every window instead of simulated damage;
            0 for the latter.
        batch: Windows per step.
        steps: Length of the training; the learning rate falls to a hundredth by a cosine.
        warmup: Steps before the adversarial terms begin.
        rate: Learning rate of the generator (Adam).
        discriminator_rate: Learning rate of the discriminator.
        betas: Both decay rates of Adam's moments, for both networks.
        discriminator: ``kind``, one of ``models.training.judges.DISCRIMINATORS`` (``lama`` where it
            is not given), and that network's arguments.
        adversarial: One of ``models.training.adversarial.KINDS``.
        r1_interval: Gradients of the discriminator are penalised in every so-many-th step.
        features: Network of the perceptual and style losses: ``squeezenet``, whose weights are
            shipped, or ``vgg19:FILE`` with torchvision's weights.
        segmentation: File of the encoder for the high receptive field loss (see
            ``models.features.resnet_dilated``), or empty.
        teacher: For MI-GAN's distillation: the name of an installed CoModGAN or a safetensors file
            of one, of the same resolution; or empty.
        average: Decay of the running average of the weights, which is what is kept.
        precision: ``32-true`` or ``bf16-mixed``.
        seed: Of everything random; a step depends on seed and its number alone.
        native: Share of windows cut at the picture's own resolution; the others are scaled.
        mix: Weights of the damage families (``heritage.damage.simulate``).
        losses: Weights of the loss terms.
    """

    name: str
    pictures: Path
    validation: Path
    masks: Path | None = None
    purpose: str = "Trained here; say for what in the recipe's field 'purpose'."
    licence: str = "unknown: state it in the recipe"
    architecture: str = "lama"
    config: dict[str, Any] = field(default_factory=dict)
    crop: int = 192
    centre: int = 0
    batch: int = 8
    steps: int = 10_000
    warmup: int = 1_000
    rate: float = 1e-3
    discriminator_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.99)
    discriminator: dict[str, Any] = field(default_factory=lambda: {"ndf": 48, "n_layers": 3})
    adversarial: str = "non-saturating"
    r1_interval: int = 16
    features: str = "squeezenet"
    segmentation: Path | None = None
    teacher: str = ""
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
    """Read and check a recipe; folders and files in it are relative to the recipe's own folder.

    Raises:
        RecipeRefused: Unreadable, an unknown key, a missing one, a folder or file that is not
            there, or terms that lack what they need.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeRefused(f"cannot be read as a recipe: {error}", path) from error
    _refuse_unknown(path, "", table, Recipe)
    losses = table.pop("losses", {})
    _refuse_unknown(path, "losses.", losses, LossWeights)
    _locate(path, table)
    if "betas" in table:
        table["betas"] = tuple(table["betas"])
    try:
        recipe = Recipe(losses=LossWeights(**losses), **table)
    except TypeError as error:
        raise RecipeRefused(f"is incomplete: {error}", path) from error
    for fault in _faults(recipe):
        raise RecipeRefused(fault, path)
    return recipe


def _locate(path: Path, table: dict[str, Any]) -> None:
    """Make paths absolute, in place, and refuse those that lead nowhere."""
    for key in ("pictures", "validation", "masks"):
        if key in table:
            table[key] = (path.parent / table[key]).resolve()
            if not table[key].is_dir():
                raise RecipeRefused(f"{key}: there is no folder {table[key]}", path)
    if "segmentation" in table:
        table["segmentation"] = _file(path, "segmentation", table["segmentation"])
    kind, colon, place = str(table.get("features", "")).partition(":")
    if colon:
        table["features"] = f"{kind}:{_file(path, 'features', place)}"
    if str(table.get("teacher", "")).endswith(".safetensors"):
        table["teacher"] = str(_file(path, "teacher", table["teacher"]))


def _file(path: Path, key: str, name: str) -> Path:
    found = (path.parent / name).resolve()
    if not found.is_file():
        raise RecipeRefused(f"{key}: there is no file {found}", path)
    return found


def _faults(recipe: Recipe) -> Iterator[str]:
    """What makes no sense although every key is known."""
    if recipe.crop % 8 or recipe.crop < 64:
        yield f"crop must be a multiple of 8 from 64 on, not {recipe.crop}"
    if not 0 <= recipe.centre < recipe.crop:
        yield f"centre: a hole of {recipe.centre} leaves nothing known of {recipe.crop}"
    if len(recipe.betas) != 2 or not all(0 <= beta < 1 for beta in recipe.betas):
        yield f"betas must be two numbers from 0 to below 1, not {recipe.betas}"
    if recipe.adversarial not in KINDS:
        yield f"adversarial must be one of {', '.join(KINDS)}, not {recipe.adversarial!r}"
    if recipe.features != "squeezenet" and not recipe.features.startswith("vgg19:"):
        yield f"features must be 'squeezenet' or 'vgg19:FILE', not {recipe.features!r}"
    if recipe.losses.high_receptive_field and recipe.segmentation is None:
        yield "losses.high_receptive_field needs segmentation, the file of the encoder"
    if recipe.losses.distillation and not recipe.teacher:
        yield "losses.distillation needs a teacher"
    try:
        check_discriminator(**recipe.discriminator)
    except ValueError as error:
        yield f"discriminator: {error}"


def _refuse_unknown(path: Path, prefix: str, table: dict[str, Any], kind: type) -> None:
    known = {item.name for item in dataclasses.fields(kind)}
    for key in table:
        if key not in known:
            options = ", ".join(sorted(known))
            raise RecipeRefused(f"unknown key {prefix}{key}; there are {options}", path)
