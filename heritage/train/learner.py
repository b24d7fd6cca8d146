"""The networks of a training and one step of it; no files, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from heritage.train import networks
from heritage.train.average import follow, start_average
from heritage.train.balance import balance, overheard, shortened
from heritage.train.batches import batch_of, seed_step
from heritage.train.machine import averaged, set_up_frozen
from heritage.train.rates import progress, rate_factor
from heritage.train.recipe import Recipe
from heritage.train.watch import Watch
from models.device import channels_last
from models.training.adversarial import AdversarialStep
from models.training.objectives import Objective
from models.training.subjects import subject_of

_OPTIMISERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
_RANKS = 1_000_003  # seeds of processes that train together lie so far apart

Terms = Mapping[str, Tensor]


class Learner:
    """Generator, discriminator, optimisers and the running average.

    Args:
        recipe: What to train.
        fabric: Where, and in which precision.
        start: safetensors file, or name of an inpainter, to start from instead of random weights.

    Attributes:
        number: Steps made.
        seconds: Time spent making them, over all slices; kept by whoever holds the clock.
    """

    def __init__(self, recipe: Recipe, fabric: Fabric, start: str | Path | None = None) -> None:
        self.recipe, self.fabric = recipe, fabric
        fabric.seed_everything(recipe.seed, verbose=False)
        self.network = networks.learning(recipe)
        if start is not None:
            networks.adopt(self.network, recipe, networks.find_weights(start))
        critic = networks.judge(recipe)
        self.average = start_average(self.network, recipe).to(fabric.device)
        self.subject = subject_of(self.network)
        self.generator, self.generator_optimiser = self._set_up(self.network, recipe.rate)
        self.critic, self.critic_optimiser = self._set_up(critic, recipe.discriminator_rate)
        self.adversarial = self._adversarial()
        self.watch = Watch(recipe.watch, recipe.adversarial, recipe.warmup)
        self.number, self.seconds = 0, 0.0

    def _set_up(self, network: nn.Module, rate: float) -> tuple[nn.Module, torch.optim.Optimizer]:
        learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
        recipe = self.recipe
        options: dict[str, Any] = {"lr": rate, "betas": recipe.betas}
        if recipe.optimiser == "adamw":
            options["weight_decay"] = recipe.weight_decay
        optimiser = _OPTIMISERS[recipe.optimiser](learned, **options)
        wrapped = self.fabric.setup(channels_last(network), optimiser)
        for method in ("stages", "guided"):
            if hasattr(network, method):
                wrapped[0].mark_forward_method(method)
        return wrapped  # type: ignore[no-any-return]

    def _adversarial(self) -> AdversarialStep:
        found = [
            None if network is None else set_up_frozen(self.fabric, network)
            for network in networks.feature_networks(self.recipe)
        ]
        teacher = networks.teacher(self.recipe)
        if teacher is not None:
            teacher.network.to(self.fabric.device)
        objective = Objective(self.recipe.losses, *found)
        kind = self.recipe.adversarial
        return AdversarialStep(self.generator, self.critic, objective, kind, self.subject, teacher)

    def step(self, image: Tensor, mask: Tensor, label: Tensor | None = None) -> dict[str, float]:
        """Train on one batch and judge it at once.

        Args:
            image: (B, 3, H, W) in 0..1.
            mask: (B, 1, H, W), 1 inside the holes.
            label: (B,) int64, kinds of object; -1 or None where unknown.

        Returns:
            The loss terms, their weighted sum ``loss``, and the norms of both gradients.

        Raises:
            TrainingDiverged: See ``heritage.train.watch``.
        """
        number = self.number
        (terms,) = averaged(self.fabric, [self.advance(image, mask, label)])
        self.watch.see(number, terms)
        return terms

    def advance(self, image: Tensor, mask: Tensor, label: Tensor | None = None) -> Terms:
        """The same without judging: the terms stay on the device, and nothing waits for it."""
        self._set_rates()
        recipe, adversarial = self.recipe, self.number >= self.recipe.warmup
        seed_step(recipe.seed + _RANKS * self.fabric.global_rank, self.number)
        batch = batch_of(self.network, self.subject, image, mask, label)
        with self.fabric.autocast():
            filled = self.adversarial.fill(batch)
            terms: dict[str, Tensor] = {}
            if adversarial:
                penalise = self.number % recipe.r1_interval == 0
                with overheard(self.critic) as logits:
                    loss, seen = self.adversarial.discriminator_loss(batch, filled, penalise)
                terms |= seen
                real, fake, *_ = logits
                terms |= balance(recipe.adversarial, real, fake, self.subject.area(batch))
                terms["critic"] = self._descend(self.critic, self.critic_optimiser, loss)
            self.critic.requires_grad_(False)
            loss, seen = self.adversarial.generator_loss(batch, filled, adversarial)
            self.critic.requires_grad_(True)
            terms |= seen
        terms["loss"] = loss
        terms["gradient"] = self._descend(self.generator, self.generator_optimiser, loss)
        decay = min(recipe.average, (self.number + 1) / (self.number + 10))
        follow(self.average, self.network, decay)
        self.number += 1
        return {name: value.detach() for name, value in terms.items()}

    @property
    def progress(self) -> float:
        """How much of the training is done, 0..1."""
        return progress(self.recipe, self.number, self.seconds)

    def _set_rates(self) -> None:
        factor = rate_factor(self.recipe, self.number, self.progress)
        self.generator_optimiser.param_groups[0]["lr"] = self.recipe.rate * factor
        self.critic_optimiser.param_groups[0]["lr"] = self.recipe.discriminator_rate * factor

    def _descend(self, module: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor) -> Tensor:
        optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        norm = self.fabric.clip_gradients(
            module, optimiser, max_norm=self.recipe.clip, error_if_nonfinite=False
        )
        optimiser.step()
        return shortened(norm)

    def state(self) -> dict[str, Any]:
        """All that a training goes on from."""
        return {
            "step": self.number,
            "seconds": self.seconds,
            "generator": self.network.state_dict(),
            "average": self.average.state_dict(),
            "critic": self.critic.state_dict(),
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "critic_optimiser": self.critic_optimiser.state_dict(),
            "watch": self.watch.state(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; earlier versions kept neither time nor what the watch had seen."""
        self.network.load_state_dict(state["generator"])
        self.average.load_state_dict(state["average"])
        self.critic.load_state_dict(state["critic"])
        self.generator_optimiser.load_state_dict(state["generator_optimiser"])
        self.critic_optimiser.load_state_dict(state["critic_optimiser"])
        self.number, self.seconds = int(state["step"]), float(state.get("seconds", 0.0))
        if "watch" in state:
            self.watch.resume(state["watch"])

    def is_finite(self) -> bool:
        """Whether every weight of the running average is a number."""
        tensors = self.average.state_dict().values()
        return all(bool(torch.isfinite(t).all()) for t in tensors if t.is_floating_point())
