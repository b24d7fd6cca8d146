"""Small tiles or strips are decoded some at a time, once they are asked for one after the other.

A question to another process costs a tenth of a millisecond: nothing for a tile of a megabyte,
much more than the decoding for a strip of eight kilobytes, of which many masters are made.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from heritage.tiff.codec import Pixels

RUN_BYTES: Final = 1 << 20
"""Decoded bytes of a run, at most."""
KEPT_BYTES: Final = 8 << 20
"""Decoded bytes that wait to be asked for, at most."""
STREAMS: Final = 64
"""Places of the page from which readers may go on, one after the other, at the same time."""


class Runs:
    """How far to decode ahead, and what was. Thread-safe.

    A run is twice as long as the one before it, so that never more is decoded in vain than was
    asked for.

    Args:
        room: Bytes of the pixels of a tile or strip.
        segments: Tiles or strips of the page.
    """

    def __init__(self, room: int, segments: int) -> None:
        self._longest = max(1, RUN_BYTES // max(1, room))
        self._most_kept = max(1, KEPT_BYTES // max(1, room))
        self._segments = segments
        self._lock = threading.Lock()
        self._expected: OrderedDict[int, int] = OrderedDict()
        self._ready: OrderedDict[int, Pixels] = OrderedDict()

    def take(self, segment: int) -> Pixels | None:
        """A tile or strip that was decoded ahead; it is not kept any longer."""
        with self._lock:
            return self._ready.pop(segment, None)

    def following(self, segment: int) -> range:
        """Which others are to be decoded along with one."""
        with self._lock:
            length = self._expected.pop(segment, 1)
            stop = min(segment + length, self._segments)
            self._expected[stop] = min(2 * length, self._longest)
            while len(self._expected) > STREAMS:
                self._expected.popitem(last=False)
        return range(segment + 1, stop)

    def keep(self, segment: int, decoded: Sequence[Pixels | str]) -> None:
        """Keep what was decoded along with a tile or strip; what failed is tried again later."""
        with self._lock:
            for number, pixels in enumerate(decoded[1:], segment + 1):
                if not isinstance(pixels, str):
                    self._ready[number] = pixels
            while len(self._ready) > self._most_kept:
                self._ready.popitem(last=False)
