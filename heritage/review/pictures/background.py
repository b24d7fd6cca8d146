"""Work that goes on while staff look: one master at a time, given up when nobody looks any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from heritage.errors import HeritageError
from heritage.review.pictures.overview import Stopped

Job = Callable[[Callable[[], bool]], None]
"""Gets a function that says whether to give up; it then raises ``Stopped``."""

_TURN: Final = threading.Semaphore(1)
_PATIENCE: Final = 0.5  # seconds between two looks at whether to give up while others work


class Background:
    """Does some jobs, one after the other, once it is asked to.

    Args:
        jobs: What is to be done.

    Attributes:
        fault: What went wrong, if anything did; what depends on it stays provisional.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.fault: HeritageError | None = None
        self._done = False
        self._jobs = jobs
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        with self._lock:
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._work, name="overview", daemon=True)
                self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until everything is done, or failed, or the time is over; whether all is done."""
        if self._thread is None:
            return False
        self._thread.join(seconds)
        return self._done

    def stop(self) -> None:
        """Give up, and wait until nothing is read any more."""
        with self._lock:
            self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while not _TURN.acquire(timeout=_PATIENCE):
            if self._stop.is_set():
                return
        try:
            for job in self._jobs:
                job(self._stop.is_set)
            self._done = True
        except Stopped:
            return
        except HeritageError as error:
            self.fault = error
        finally:
            _TURN.release()
