"""How far a run is, for whoever watches in this process; on a worker nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from flows.report import Outcome

SEARCHING, PREPARING, INPAINTING, COMPOSING = "searching", "preparing", "inpainting", "composing"


@dataclass(frozen=True)
class Progress:
    """One step forward.

    Attributes:
        master: The file.
        stage: What is being done to it, in one word or two.
        done: Damaged pixels dealt with in this stage. Batches and windows are of unequal size and
            would say nothing of the time left.
        total: Damaged pixels that it has to deal with; 0 while that is unknown.
        regions_done: Damaged regions that are restored.
        regions: Damaged regions in all.
    """

    master: Path
    stage: str
    done: int = 0
    total: int = 0
    regions_done: int = 0
    regions: int = 0

    def further(self, damaged: int, regions: int) -> Progress:
        """The same after some more damaged pixels and regions."""
        return replace(self, done=self.done + damaged, regions_done=self.regions_done + regions)


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
