"""What is done to a master, stage by stage: how long it took and how much it was."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from heritage.care.measures import (
    BATCHES,
    COMPUTED_PIXELS,
    DEVICE_MEMORY,
    FILLED_PIXELS,
    FILLED_REGIONS,
    STAGE_SECONDS,
)
from heritage.care.tally import Note, note_down
from heritage.logs import concerning, say


@dataclass(frozen=True)
class Amount:
    """How much a stage filled.

    Attributes:
        regions: Regions whose last window it was.
        pixels: Damaged pixels.
        computed: Pixels that the model computed.
        batches: Batches of windows.
    """

    regions: int = 0
    pixels: int = 0
    computed: int = 0
    batches: int = 0

    def facts(self) -> dict[str, int]:
        """As the log says it."""
        filled = {"regions": self.regions, "pixels": self.pixels}
        return filled | {"computed_pixels": self.computed, "batches": self.batches}


@contextmanager
def stage(
    name: str, master: Path | str | None = None, filled: Amount | None = None
) -> Iterator[None]:
    """Do one stage inside the block; if it is completed, it is counted and on the log.

    Args:
        name: One of ``STAGES``.
        master: The file.
        filled: How much the stage fills.
    """
    with concerning(master=None if master is None else str(master)):
        say("stage.begun", "debug", stage=name)
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        note = Note().observe(STAGE_SECONDS, seconds, name)
        facts: dict[str, object] = {}
        if filled is not None:
            _count(note, filled)
            facts = {**filled.facts(), **_device_memory(note)}
        say("stage.completed", stage=name, seconds=round(seconds, 3), **facts)
        note_down(note)


def _count(note: Note, filled: Amount) -> None:
    note.add(FILLED_REGIONS, filled.regions).add(FILLED_PIXELS, filled.pixels)
    note.add(COMPUTED_PIXELS, filled.computed).add(BATCHES, filled.batches)


def _device_memory(note: Note) -> dict[str, object]:
    """The most that this process had on each GPU; none where torch or CUDA is not in use."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {}
    peaks = {
        f"cuda:{number}": int(torch.cuda.max_memory_allocated(number))
        for number in range(torch.cuda.device_count())
    }
    used = {device: peak for device, peak in peaks.items() if peak}
    for device, peak in used.items():
        note.keep(DEVICE_MEMORY, peak, device)
    return {"device_memory_bytes": max(used.values())} if used else {}
