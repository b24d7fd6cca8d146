"""A bar per master while a person watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

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
    columns = (
        TextColumn("{task.fields[count]} {task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[stage]}", markup=False),
        TimeRemainingColumn(),
    )
    bars = Progress(*columns, console=console, transient=True)
    with bars, watching(_Bars(bars, masters)):
        yield


class _Bars:
    """Turns events into bars: one for the master at work, gone when it is done."""

    def __init__(self, bars: Progress, masters: int) -> None:
        self._bars = bars
        self._masters = masters
        self._done = 0
        self._bar: TaskID | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Outcome):
            self._done += 1
            if self._bar is not None:
                self._bars.remove_task(self._bar)
                self._bar = None
            return
        if self._bar is None:
            count = f"{self._done + 1}/{self._masters}" if self._masters > 1 else ""
            self._bar = self._bars.add_task(event.master.name, total=None, count=count, stage="")
        total = event.total or None
        self._bars.update(self._bar, completed=event.done, total=total, stage=event.stage)
