"""How much of a run was orchestration, and how much was work on pictures."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """Prefect's part of a run.

    Attributes:
        total: Wall-clock seconds from the start of orchestration to its end.
        work: Seconds of it spent in our own functions.
    """

    total: float
    work: float

    @property
    def seconds(self) -> float:
        """Seconds that were not our work: Prefect's imports, server, engine and farewell."""
        return max(0.0, self.total - self.work)

    @property
    def percent(self) -> float:
        """The same, of the whole run."""
        return 100 * self.seconds / self.total if self.total else 0.0

    def to_json(self) -> dict[str, float]:
        """Fields for a JSON answer."""
        return {"seconds": round(self.seconds, 3), "percent": round(self.percent, 2)}


class _Work(threading.local):
    """Seconds of work seen by this thread, counted once however deeply ``work`` is nested."""

    depth = 0
    seconds = 0.0


_done = _Work()


@contextmanager
def work() -> Iterator[None]:
    """Count the time inside as our own."""
    _done.depth += 1
    started = time.perf_counter()
    try:
        yield
    finally:
        _done.depth -= 1
        if _done.depth == 0:
            _done.seconds += time.perf_counter() - started


class Clock:
    """Runs from its making; ``share`` says how the time so far was spent in this thread."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._before = _done.seconds

    def share(self) -> Share:
        """The division up to now."""
        return Share(time.perf_counter() - self._started, _done.seconds - self._before)
