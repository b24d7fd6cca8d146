"""A bar for the master at work and one for all of them, while a person watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from flows import progress
from flows.progress import Event, watching
from flows.report import Outcome


@contextmanager
def progress_bar(masters: int) -> Iterator[None]:
    """Show on stderr how far each master is; nothing where stderr is no terminal.

    Args:
        masters: How many there are.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with bars(console) as shown, watching(Bars(shown, masters)):
        yield


def bars(console: Console, clock: Callable[[], float] | None = None) -> Progress:
    """Empty bars, to be used as a context."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[said]}", markup=False),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True, get_time=clock)


class Bars:
    """Turns events into bars: one for the master at work, gone when it is done, and one for all.

    Both count damaged pixels. Nobody knows how many the masters to come have: each is taken to
    have as many as those before it had on average.

    Args:
        shown: The bars.
        masters: How many there are.
    """

    def __init__(self, shown: Progress, masters: int) -> None:
        self._shown = shown
        self._masters = masters
        self._finished = 0
        self._pixels = 0  # of the masters that are finished
        self._now: progress.Progress | None = None
        self._bar: TaskID | None = None
        self._stage = ""
        self._inpainted = 0
        self._all: TaskID | None = None
        if masters > 1:
            self._all = shown.add_task("all masters", total=None, said=self._count())

    def __call__(self, event: Event) -> None:
        """Take a step."""
        if isinstance(event, Outcome):
            self._end()
        else:
            self._step(event)
        if self._all is not None:
            done = self._pixels + self._inpainted
            self._shown.update(
                self._all, completed=done, total=self._expected() or None, said=self._count()
            )

    def _step(self, event: progress.Progress) -> None:
        if self._bar is None:
            self._bar = self._shown.add_task(event.master.name, total=None, said="")
        if event.stage != self._stage:  # another stage has another pace
            self._stage = event.stage
            self._shown.reset(self._bar, total=event.total or None)
        self._now = event if event.total or self._now is None else self._now
        if event.stage == progress.INPAINTING:
            self._inpainted = event.done
        self._shown.update(self._bar, completed=event.done, total=event.total or None)
        pace = self._shown.tasks[self._index()].speed
        self._shown.update(self._bar, said=_said(event, pace))

    def _end(self) -> None:
        self._finished += 1
        if self._bar is not None:
            self._shown.remove_task(self._bar)
        self._pixels += self._inpainted
        self._bar, self._now, self._stage, self._inpainted = None, None, "", 0

    def _index(self) -> int:
        return next(n for n, task in enumerate(self._shown.tasks) if task.id == self._bar)

    def _expected(self) -> int:
        """Damaged pixels of all masters, as far as one can tell."""
        now = 0 if self._now is None else self._now.total
        begun = self._finished + (self._bar is not None)
        known = self._pixels + now
        return known + known * (self._masters - begun) // begun if begun else 0

    def _count(self) -> str:
        return f"{self._finished} of {self._masters}"


def _said(event: progress.Progress, pace: float | None) -> str:
    """Stage, regions, pace."""
    words = [event.stage]
    if event.regions:
        words.append(f"{event.regions_done:,} of {event.regions:,} regions")
    if event.total and pace and event.stage != progress.SEARCHING:
        words.append(f"{pace / 1e6:.3g} megapixels/s")
    return ", ".join(words)
