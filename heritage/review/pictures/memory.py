"""Decoded pixels that are kept for the next tile, within a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from itertools import count
from typing import Any, Final

from numpy.typing import NDArray

Kept = tuple[NDArray[Any], ...]
Key = tuple[Hashable, ...]
"""Begins with the number of whoever keeps it."""
OWNERS: Final = count()


class ByteCache:
    """The arrays used last, made once however many threads ask at the same moment. Thread-safe.

    Args:
        room: Bytes of what is kept; the newest is kept even if it alone is larger.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._used = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._coming: dict[Key, Future[Kept]] = {}

    def get(self, key: Key, make: Callable[[], Kept]) -> Kept:
        """The arrays of a key; they belong to all and must not be written to.

        Args:
            key: What they are.
            make: Makes them; what it raises is raised to everybody who waits.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            coming = self._coming.get(key)
            if coming is None:
                mine = self._coming[key] = Future[Kept]()
        if coming is not None:
            return coming.result()
        try:
            arrays = make()
        except BaseException as error:
            with self._lock:
                del self._coming[key]
            mine.set_exception(error)
            raise
        self._keep(key, arrays)
        mine.set_result(arrays)
        return arrays

    def forget(self, owner: int) -> None:
        """Let go of everything that one owner keeps here."""
        with self._lock:
            for key in [key for key in self._kept if key[0] == owner]:
                self._used -= _size(self._kept.pop(key))

    def _keep(self, key: Key, arrays: Kept) -> None:
        with self._lock:
            del self._coming[key]
            self._kept[key] = arrays
            self._used += _size(arrays)
            while self._used > self._room and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._used -= _size(gone)


def _size(arrays: Kept) -> int:
    return sum(array.nbytes for array in arrays)
