"""The disk under the workspace: room on it, and how fast it is."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from heritage.care.checks.findings import Finding, notice, sound, wrong
from heritage.restore.storage import REASONS

LEAST_FREE, SCARCE = 2_000_000_000, 20_000_000_000
"""Bytes: below the one hardly a restoration fits, below the other few do."""

SLOW = 30.0
"""MB/s; at this pace a master of 1 GB takes half a minute to read and as long to write."""

BLOCK = bytes(range(256)) * (4 << 12)  # 4 MiB
BLOCKS = 12
SECONDS = 1.0
"""The trial ends after so many blocks or so long, whichever comes first."""


def check_space(home: Path, free: Callable[[Path], int] | None = None) -> Finding:
    """How much fits on the disk where the workspace is, or will be.

    Args:
        home: The workspace.
        free: Bytes that are free at a folder; by default as the system says.
    """
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    left = shutil.disk_usage(place).free if free is None else free(place)
    found = f"{left / 1e9:.1f} GB free at {place}"
    if left < LEAST_FREE:
        return wrong("disk space", found, "free some, or set HERITAGE_HOME to a larger disk")
    if left < SCARCE:
        return notice("disk space", found, "a restoration needs about twice its master")
    return sound("disk space", found)


def check_speed(home: Path, clock: Callable[[], float] = time.perf_counter) -> list[Finding]:
    """Write, sync and read some megabytes in the workspace; nothing of it stays.

    Args:
        home: The workspace; one that is not there yet is not made.
        clock: Seconds that grow.
    """
    if not home.is_dir():
        return []
    try:
        # Without a name on Linux: it is gone with the process, in whatever way that ends.
        with tempfile.TemporaryFile(dir=home, buffering=0) as trial:
            pace = {"written": _write(trial, clock), "read": _read(trial, clock)}
    except OSError as error:
        reason = REASONS.get(error.errno or 0) or error.strerror or str(error)
        return [wrong("disk speed", f"{home} cannot be written: {reason}", _whose(home))]
    return [_judge(home, pace)]


def _judge(home: Path, pace: dict[str, float]) -> Finding:
    found = " and ".join(f"{mb:.0f} MB/s {how}" for how, mb in pace.items()) + f" at {home}"
    if min(pace.values()) < SLOW:
        return notice(
            "disk speed", found, f"below {SLOW:.0f} MB/s restorations wait for it: a local disk?"
        )
    return sound("disk speed", found)


def _whose(home: Path) -> str:
    return f"see that uid {os.getuid()} may write there: ls -ld {home}"


def _write(trial: BinaryIO, clock: Callable[[], float]) -> float:
    """MB/s, down to the disk."""
    began, blocks = clock(), 0
    while blocks < BLOCKS and (blocks == 0 or clock() - began < SECONDS):
        trial.write(BLOCK)
        os.fsync(trial.fileno())
        blocks += 1
    return _rate(blocks * len(BLOCK), clock() - began)


def _read(trial: BinaryIO, clock: Callable[[], float]) -> float:
    """MB/s, past what the system remembers where it can be asked to forget."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(trial.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    trial.seek(0)
    began, size = clock(), 0
    while (block := trial.read(len(BLOCK))) and (size == 0 or clock() - began < SECONDS):
        size += len(block)
    return _rate(size, clock() - began)


def _rate(size: int, seconds: float) -> float:
    return size / 1e6 / max(seconds, 1e-6)
