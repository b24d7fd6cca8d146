"""What one fill costs: seconds, and memory at its worst moment."""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from heritage.resident import resident

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")

_CLEAR = Path("/proc/self/clear_refs")


def measured(
    work: Callable[[], Result], device: torch.device | None = None
) -> tuple[Result, float, int | None]:
    """Do something and say what it cost.

    On the CPU, what was freed is given back to the system first, the kernel's high-water mark of
    resident memory is reset, and the rise above what was resident then is the answer: it counts
    everything, whichever library took it. On a GPU it is the rise of torch's own peak. Weights that
    lie in memory already are not part of it.

    Args:
        work: What to do.
        device: Of torch, if that is where it is done.

    Returns:
        Its result, seconds, and bytes, or None where the system cannot tell.
    """
    if device is not None and device.type == "cuda":
        return _on_gpu(work, device)
    before = _lowered()
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    rise = None if before is None else max(0, resident("peak") - before)
    return result, seconds, rise


def _on_gpu(
    work: Callable[[], Result], device: torch.device
) -> tuple[Result, float, int | None]:  # pragma: no cover - needs a GPU
    import torch

    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    start = time.perf_counter()
    result = work()
    torch.cuda.synchronize(device)
    seconds = time.perf_counter() - start
    return result, seconds, torch.cuda.max_memory_allocated(device) - before


def _lowered() -> int | None:
    """Resident bytes after giving back what is free and forgetting the peak; None where unknown."""
    gc.collect()
    if not sys.platform.startswith("linux"):
        return None
    try:
        ctypes.CDLL(None).malloc_trim(0)
        _CLEAR.write_text("5")  # proc(5): resets the peak resident set size
    except (OSError, AttributeError):
        return None
    return resident()
