"""Is a training still learning, or is it falling apart? Judged by its numbers alone.

Nothing here knows networks or files: numbers of one step after the other go in, and an error comes
out that says in words what went wrong and what to try.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from statistics import median
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from heritage.errors import HeritageError

RECONSTRUCTION = ("l1", "psnr", "overlap_l2", "discounted", "distillation", "perceptual")
"""Terms that fall while a network learns, the first that is there counts; adversarial ones may
rise for hours, because the discriminator learns too."""

_WINDOW = 500  # steps over which the usual gradient is taken
_SMOOTH = 0.98  # of the running mean of the loss: it looks back over about fifty steps
_SPREADS = 10.0  # a loss is far above its best at so many times its usual fluctuation,
_SHARE = 0.5  # and at least at this share of the best itself
_SURE = 0.99  # accuracy of a discriminator that is never wrong, but for noise

# Logits of the kinds of adversarial loss: where real and filled part, and how far apart they are
# when nothing is left to learn. Least squares pull logits to 1 and 0; the others have no end.
_BOUNDED = ("least-squares", "soft-mask")
_BOUNDED_GAP = 0.95


class TrainingDiverged(HeritageError):
    """A training that got worse instead of better, and was stopped."""


class Limits(BaseModel):
    """When a training is stopped as diverging."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    grace: int = Field(
        default=500,
        ge=0,
        description="Steps after the start, and after the adversarial terms begin, in which only a "
        "loss or gradient that is no number stops the training.",
    )
    gradient_factor: float = Field(
        default=20.0,
        gt=1,
        description="A gradient has exploded when its norm is so many times its running median, in "
        "each of `gradient_steps` steps.",
    )
    gradient_steps: int = Field(default=50, ge=1, description="How many, without a break.")
    saturation_gap: float = Field(
        default=15.0,
        gt=0,
        description="A discriminator has won when it is right in 99 of 100 patches and the mean "
        "logits of real and filled ones are so far apart (0.95 for `least-squares` and "
        "`soft-mask`; never for `wasserstein`), in each of `saturation_steps` steps.",
    )
    saturation_steps: int = Field(default=2_000, ge=1, description="How many, without a break.")
    loss_steps: int = Field(
        default=2_000,
        ge=1,
        description="The loss has turned when its running mean stays above its best by ten times "
        "its usual fluctuation, and by half of the best, for so many steps.",
    )
    variety: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="An alarm, which stops nothing: fills of different pictures differ among "
        "themselves by less than this share of what the pictures do; for networks that sample, "
        "a tenth of it for the answers to one hole.",
    )


def boundary(kind: str) -> float | None:
    """The logit above which a discriminator takes a patch for real; None where it has none."""
    return None if kind == "wasserstein" else 0.5 if kind in _BOUNDED else 0.0


def alarm(limits: Limits, health: Mapping[str, float]) -> str:
    """What a validation says of mode collapse, as one line; empty where nothing is wrong.

    Args:
        limits: Names the share of the pictures' variety below which it is said.
        health: ``variety`` and ``answers`` of ``heritage.train.validation``; either may be missing.
    """
    if health.get("variety", math.inf) < limits.variety:
        return (
            "alarm: the generator paints nearly the same into every hole (its fills vary by "
            f"{health['variety']:.2g} of what pictures do); look at the sample sheet, raise "
            "'losses.r1' or lower 'discriminator_rate'"
        )
    if health.get("answers", math.inf) < limits.variety / 10:
        return (
            "alarm: the generator has one answer whatever it draws (its answers vary by "
            f"{health['answers']:.2g} of what pictures do); give losses of likeness less weight"
        )
    return ""


class Watch:
    """Looks at every step of a training in order.

    Args:
        limits: When to stop.
        kind: Of the adversarial loss, one of ``models.training.adversarial.KINDS``.
        warmup: Step with which the adversarial terms begin.
    """

    def __init__(self, limits: Limits, kind: str, warmup: int) -> None:
        self.limits, self.kind, self.warmup = limits, kind, warmup
        self._begin()

    def _begin(self) -> None:
        self.norms = {name: deque[float](maxlen=_WINDOW) for name in ("gradient", "critic")}
        self.runs = dict.fromkeys(("gradient", "critic", "saturated", "loss"), 0)
        self.mean = self.spread = 0.0
        self.best: tuple[float, float] | None = None  # running mean and fluctuation at its lowest
        self.seen = 0  # steps since the start, or since the adversarial terms began

    def see(self, step: int, terms: Mapping[str, float]) -> None:
        """Judge one step.

        Args:
            step: Its number.
            terms: Loss terms by name, ``loss`` their sum, ``gradient`` and ``critic`` the norms of
                both gradients, ``real``, ``fake``, ``real_right``, ``fake_right`` what the
                discriminator thinks; what a step does not have is left out.

        Raises:
            TrainingDiverged: Saying why, and what to try.
        """
        for name in ("loss", "discriminator", "gradient", "critic"):
            self._refuse_no_number(step, name, terms.get(name, 0.0))
        if step == self.warmup:  # another game begins: new terms, new gradients
            self._begin()
        self.seen += 1
        patient = self.seen <= self.limits.grace
        for name in self.norms:
            if name in terms:
                self._watch_gradient(step, name, terms[name], patient)
        self._watch_balance(step, terms, patient)
        loss = next((terms[name] for name in RECONSTRUCTION if name in terms), None)
        if loss is not None:
            self._watch_loss(step, loss, patient)

    def _refuse_no_number(self, step: int, name: str, value: float) -> None:
        if not math.isfinite(value):
            what = {
                "loss": "the loss",
                "discriminator": "the discriminator's loss",
                "gradient": "the generator's gradient",
                "critic": "the discriminator's gradient",
            }[name]
            raise TrainingDiverged(
                f"{what} became {value} in step {step}; halve 'rate' and 'discriminator_rate', or "
                "set precision = '32-true'"
            )

    def _watch_gradient(self, step: int, name: str, norm: float, patient: bool) -> None:
        norms, limits = self.norms[name], self.limits
        usual = median(norms) if len(norms) >= 20 else math.inf
        exploded = not patient and norm > limits.gradient_factor * usual
        if not exploded:
            norms.append(norm)
        if self._lasts(name, exploded, limits.gradient_steps):
            whose, rate = {
                "gradient": ("generator", "rate"),
                "critic": ("discriminator", "discriminator_rate"),
            }[name]
            raise TrainingDiverged(
                f"the gradient of the {whose} exploded: its norm is {norm:.3g} in step {step} and "
                f"was {usual:.3g} as a rule, for {limits.gradient_steps} steps; halve '{rate}', or "
                "lower 'clip'"
            )

    def _watch_balance(self, step: int, terms: Mapping[str, float], patient: bool) -> None:
        if boundary(self.kind) is None or "real_right" not in terms:
            return
        limits = self.limits
        gap = terms["real"] - terms["fake"]
        sure = min(terms["real_right"], terms["fake_right"]) >= _SURE
        far = gap > (_BOUNDED_GAP if self.kind in _BOUNDED else limits.saturation_gap)
        if self._lasts("saturated", sure and far and not patient, limits.saturation_steps):
            raise TrainingDiverged(
                f"the discriminator has won: in step {step} and for {limits.saturation_steps} "
                f"steps it was never wrong, its logits {gap:.3g} apart, and the generator learns "
                "nothing from it; lower 'discriminator_rate', raise 'losses.r1', or let it begin "
                "later with 'warmup'"
            )

    def _watch_loss(self, step: int, loss: float, patient: bool) -> None:
        limits = self.limits
        if self.seen == 1:
            self.mean = loss
        self.spread = _SMOOTH * self.spread + (1 - _SMOOTH) * abs(loss - self.mean)
        self.mean = _SMOOTH * self.mean + (1 - _SMOOTH) * loss
        if patient:
            return
        if self.best is None or self.mean < self.best[0]:
            self.best = self.mean, self.spread
        best, spread = self.best
        above = self.mean - best > max(_SPREADS * spread, _SHARE * abs(best))
        if self._lasts("loss", above, limits.loss_steps):
            raise TrainingDiverged(
                f"the loss has turned: its running mean was {best:.3g} at its best and has been "
                f"far above it for {limits.loss_steps} steps, {self.mean:.3g} in step {step}; go "
                "on from the good checkpoint with half of 'rate', or weigh 'losses.adversarial' "
                "less"
            )

    def _lasts(self, name: str, happening: bool, steps: int) -> bool:
        self.runs[name] = self.runs[name] + 1 if happening else 0
        return self.runs[name] >= steps

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {
            "norms": {name: list(norms) for name, norms in self.norms.items()},
            "runs": dict(self.runs),
            "loss": [self.mean, self.spread, *(self.best or ())],
            "seen": self.seen,
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from what a checkpoint kept."""
        for name, norms in state["norms"].items():
            self.norms[name] = deque(norms, maxlen=_WINDOW)
        self.runs = dict(state["runs"])
        self.mean, self.spread, *best = state["loss"]
        self.best = (best[0], best[1]) if best else None
        self.seen = state["seen"]
