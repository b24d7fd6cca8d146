"""Fingerprinting files, and writing all of something."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Final

from heritage.errors import StorageFailed

PIECE: Final = 8 << 20
NO_KERNEL_COPY: Final = frozenset(
    {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF}
)


def sha256_file(path: Path | str) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        StorageFailed: If it cannot be read.
    """
    try:
        with Path(path).open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StorageFailed(f"cannot be read ({error.strerror})", path) from error


def write_all(target: int, data: bytes | memoryview, at: int) -> None:
    """Write at a position, however small the pieces that the system accepts.

    Raises:
        OSError: If it cannot be written.
    """
    view = memoryview(data)
    while view:
        count = os.pwrite(target, view, at)
        at, view = at + count, view[count:]
