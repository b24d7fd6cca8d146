"""Faults on demand, in every process that has this folder on its path; used by ``chaos.py``.

The file that CHAOS_ORDERS names holds JSON: a folder, the name of an error such as EIO, and how
often of a hundred times it strikes. What strikes are the calls by which results get to the disk.
A master whose name has the word "poison" kills the process that puts its results on disk.
"""

import errno
import json
import os
import random
import signal
from collections.abc import Callable
from typing import Any

Call = Callable[..., None]
ORDERS = os.environ.get("CHAOS_ORDERS", "")
_dice = random.Random()


def _strike(place: Any) -> None:  # noqa: ANN401 - whatever ``os`` takes
    path = os.fsdecode(place)
    if "poison" in path and "restored" in path:
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        with open(ORDERS) as stream:  # noqa: PTH123
            orders = json.load(stream)
    except (OSError, ValueError):
        return
    if path.startswith(orders["folder"]) and _dice.uniform(0, 100) < orders["percent"]:
        number = getattr(errno, orders["error"])
        raise OSError(number, os.strerror(number), path)


def _syncing(given: Call) -> Call:
    def fsync(file: Any) -> None:  # noqa: ANN401
        number = file if isinstance(file, int) else file.fileno()
        _strike(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115 - quick
        given(file)

    return fsync


def _renaming(given: Call) -> Call:
    def rename(old: Any, new: Any, **more: Any) -> None:  # noqa: ANN401
        _strike(new)
        given(old, new, **more)

    return rename


if ORDERS:
    os.fsync = _syncing(os.fsync)
    os.replace, os.rename = _renaming(os.replace), _renaming(os.rename)
