"""Memory that two processes see, for pixels that must not be copied through a pipe."""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import Final

STEP: Final = 1 << 20
"""Bytes by which it grows."""


class SharedMemory:
    """An area without a name in any file system; it is gone when both processes are.

    Only the process that made it changes its size, and only while the other one waits.

    Args:
        descriptor: That of an area that another process made; it now belongs to this object.
            By default a new one is made.

    Attributes:
        descriptor: What the other process needs to inherit.
        size: Bytes of the area.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self.descriptor = _new() if descriptor is None else descriptor
        self.size = 0
        self._map: mmap.mmap | None = None

    def reserve(self, size: int) -> memoryview:
        """At least ``size`` bytes of it, for the process that made it."""
        if size > self.size:
            size = -(-size // STEP) * STEP
            self._map = None
            os.ftruncate(self.descriptor, size)
            self.attach(size)
        assert self._map is not None
        return memoryview(self._map)

    def attach(self, size: int) -> memoryview:
        """All of it, for the other process, once its maker has made it ``size`` bytes long."""
        if self._map is None or size != self.size:
            self._map, self.size = None, 0
            self._map = mmap.mmap(self.descriptor, size)
            self.size = size
        return memoryview(self._map)

    def trim(self) -> None:
        """Give its bytes back to the system; ``reserve`` takes new ones."""
        self._map, self.size = None, 0
        os.ftruncate(self.descriptor, 0)

    def close(self) -> None:
        """Let go of it; what was made of its views stays readable."""
        self._map, self.size = None, 0
        os.close(self.descriptor)


def _new() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("heritage-pixels", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
