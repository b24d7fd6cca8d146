"""What this machine has found out by measuring, kept in small files of the user's cache folder.

Nothing here is needed: a file that is missing, damaged or cannot be written only means measuring
again.
"""

from __future__ import annotations

import json
import os
import platform
from functools import lru_cache
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """``heritage`` in ``XDG_CACHE_HOME``, or else in the cache folder of the user's home.

    Measurements belong to a machine, not to a collection: a workspace may lie on a share that
    several machines use.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The standard says that a relative path there is to be ignored.
    return (named if named.is_absolute() else Path("~/.cache").expanduser()) / "heritage"


def recall(file: str, key: str) -> dict[str, Any] | None:
    """What was noted under a key; None where nothing usable was.

    Args:
        file: Name of the file, such as ``trials.json``.
        key: See ``machine`` for what it should begin with.
    """
    entry = _read(cache_folder() / file).get(key)
    return entry if isinstance(entry, dict) else None


def note(file: str, key: str, entry: dict[str, Any], replace: bool = True) -> dict[str, Any]:
    """Keep an entry under a key, if that is possible.

    The file appears by rename, so that a reader never sees a part of one. Of two processes that
    write at once one may lose its entry, and will measure again.

    Args:
        file: Name of the file.
        key: Under which it is found again.
        entry: What JSON can hold.
        replace: False: an entry that another process has made meanwhile is left as it is.

    Returns:
        The entry that holds now.
    """
    path = cache_folder() / file
    entries = _read(path)
    before = entries.get(key)
    if not replace and isinstance(before, dict):
        return before
    entries[key] = entry
    partial = path.with_name(f".{file}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError:
        _forget(partial)
    return entry


def _forget(partial: Path) -> None:
    try:
        partial.unlink(missing_ok=True)
    except OSError:  # a folder that nobody may write in; there is nothing to remove either
        return


def _read(path: Path) -> dict[str, Any]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}


@lru_cache(maxsize=1)
def processor() -> str:
    """The processor's name as the system gives it, and how many cores this process may use."""
    name = platform.processor() or platform.machine()
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            named = (line.partition(":")[2].strip() for line in lines if "model name" in line)
            name = next(named, name)
    except OSError:  # not Linux
        pass
    allowed = getattr(os, "sched_getaffinity", None)
    cores = len(allowed(0)) if allowed is not None else os.cpu_count() or 1
    return f"{name}, {cores} cores"
