"""How much memory and how many threads the making of windows may take."""

from __future__ import annotations

import os
from pathlib import Path

import torch

_SHARE = 0.5  # of free memory: the network, the batches and other programs need the rest
_GPU_SHARE = 0.3  # of all its memory, most of which the features of a large batch take
_UNKNOWN = 2 << 30  # where the system does not say what is free
_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def room_for_pictures(device: torch.device) -> int:
    """Bytes that pictures may take on a device.

    Of a GPU it is a share of all its memory, whoever uses it now: where windows are made follows
    from this, and must be the same when a training goes on.

    Args:
        device: Where they would lie.
    """
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory * _GPU_SHARE)
    return int(free_memory() * _SHARE)


def free_memory() -> int:
    """Bytes of the machine's memory that are free, or of the container's, if that has fewer."""
    known = [size for size in (_of_machine(), _of_group()) if size is not None]
    return max(0, min(known, default=_UNKNOWN))


def threads(device: torch.device) -> int:
    """Threads that make windows ahead while a network learns on a device.

    On a CPU the network wants the cores itself; a GPU leaves them idle.
    """
    if device.type == "cpu":
        return 1
    return max(1, min(16, usable_cores() - 1))


def usable_cores() -> int:
    """Cores that this process may use, which on a shared machine are not all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _of_machine() -> int | None:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return None


def _of_group() -> int | None:
    try:
        limit = (_GROUP / "memory.max").read_text(encoding="ascii").strip()
        used = (_GROUP / "memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(limit) - int(used) if limit.isdigit() else None
