"""What a training of the damage detector does."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from heritage.damage.classes import DamageClass
from heritage.train.augment import Augmentation, Share
from heritage.train.recipe import RecipeRefused

SHIPPED = Path(__file__).parent / "damage.toml"
"""The recipe of the detector that comes with this program."""


class DetectorRecipe(BaseModel):
    """A recipe; folders are relative to its file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Literal["detection"] = Field(description="That this trains a detector, not an inpainter.")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="What the detector is called.")
    licence: str = Field(description="Of the weights, an SPDX name.")
    pictures: Path = Field(description="Folder of undamaged pictures.")
    masks: Path | None = Field(
        default=None, description="Folder of real crack masks (craquelure*.png, white is cracked)."
    )
    pairs: Path | None = Field(
        default=None,
        description="Folder of damaged pictures, each NAME.png, .jpg or .tif with NAME.mask.png "
        "beside it: white is damaged.",
    )
    paired: Share = Field(default=0.3, description="Share of crops from such pairs, if given.")
    pairs_show: str = Field(
        default="CRACKS", description="Class of the damage in them, as in heritage/damage/classes."
    )
    held_out: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="Share of pictures and of masks, evenly by name, that are not trained on; "
        "the detector is calibrated on them.",
    )
    widths: tuple[int, int, int, int] = Field(
        default=(24, 40, 64, 96), description="Channels at 1/2, 1/4, 1/8 and 1/16 of the size."
    )
    canvas: int = Field(
        default=256, ge=64, description="Side of the squares that damage is rendered on, in pixels."
    )
    crop: int = Field(
        default=192, ge=64, multiple_of=16, description="Side of what is cut from them."
    )
    batch: int = Field(default=8, ge=1, description="Crops per step.")
    fresh: int = Field(
        default=2, ge=1, description="New squares per step; the others of a batch were seen before."
    )
    pool: int = Field(default=4096, ge=1, description="Squares that are kept to be seen again.")
    minutes: float = Field(gt=0, description="How long it trains, over all slices.")
    rate: float = Field(default=2e-3, gt=0, description="Highest learning rate of AdamW.")
    decay: float = Field(default=1e-4, ge=0, description="Weight decay.")
    average: float = Field(
        default=0.998, ge=0, lt=1, description="Decay of the running mean of the weights."
    )
    clean: Share = Field(default=0.35, description="Share of crops without damage.")
    real: Share = Field(default=0.2, description="Share of crops with a real crack pattern.")
    bare: Share = Field(
        default=0.15,
        description="Share of crops that show no picture, but bare paint or ground, as details do.",
    )
    allowed: float = Field(
        default=0.002,
        gt=0,
        lt=1,
        description="Share of the pixels of undamaged pictures that may be called damaged.",
    )
    seed: int = Field(default=0, ge=0, description="Of everything random.")
    augmentation: Augmentation = Field(
        default=Augmentation(), description="What else happens to crops."
    )

    @field_validator("pairs_show")
    @classmethod
    def _known_class(cls, name: str) -> str:
        if name not in DamageClass.__members__ or name == DamageClass.NONE.name:
            raise ValueError(f"{name!r} is no class of damage")
        return name


def read_detector_recipe(
    path: Path, pictures: Path | None = None, masks: Path | None = None
) -> DetectorRecipe:
    """Read and check a recipe.

    Args:
        path: The TOML file.
        pictures: Other folder, instead of the recipe's.
        masks: Likewise.

    Raises:
        RecipeRefused: Unreadable, an unknown or missing key, a value that makes no sense, or a
            folder that is not there.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeRefused(f"cannot be read as a recipe: {error}", path) from error
    for key, place in (("pictures", pictures), ("masks", masks), ("pairs", None)):
        if place is not None:
            table[key] = str(place.absolute())
        elif isinstance(table.get(key), str):
            table[key] = str(path.parent / table[key])
        if key in table and not Path(str(table[key])).is_dir():
            raise RecipeRefused(f"{key}: there is no folder {table[key]}", path)
    try:
        return DetectorRecipe.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecipeRefused(f"{where}: {first['msg']}", path) from error


def find_detector_recipe(name: str | Path) -> Path | None:
    """The file of a detector's recipe, or None where a name means none.

    Args:
        name: A TOML file that says ``task = "detection"``, or the bare name of the shipped recipe.
    """
    path = Path(name)
    if not path.is_file():
        return SHIPPED if str(name) == SHIPPED.stem else None
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None  # whoever reads it as a recipe says what is wrong
    return path if table.get("task") == "detection" else None
