"""What a training tells while it runs, and how it reads as plain lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from heritage.train.watch import RECONSTRUCTION


@dataclass(frozen=True)
class Progressed:
    """Some steps were made.

    Attributes:
        step: The number of steps made.
        share: How much of the training is done, 0..1.
        windows_per_second: Of late, on all devices together.
        seconds_left: Until the recipe's end, or the end of this slice if that is nearer.
        terms: Means of the loss terms since it was last told.
    """

    step: int
    share: float
    windows_per_second: float
    seconds_left: float
    terms: Mapping[str, float]


@dataclass(frozen=True)
class Validated:
    """A validation was made.

    Attributes:
        step: After so many steps.
        scores: Means of every measure, by family of damage.
        health: How the average does against the raw network, and how varied the fills are.
    """

    step: int
    scores: Mapping[str, Mapping[str, float]]
    health: Mapping[str, float]


@dataclass(frozen=True)
class Remark:
    """One line that a person should read."""

    text: str


Event = Progressed | Validated | Remark
Tell = Callable[[Event], None]


def plain(event: Event) -> str:
    """An event as one line."""
    if isinstance(event, Remark):
        return event.text
    if isinstance(event, Validated):
        parts = [
            f"{family} " + " ".join(f"{name} {value:.4g}" for name, value in measures.items())
            for family, measures in event.scores.items()
        ]
        health = " ".join(f"{name} {value:.4g}" for name, value in event.health.items())
        return f"validation of step {event.step}: {'; '.join([*parts, health])}"
    return (
        f"step {event.step}, {event.share:.1%}, {event.windows_per_second:.1f} windows/s, "
        f"{duration(event.seconds_left)} left, {loss_of(event.terms)}"
    )


def loss_of(terms: Mapping[str, float]) -> str:
    """The one term that says most: of the reconstruction, else the sum of all."""
    name = next((name for name in RECONSTRUCTION if name in terms), "loss")
    return f"{name} {terms.get(name, 0.0):.4g}"


def duration(seconds: float) -> str:
    """Seconds as people say them, in the two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def say(event: Event) -> None:
    """Print an event."""
    print(plain(event), flush=True)
