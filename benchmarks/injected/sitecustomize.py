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

ORDERS = os.environ.get("CHAOS_ORDERS", "")
_dice = random.Random()


def _strike(path):
    path = os.fspath(path)
    if isinstance(path, bytes):
        path = os.fsdecode(path)
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


def _fsync(file, given=os.fsync):
    number = file if isinstance(file, int) else file.fileno()
    _strike(os.readlink(f"/proc/self/fd/{number}"))
    return given(file)


def _renaming(given):
    def rename(old, new, **more):
        if not isinstance(new, int):
            _strike(new)
        return given(old, new, **more)

    return rename


if ORDERS:
    os.fsync = _fsync
    os.replace, os.rename = _renaming(os.replace), _renaming(os.rename)
