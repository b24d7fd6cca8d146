"""Files are not closed while somebody reads them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from heritage.errors import HeritageError


class SceneClosed(HeritageError):
    """A scene was closed before it was asked; open it again."""


class Gate:
    """Counts who is inside; once closed it lets nobody in. Thread-safe."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._inside = 0
        self._closed = False

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be inside.

        Raises:
            SceneClosed: If it is closed.
        """
        with self._change:
            if self._closed:
                raise SceneClosed("nobody looked at it for a while; open it again")
            self._inside += 1
        try:
            yield
        finally:
            with self._change:
                self._inside -= 1
                self._change.notify_all()

    def close(self) -> bool:
        """Wait until nobody is inside; whether this call was the first."""
        with self._change:
            first, self._closed = not self._closed, True
            self._change.wait_for(lambda: not self._inside)
        return first
