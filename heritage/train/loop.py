"""A run of a recipe in a folder: resumable to the same step, bounded in time, watched."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from heritage.train.batch_size import fitting_batch
from heritage.train.checkpoints import Checkpoints
from heritage.train.labels import labels_of
from heritage.train.learner import Learner, Terms
from heritage.train.machine import averaged, decided, describe, fabric_for
from heritage.train.recipe import Recipe
from heritage.train.records import Records, flat, last_validation, write_json
from heritage.train.reporting import Progressed, Remark, Tell, Validated, say
from heritage.train.validation import Validation, validation_of
from heritage.train.watch import TrainingDiverged, alarm
from heritage.train.windows import windows_of
from heritage.train.workers import Sample
from models.checkpoints import save_weights

__all__ = ["Training", "TrainingDiverged"]

_TOGETHER = 10  # steps that several processes make between two looks at the clock: it costs a wait


class Training(Learner):
    """One run of a recipe in a folder.

    The folder holds ``checkpoint-STEP.pt`` (to resume, the last few), ``good.pt`` (the last that
    was validated), ``weights.safetensors`` (the running average), ``metrics.jsonl``, ``run.json``
    (on what it runs), ``tensorboard/`` and a sample sheet per validation.

    Args:
        recipe: What to train.
        folder: Where; an earlier run there is continued.
        start: safetensors file, or name of an inpainter, to start from instead of random weights.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        devices: How many of them.
        tell: Called with what happens; by default it is printed. Only in the first process.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        start: str | Path | None = None,
        device: str = "auto",
        devices: int = 1,
        tell: Tell = say,
    ) -> None:
        fabric = fabric_for(device, devices, recipe.precision)
        super().__init__(recipe, fabric, start)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.tell: Tell = tell if fabric.is_global_zero else lambda _event: None
        self.checkpoints = Checkpoints(folder, recipe.keep, self._remark)
        self._unread: list[Terms] = []  # of steps whose terms are still on the device
        self._unlogged: list[dict[str, float]] = []  # of steps since the last line of the record
        state = self.checkpoints.load()
        if state is not None:
            self.resume(state)
            self._unlogged = list(state.get("unlogged", ()))
        self._settle_batch(state or {})

    def _settle_batch(self, state: Mapping[str, Any]) -> None:
        if self.recipe.batch == "auto":
            batch = int(state["batch"]) if "batch" in state else fitting_batch(self)
            self.recipe = self.recipe.model_copy(update={"batch": batch})
            self._remark(f"batch: {batch} windows of {self.recipe.crop} pixels")

    @property
    def batch(self) -> int:
        """Windows per step and device."""
        assert isinstance(self.recipe.batch, int)  # settled when the run began
        return self.recipe.batch

    @cached_property
    def _records(self) -> Records:
        return Records(self.folder, self.number, self._remark)

    @cached_property
    def _validation(self) -> Validation:
        return validation_of(self.recipe, self.average, self.fabric.device)

    def run(
        self,
        minutes: float | None = None,
        every: float | None = None,
        validate: float | None = None,
    ) -> None:
        """Train until the recipe's end or for so many minutes; then validate.

        Args:
            minutes: Time limit of this slice, or None.
            every: Minutes between checkpoints, where not the recipe's.
            validate: Minutes between validations, where not the recipe's.

        Raises:
            TrainingDiverged: Saying why. What came after the good checkpoint is put aside.
        """
        limits = (
            math.inf if minutes is None else 60 * minutes,
            60 * (self.recipe.every if every is None else every),
            60 * (self.recipe.validate_every if validate is None else validate),
        )
        if self.fabric.is_global_zero:
            write_json(self.folder / "run.json", self._circumstances())
            for partial in self.folder.glob(".*.partial"):  # of a run that was killed
                partial.unlink(missing_ok=True)
            _ = self._records  # shortens the record before anything is added
        try:
            with closing(self._samples()) as samples:
                self._loop(samples, limits)
        except TrainingDiverged as error:
            self.fabric.barrier()
            raise self._after(error) from error
        finally:
            if self.fabric.is_global_zero:
                self._records.close()

    def _loop(self, samples: Iterator[Sample], limits: tuple[float, float, float]) -> None:
        """Every step, and what is done between two of them.

        Args:
            samples: Batches from the next step on.
            limits: Seconds until the end of the slice, between checkpoints and validations.
        """
        slice_, every, validate = limits
        first = next(samples)  # pictures are read before clocks start
        began = saved = validated = mark = time.monotonic()
        paced = (began, self.number)
        for sample in chain([first], samples):
            now = time.monotonic()
            if self._is_time_to_decide():
                # The wait for the sample counts as training, validation and saving do not.
                self.seconds, over, save, check = decided(
                    self.fabric,
                    self.seconds + now - mark,
                    self.progress >= 1 or now - began >= slice_,
                    now - saved >= every,
                    now - validated >= validate,
                )
                if over or save or check:
                    self.save()
                    saved = time.monotonic()
                if over or check:
                    self._validate()
                    validated = time.monotonic()
                if over:
                    return
                mark = time.monotonic()
                paced = (paced[0] + mark - now, paced[1])
            self._unread.append(self.advance(*(t.to(self.fabric.device) for t in sample)))
            if self.number % self.recipe.log_every == 0:
                self._read()
                now = time.monotonic()
                pace = (now - paced[0]) / (self.number - paced[1])
                self._log(self.seconds + now - mark, pace, slice_ - (now - began))
                paced = (now, self.number)

    def _is_time_to_decide(self) -> bool:
        """Whether clocks are looked at before this step: alone always, together now and then.

        Between two looks ``seconds`` stands still, so that rates are the same in every process.
        """
        last = self.recipe.minutes is None and self.number >= self.recipe.steps
        return self.fabric.world_size == 1 or self.number % _TOGETHER == 0 or last

    def _circumstances(self) -> dict[str, Any]:
        """What the card of the weights will say that the recipe does not."""
        places = {key: str(getattr(self.recipe, key)) for key in ("pictures", "validation")}
        return describe(self.fabric) | {"batch": self.batch} | places

    def _samples(self) -> Generator[Sample]:
        recipe, fabric = self.recipe, self.fabric
        classes = getattr(self.network, "classes", ())
        labels = labels_of(recipe.pictures, classes) if classes else None
        windows = windows_of(recipe, fabric.device, labels, fabric.global_rank, fabric.world_size)
        yield from windows.from_step(self.number)

    def _read(self) -> None:
        """Fetch the terms of the last steps from the device and judge them."""
        first = self.number - len(self._unread)
        steps, self._unread = averaged(self.fabric, self._unread), []
        for number, terms in enumerate(steps, start=first):
            self.watch.see(number, terms)
        self._unlogged += steps

    def _log(self, elapsed: float, seconds_per_step: float, slice_left: float) -> None:
        if not self._unlogged:
            return
        names = {name for terms in self._unlogged for name in terms}
        means = {}
        for name in sorted(names):
            values = [terms[name] for terms in self._unlogged if name in terms]
            means[name] = sum(values) / len(values)
        self._unlogged = []
        speed = self.batch * self.fabric.world_size / max(seconds_per_step, 1e-9)
        left = min(self._seconds_left(seconds_per_step), slice_left)
        self._write({"elapsed": elapsed, "windows_per_second": speed} | means)
        self.tell(Progressed(self.number, self.progress, speed, max(0.0, left), means))

    def _seconds_left(self, seconds_per_step: float) -> float:
        if self.recipe.minutes is not None:
            return 60 * self.recipe.minutes - self.seconds
        return (self.recipe.steps - self.number) * seconds_per_step

    def _write(self, entry: Mapping[str, Any]) -> None:
        if self.fabric.is_global_zero:
            self._records.write({"step": self.number, **entry})

    def _remark(self, text: str) -> None:
        self.tell(Remark(text))

    def save(self) -> None:
        """Keep everything: the state to resume from and the weights to use.

        Raises:
            TrainingDiverged: Instead of keeping weights that are no numbers.
        """
        self._read()
        if not self.is_finite():
            raise TrainingDiverged(f"weights are no longer numbers after step {self.number}")
        if self.fabric.is_global_zero:
            extra = {"batch": self.batch, "unlogged": self._unlogged}
            self.checkpoints.save(self.number, self.state() | extra)
            save_weights(self.folder / "weights.safetensors", self.average.state_dict())
        self.fabric.barrier()

    def _validate(self) -> None:
        """Score the average; what was saved at this step is good if that gives numbers."""
        fine = self._scores_are_numbers() if self.fabric.is_global_zero else False
        _, fine_everywhere = decided(self.fabric, 0.0, fine)
        if not fine_everywhere:
            raise TrainingDiverged(f"the validation of step {self.number} gave no numbers")

    def _scores_are_numbers(self) -> bool:
        step = self.number
        if last_validation(self._records.path) == step:  # of the slice before, which ended here
            return True
        sheet = self.folder / f"sheet-{step:07d}.png"
        scores = self._validation.score(sheet)
        health = self._validation.health(self.network)
        fine = all(math.isfinite(value) for _, value in flat({**scores, "health": health}))
        if fine:
            self.checkpoints.bless(step)
        said = alarm(self.recipe.watch, health) if step > self.recipe.warmup else ""
        self._write({"validation": scores, "health": health} | ({"alarm": said} if said else {}))
        self._records.show(sheet, step)
        self.tell(Validated(step, scores, health))
        if said:
            self._remark(said)
        return fine

    def _after(self, error: TrainingDiverged) -> TrainingDiverged:
        """What is said, and kept, when a training is stopped."""
        said = "no checkpoint was validated yet: all are as they were"
        if self.fabric.is_global_zero:
            self._write({"diverged": error.reason})
            state = self.checkpoints.set_aside()
            if state is not None:
                save_weights(self.folder / "weights.safetensors", state["average"])
                said = f"weights.safetensors and good.pt are those of step {state['step']}"
        return TrainingDiverged(f"{error.reason} ({said})", self.folder)
