"""The training loop: resumable to the same step, bounded in time, watched."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from heritage.errors import HeritageError
from heritage.train import networks
from heritage.train.average import follow, start_average
from heritage.train.batches import batch_of, seed_step
from heritage.train.labels import labels_of
from heritage.train.pictures import Windows, load_masks, load_pictures
from heritage.train.recipe import Recipe
from heritage.train.validation import Validation, validation_of
from models.checkpoints import load_checkpoint, load_weights, save_checkpoint, save_weights
from models.device import channels_last
from models.training.adversarial import AdversarialStep
from models.training.objectives import Objective
from models.training.subjects import subject_of

_LOG_EVERY = 25


class TrainingDiverged(HeritageError):
    """The loss is no longer a number; the last checkpoint is the last good one."""


class Training:
    """One run of a recipe in a folder.

    The folder holds ``checkpoint.pt`` (to resume), ``weights.safetensors`` (the running average),
    ``metrics.jsonl`` and a sample sheet per validation.

    Args:
        recipe: What to train.
        folder: Where; an earlier run there is continued.
        start: safetensors file to start from instead of random weights.
        accelerator: For Lightning Fabric: ``auto``, ``cpu``, ``cuda`` ...
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        start: Path | None = None,
        accelerator: str = "auto",
    ) -> None:
        self.recipe, self.folder = recipe, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.fabric = Fabric(accelerator=accelerator, devices=1, precision=recipe.precision)  # type: ignore[arg-type]
        self.fabric.seed_everything(recipe.seed, verbose=False)
        self.network = networks.learning(recipe)
        if start is not None:
            networks.adopt(self.network, recipe, load_weights(start))
        critic = networks.judge(recipe)
        self.average = start_average(self.network, recipe).to(self.fabric.device)
        self.subject = subject_of(self.network)
        self.generator, self.generator_optimiser = self._set_up(self.network, recipe.rate)
        self.critic, self.critic_optimiser = self._set_up(critic, recipe.discriminator_rate)
        self.adversarial = self._adversarial()
        self.number = 0
        self._resume()

    def _set_up(self, network: nn.Module, rate: float) -> tuple[nn.Module, torch.optim.Optimizer]:
        learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
        optimiser = torch.optim.Adam(learned, lr=rate, betas=self.recipe.betas)
        wrapped = self.fabric.setup(channels_last(network), optimiser)
        for method in ("stages", "guided"):
            if hasattr(network, method):
                wrapped[0].mark_forward_method(method)
        return wrapped  # type: ignore[no-any-return]

    def _adversarial(self) -> AdversarialStep:
        found = [
            None if network is None else self.fabric.setup_module(network)
            for network in networks.feature_networks(self.recipe)
        ]
        teacher = networks.teacher(self.recipe)
        if teacher is not None:
            teacher.network.to(self.fabric.device)
        objective = Objective(self.recipe.losses, *found)
        kind = self.recipe.adversarial
        return AdversarialStep(self.generator, self.critic, objective, kind, self.subject, teacher)

    @property
    def checkpoint(self) -> Path:
        """Where the state to resume from is kept."""
        return self.folder / "checkpoint.pt"

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            return
        state = load_checkpoint(self.checkpoint)
        self.network.load_state_dict(state["generator"])
        self.average.load_state_dict(state["average"])
        self.critic.load_state_dict(state["critic"])
        self.generator_optimiser.load_state_dict(state["generator_optimiser"])
        self.critic_optimiser.load_state_dict(state["critic_optimiser"])
        self.number = int(state["step"])

    def save(self) -> None:
        """Keep everything: the state to resume from and the weights to use."""
        state = {
            "step": self.number,
            "generator": self.network.state_dict(),
            "average": self.average.state_dict(),
            "critic": self.critic.state_dict(),
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "critic_optimiser": self.critic_optimiser.state_dict(),
        }
        save_checkpoint(self.checkpoint, state)
        save_weights(self.folder / "weights.safetensors", self.average.state_dict())

    def _set_rates(self) -> None:
        progress = min(1.0, self.number / self.recipe.steps)
        factor = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))
        factor *= min(1.0, (self.number + 1) / 200)
        self.generator_optimiser.param_groups[0]["lr"] = self.recipe.rate * factor
        self.critic_optimiser.param_groups[0]["lr"] = self.recipe.discriminator_rate * factor

    def step(self, image: Tensor, mask: Tensor, label: Tensor | None = None) -> dict[str, float]:
        """Train on one batch.

        Args:
            image: (B, 3, H, W) in 0..1.
            mask: (B, 1, H, W), 1 inside the holes.
            label: (B,) int64, kinds of object; -1 or None where unknown.

        Returns:
            The loss terms.

        Raises:
            TrainingDiverged: If the generator's loss is not finite.
        """
        self._set_rates()
        recipe, adversarial = self.recipe, self.number >= self.recipe.warmup
        seed_step(recipe.seed, self.number)
        batch = batch_of(self.network, self.subject, image, mask, label)
        with self.fabric.autocast():
            filled = self.adversarial.fill(batch)
            terms: dict[str, Tensor] = {}
            if adversarial:
                penalise = self.number % recipe.r1_interval == 0
                loss, seen = self.adversarial.discriminator_loss(batch, filled, penalise)
                terms |= seen
                self._descend(self.critic, self.critic_optimiser, loss)
            self.critic.requires_grad_(False)
            loss, seen = self.adversarial.generator_loss(batch, filled, adversarial)
            self.critic.requires_grad_(True)
            terms |= seen
        if not torch.isfinite(loss):
            raise TrainingDiverged(f"the loss became {loss.item()} in step {self.number}")
        norm = self._descend(self.generator, self.generator_optimiser, loss)
        decay = min(recipe.average, (self.number + 1) / (self.number + 10))
        follow(self.average, self.network, decay)
        self.number += 1
        return {name: float(value.detach()) for name, value in terms.items()} | {"gradient": norm}

    def _descend(self, module: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor) -> float:
        optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        norm = self.fabric.clip_gradients(
            module, optimiser, max_norm=10.0, error_if_nonfinite=False
        )
        optimiser.step()
        return float(norm) if norm is not None else 0.0

    def run(self, minutes: float | None = None, every: float = 5.0, validate: float = 15.0) -> None:
        """Train until the recipe's last step or for so many minutes.

        Args:
            minutes: Time limit, or None.
            every: Minutes between checkpoints.
            validate: Minutes between validations.
        """
        recipe = self.recipe
        windows = self._windows()
        validation = validation_of(recipe, self.average, self.fabric.device)
        started = saved = validated = time.monotonic()
        sums: dict[str, list[float]] = {}
        for sample in windows.from_step(self.number):
            now = time.monotonic()
            over = self.number >= recipe.steps or (
                minutes is not None and now - started > 60 * minutes
            )
            if over or now - saved > 60 * every:
                self.save()
                saved = now
            if over or now - validated > 60 * validate:
                self._validate(validation)
                validated = time.monotonic()
            if over:
                return
            terms = self.step(*(tensor.to(self.fabric.device) for tensor in sample))
            for name, value in terms.items():
                sums.setdefault(name, []).append(value)
            if self.number % _LOG_EVERY == 0:
                means = {name: sum(values) / len(values) for name, values in sums.items()}
                seconds = (time.monotonic() - started) / _LOG_EVERY
                self._log({"step": self.number, "elapsed": seconds * _LOG_EVERY} | means)
                sums.clear()

    def _windows(self) -> Windows:
        recipe = self.recipe
        pictures = load_pictures(recipe.pictures, smallest=recipe.crop)
        masks = load_masks(recipe.masks)
        classes = getattr(self.network, "classes", ())
        labels = labels_of(recipe.pictures, classes) if classes else None
        return Windows(
            pictures, masks, recipe.crop, recipe.batch, recipe.mix, recipe.native, recipe.seed,
            labels, recipe.centre,
        )  # fmt: skip

    def _validate(self, validation: Validation) -> None:
        sheet = self.folder / f"sheet-{self.number:07d}.png"
        scores = validation.score(sheet)
        self._log({"step": self.number, "validation": scores})

    def _log(self, line: dict[str, Any]) -> None:
        text = json.dumps(line)
        self.fabric.print(text, flush=True)
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(text + "\n")
