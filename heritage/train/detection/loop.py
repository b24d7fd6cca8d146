"""The training of a detector: in slices, resumed after a kill, timed."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from heritage.errors import HeritageError
from heritage.train.checkpoints import Checkpoints
from heritage.train.detection.crops import Crops
from heritage.train.detection.examples import Material
from heritage.train.detection.objective import objective
from heritage.train.detection.recipe import DetectorRecipe
from heritage.train.sources import LOG
from models.detectors import DetectorCard
from models.device import channels_last, quicker_dtype, resolve
from models.networks.damage_unet import DamageUNet
from models.weights_file import load_weights

_RISE = 100  # steps until the learning rate is whole
_REPORT = 50  # steps between lines of the metrics
_EVERY = 120.0  # seconds between checkpoints
_CLIP = 1.0

Tell = Callable[[Mapping[str, float]], None]


class DetectorTraining:
    """One run; its folder holds checkpoints and ``metrics.jsonl``.

    Args:
        recipe: What it does.
        folder: Of the run; a run that was begun there goes on.
        material: What it trains on.
        device: ``auto``, ``cpu``, ``cuda`` and so on.
        workers: Threads that make crops.
        start: Detector to start from; a run that goes on has started.

    Raises:
        ModelNotFound: If the weights to start from are not there.
        WeightsRefused: If they are of another network.
    """

    def __init__(
        self,
        recipe: DetectorRecipe,
        folder: Path,
        material: Material,
        device: str = "auto",
        workers: int = 1,
        start: DetectorCard | None = None,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.folder, self.material = recipe, folder, material
        self.device, self.workers = resolve(device), workers
        self.network = channels_last(DamageUNet(recipe.widths).to(self.device))
        self.average = channels_last(DamageUNet(recipe.widths).to(self.device)).eval()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), recipe.rate, weight_decay=recipe.decay
        )
        self.step, self.seconds = 0, 0.0
        self.started_from: str | None = None
        self.checkpoints = Checkpoints(folder, 2, LOG.warning)
        state = self.checkpoints.load()
        if state is not None:
            self._resume(state)
        elif start is not None:
            load_weights(self.network, start)
            self.started_from = start.sha256
        if state is None:
            self.average.load_state_dict(self.network.state_dict())

    @property
    def progress(self) -> float:
        """How much is done, 0..1."""
        return min(1.0, self.seconds / (60 * self.recipe.minutes))

    def run(self, minutes: float | None = None, tell: Tell | None = None) -> None:
        """Train until done, or for some minutes; the last state is kept either way."""
        self.folder.mkdir(parents=True, exist_ok=True)
        limit = math.inf if minutes is None else 60 * minutes
        began = saved = last = time.monotonic()
        losses: list[Tensor] = []
        for crops in Crops(self.material, self.recipe, self.step, self.workers):
            if self.progress >= 1 or last - began >= limit:
                break
            losses.append(self._learn(crops))
            self.step += 1
            now = time.monotonic()
            self.seconds, last = self.seconds + now - last, now
            if self.step % _REPORT == 0:
                self._report(losses, tell)
                losses.clear()
            if now - saved >= _EVERY:
                self._save()
                saved = now
        self._save()

    def _learn(self, crops: Tensor) -> Tensor:
        self.network.train()
        dtype = quicker_dtype(self.device.type)
        crops = crops.to(self.device)
        x = crops[..., :-1].permute(0, 3, 1, 2).float() / 255
        truth = crops[..., -1]
        factor = 0.5 * (1 + math.cos(math.pi * self.progress)) * min(1, (self.step + 1) / _RISE)
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate * max(factor, 1e-3)
        with torch.autocast(self.device.type, dtype, enabled=dtype is not None):
            damaged, kind = self.network(x[:, :3], x[:, 3:])
        loss = objective(damaged, kind, truth)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP)
        self.optimiser.step()
        self._follow()
        return loss.detach()

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.recipe.average, self.step / (self.step + 10))
        theirs = self.network.state_dict()
        for name, ours in self.average.state_dict().items():
            if ours.is_floating_point():
                ours.lerp_(theirs[name], 1 - decay)
            else:
                ours.copy_(theirs[name])

    def _report(self, losses: list[Tensor], tell: Tell | None) -> None:
        loss = float(torch.stack(losses).mean())
        if not math.isfinite(loss):
            raise HeritageError("the training diverged; lower its rate", self.folder)
        line = {"step": self.step, "seconds": round(self.seconds, 1), "loss": round(loss, 5)}
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if tell is not None:
            tell(line)

    def _save(self) -> None:
        self.checkpoints.save(
            self.step,
            {
                "step": self.step,
                "seconds": self.seconds,
                "started_from": self.started_from,
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
            },
        )

    def _resume(self, state: Mapping[str, Any]) -> None:
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        self.started_from = state.get("started_from")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
