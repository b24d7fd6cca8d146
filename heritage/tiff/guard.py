"""The few guards of this process, and what they are asked: what is this file, what is this tile?"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from heritage import errors
from heritage.errors import MasterRefused
from heritage.tiff.info import MasterInfo
from heritage.tiff.isolation import Guard, WorkerGone

MOST: Final = min(4, os.cpu_count() or 1)
"""As many as there are threads that decode (``heritage.tiff.order``)."""


class Guards:
    """Guards that are lent to one thread at a time; another is made only when all are lent."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._all: list[Guard] = []
        self._idle: list[Guard] = []
        self._freed = threading.Condition()

    @contextmanager
    def borrowed(self) -> Iterator[Guard]:
        """One that nobody else uses meanwhile, the one used last if it is idle."""
        with self._freed:
            while not self._idle and len(self._all) >= self._most:
                self._freed.wait()
            if not self._idle:
                self._all.append(Guard())
                self._idle.append(self._all[-1])
            guard = self._idle.pop()
        try:
            yield guard
        finally:
            with self._freed:
                if guard in self._all:
                    self._idle.append(guard)
                self._freed.notify()

    def trim(self) -> None:
        """Give back the memory that idle guards hold for pixels."""
        for guard in list(self._all):
            guard.trim()

    def processes(self) -> list[int]:
        """Numbers of their processes, for those who watch over memory."""
        return [one for guard in list(self._all) if (one := guard.process) is not None]

    def close(self) -> None:
        """End their processes."""
        for guard in list(self._all):
            guard.close()

    def forget(self) -> None:
        """In a forked child: its guards are the parent's."""
        for guard in self._all:
            guard.forget()
        self._all, self._idle = [], []
        self._freed = threading.Condition()


GUARDS: Final = Guards()
atexit.register(GUARDS.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=GUARDS.forget)


def inspect(path: Path | str, page: int | None = None) -> MasterInfo:
    """What a file is as a master, found out where it can do no harm.

    Its structure is checked and a sample of its pixels is decoded, all of them up to 64 MiB.

    Args:
        path: The file.
        page: Which page, from 0; by default the largest one at full resolution.

    Raises:
        MasterRefused: If it cannot be restored faithfully, with the reason.
        StorageFailed: If the file cannot be read.
    """
    # Without resolving links: what is asked for is what is named in messages.
    place = Path(path)
    try:
        with GUARDS.borrowed() as guard:
            answer = guard.ask({"path": os.path.abspath(place), "page": page})  # noqa: PTH100
    except WorkerGone as error:
        raise MasterRefused(
            f"opening it fails badly ({error}); the file is damaged", place
        ) from error
    if "master" in answer:
        return MasterInfo.from_wire(answer["master"] | {"path": str(place)})
    fault: type[errors.HeritageError] = getattr(errors, answer["fault"])
    raise fault(answer["reason"], place)
