"""Every field of a training recipe, with what it means and what it may be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from heritage.train.augment import Augmentation
from heritage.train.watch import Limits
from models.training.adversarial import KINDS
from models.training.judges import check_discriminator
from models.training.objectives import LossWeights

MIX = {
    "thick": 0.35, "medium": 0.2, "dense-hairlines": 0.15, "losses": 0.2, "rectangle": 0.05,
    "real": 0.05,
}  # fmt: skip

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Recipe(BaseModel):
    """A training of one network; ``recipe.read_recipe`` makes one of a TOML file."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_by_name=True
    )

    name: str = Field(description="Of the weights it makes.")
    purpose: str = Field(
        "Trained here; say for what in the recipe's field 'purpose'.",
        description="What these are for, one sentence for the person who chooses; goes into their "
        "card.",
    )
    licence: str = Field(
        "unknown: state it in the recipe", description="Of these weights; goes into their card."
    )
    pictures: Path = Field(
        description="Folder of training pictures (JPEG, PNG, TIFF), searched recursively. A "
        "`manifest.csv` in it with the columns `file` and `kind` tells networks that ask for it "
        "what kind of object each shows."
    )
    validation: Path = Field(description="Folder of pictures of *other* works.")
    masks: Path | None = Field(
        None, description="Folder of real damage masks (PNG, white = damage), or left out."
    )
    architecture: str = Field("lama", description="The network, one of `models.create`.")
    config: dict[str, Any] = Field(default_factory=dict, description="Its arguments.")
    crop: int = Field(
        192, description="Side of the training windows in pixels, a multiple of 8 from 64 on."
    )
    centre: int = Field(
        0,
        description="Side of a square hole in the middle of every window instead of simulated "
        "damage; 0 for the latter.",
    )
    native: Share = Field(
        0.5,
        description="Share of windows cut at the picture's own resolution; the others are scaled.",
    )
    mix: dict[str, float] = Field(
        default_factory=MIX.copy,
        description="Weights of the damage families (`heritage.damage.simulate`).",
    )
    augmentation: Augmentation = Field(
        Augmentation(), description="How windows are varied; see below."
    )
    windows: Literal["auto", "device", "loader"] = Field(
        "auto",
        description="Where windows are cut: on the GPU, with the pictures kept there (`device`), "
        "by threads ahead of it (`loader`), or on the GPU wherever there is one (`auto`).",
    )
    workers: Count = Field(
        1,
        description="Threads that cut and damage windows ahead; left out, as many as suit the "
        "device.",
    )
    batch: Count | Literal["auto"] = Field(
        8,
        description="Windows per step and device; `auto` is the largest power of two that fits, "
        "found once at the start, on one device.",
    )
    steps: Count = Field(10_000, description="Length of the training.")
    minutes: Positive | None = Field(
        None,
        description="Its length as training time instead of steps; only time spent training "
        "counts, over all slices.",
    )
    warmup: int = Field(1_000, ge=0, description="Steps before the adversarial terms begin.")
    optimiser: Literal["adam", "adamw"] = Field(
        "adam", description="Of both networks; `adamw` takes `weight_decay`."
    )
    rate: Positive = Field(1e-3, description="Learning rate of the generator.")
    discriminator_rate: Positive = Field(2e-4, description="Learning rate of the discriminator.")
    betas: tuple[float, float] = Field(
        (0.5, 0.99), description="Both decay rates of the optimiser's moments, for both networks."
    )
    weight_decay: float = Field(0.0, ge=0, description="Decay of the weights, for `adamw`.")
    clip: Positive = Field(
        10.0, description="Norm to which gradients are shortened, of each network on its own."
    )
    schedule: Literal["cosine", "constant"] = Field(
        "cosine",
        description="How the learning rates go: down by a cosine until the last step or minute, "
        "or on and on.",
    )
    final: Share = Field(0.01, description="Share of a rate that a cosine ends at.")
    rise: int = Field(200, ge=0, description="Steps over which the rates rise from nothing.")
    discriminator: dict[str, Any] = Field(
        default_factory=lambda: {"ndf": 48, "n_layers": 3},
        description="`kind`, one of `models.training.judges.DISCRIMINATORS` (`lama` where it is "
        "not given), and that network's arguments.",
    )
    adversarial: str = Field(
        "non-saturating", description=f"The adversarial loss: {', '.join(f'`{k}`' for k in KINDS)}."
    )
    r1_interval: Count = Field(
        16, description="Gradients of the discriminator are penalised in every so-many-th step."
    )
    features: str = Field(
        "squeezenet",
        description="Network of the perceptual and style losses: `squeezenet`, whose weights are "
        "shipped, or `vgg19:FILE` with torchvision's weights.",
    )
    segmentation: Path | None = Field(
        None,
        description="File of the encoder for the high receptive field loss "
        "(`models.features.resnet_dilated`), or left out.",
    )
    teacher: str = Field(
        "",
        description="For MI-GAN's distillation: the name of an installed CoModGAN or a "
        "safetensors file of one, of the same resolution; or empty.",
    )
    average: float = Field(
        0.999,
        ge=0,
        lt=1,
        description="Decay of the running average of the weights, which is what is kept.",
    )
    precision: Literal["32-true", "bf16-mixed"] = Field(
        "bf16-mixed", description="`32-true`, or `bf16-mixed`: the networks in bfloat16."
    )
    seed: int = Field(
        1,
        ge=0,
        description="Of everything random; a step depends on seed and its number alone.",
    )
    log_every: Count = Field(25, description="Steps from one line of `metrics.jsonl` to the next.")
    every: Positive = Field(5.0, description="Minutes between checkpoints.")
    keep: Count = Field(3, description="How many checkpoints are kept, besides the good one.")
    validate_every: Positive = Field(
        15.0, alias="validate", description="Minutes between validations."
    )
    watch: Limits = Field(
        Limits(), description="When a training is stopped as diverging; see below."
    )
    losses: LossWeights = Field(LossWeights(), description="Weights of the loss terms; see below.")

    @field_validator("betas", mode="before")
    @classmethod
    def _two_numbers(cls, value: object) -> object:
        numbers = list(value) if isinstance(value, list | tuple) else []
        fine = all(isinstance(beta, int | float) and 0 <= beta < 1 for beta in numbers)
        if len(numbers) != 2 or not fine:
            raise ValueError(f"betas must be two numbers from 0 to below 1, not {value}")
        return tuple(numbers)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for fault in self._faults():
            raise ValueError(fault)
        return self

    def _faults(self) -> Iterator[str]:
        """What makes no sense although every field by itself does."""
        if self.crop % 8 or self.crop < 64:
            yield f"crop must be a multiple of 8 from 64 on, not {self.crop}"
        if not 0 <= self.centre < self.crop:
            yield f"centre: a hole of {self.centre} leaves nothing known of {self.crop}"
        if self.minutes is not None and "steps" in self.model_fields_set:
            yield "give steps or minutes, not both: one of them ends the training"
        if self.weight_decay and self.optimiser != "adamw":
            yield "weight_decay needs optimiser = 'adamw'"
        if self.adversarial not in KINDS:
            yield f"adversarial must be one of {', '.join(KINDS)}, not {self.adversarial!r}"
        if self.features != "squeezenet" and not self.features.startswith("vgg19:"):
            yield f"features must be 'squeezenet' or 'vgg19:FILE', not {self.features!r}"
        if self.losses.high_receptive_field and self.segmentation is None:
            yield "losses.high_receptive_field needs segmentation, the file of the encoder"
        if self.losses.distillation and not self.teacher:
            yield "losses.distillation needs a teacher"
        try:
            check_discriminator(**self.discriminator)
        except (TypeError, ValueError) as error:
            yield f"discriminator: {error}"
