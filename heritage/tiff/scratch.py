"""Bytes put aside between two steps: a few in memory, more in a file without a name."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import Final

from heritage.closing import Closing
from heritage.tiff.pieces import Kept

IN_MEMORY: Final = 32 << 20


class Scratch(Closing):
    """A file that nobody else sees and that is gone with this process. A context manager.

    Args:
        folder: On whose disk it lies once it is large.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(folder))  # noqa: SIM115
        self._end = 0

    def keep(self, data: bytes) -> Kept:
        """Put bytes aside.

        Raises:
            OSError: If the disk is full.
        """
        self._file.seek(self._end)
        self._file.write(data)
        kept = Kept(len(data), self._end)
        self._end += len(data)
        return kept

    def read_at(self, at: int, size: int) -> bytes:
        """Bytes that were put aside.

        Raises:
            OSError: If they cannot be read.
        """
        self._file.seek(at)
        data = self._file.read(size)
        if len(data) != size:
            raise OSError(errno.EIO, "a scratch file is shorter than it was")
        return data

    def close(self) -> None:
        """Close the file, which is gone then."""
        self._file.close()
