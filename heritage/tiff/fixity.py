"""Copying and fingerprinting files in pieces, in the kernel where it can."""

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


def copy_and_hash(source: int, target: int) -> str:
    """Copy one open file into another, empty one.

    What is hashed is what arrived: a copy that went wrong does not have the source's hash.

    Returns:
        SHA-256 of the copy, in hexadecimal.

    Raises:
        OSError: If either cannot be read or written.
    """
    digest, at, kernel = hashlib.sha256(), 0, hasattr(os, "copy_file_range")
    buffer = memoryview(bytearray(PIECE))
    while True:
        count = 0
        if kernel:
            try:
                count = os.copy_file_range(source, target, PIECE, at, at)
            except OSError as error:
                if error.errno not in NO_KERNEL_COPY:
                    raise
                kernel = False
        if not count:
            # Some file systems answer 0 before the end: only a read can tell.
            count = os.preadv(source, [buffer], at)
            write_all(target, buffer[:count], at)
        if not count:
            return digest.hexdigest()
        done = 0
        while done < count:
            read = os.preadv(target, [buffer[: count - done]], at + done)
            if not read:
                raise OSError(errno.EIO, "the copy is shorter than its source")
            digest.update(buffer[:read])
            done += read
        at += count


def write_all(target: int, data: bytes | memoryview, at: int) -> None:
    """Write at a position, however small the pieces that the system accepts.

    Raises:
        OSError: If it cannot be written.
    """
    view = memoryview(data)
    while view:
        count = os.pwrite(target, view, at)
        at, view = at + count, view[count:]
