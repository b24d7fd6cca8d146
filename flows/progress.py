"""How far a run is, for whoever watches in this process; on a worker nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.report import Outcome


@dataclass(frozen=True)
class Progress:
    """One step forward.

    Attributes:
        master: The file.
        stage: What is being done to it, in one word or two.
        done: Steps done of this stage.
        total: Steps that it has; 0 while that is unknown.
    """

    master: Path
    stage: str
    done: int = 0
    total: int = 0


Event = Progress | Outcome
_watchers: list[Callable[[Event], None]] = []


def tell(event: Event) -> None:
    """Let all watchers know."""
    for watcher in _watchers:
        watcher(event)


@contextmanager
def watching(watcher: Callable[[Event], None]) -> Iterator[None]:
    """Call ``watcher`` with every event inside the block."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)
