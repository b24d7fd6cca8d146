"""Write so that a power cut leaves the old file or the new one; say why a disk refused."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heritage.errors import StorageFailed

REASONS = {
    errno.ENOSPC: "the disk is full; free some space and run again, the work done so far is kept",
    errno.EDQUOT: "the disk quota is used up; free some space and run again",
    errno.EFBIG: "the file system does not take a file this large; choose another output folder",
    errno.EIO: "the disk reports a read or write error; check it, or copy the file elsewhere",
    errno.ENOENT: "does not exist, or its disk or share is no longer there",
    errno.ENODEV: "its disk or share is no longer there; mount it and run again",
    errno.ENXIO: "its disk or share is no longer there; mount it and run again",
    errno.ESTALE: "its network share went away; mount it again and run again",
    errno.ENOTCONN: "its network share went away; mount it again and run again",
    errno.EACCES: "you are not allowed to read or write here",
    errno.EPERM: "you are not allowed to read or write here",
    errno.EROFS: "the file system is read-only; choose another output folder",
    errno.ENOTDIR: "a file is where a folder should be",
    errno.EEXIST: "a file is where a folder should be",
    errno.ENAMETOOLONG: "the name is too long for this file system",
    errno.EMFILE: "too many open files; raise the limit (ulimit -n) and run again",
}


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn a failure of the system below into one sentence about ``path``.

    Raises:
        StorageFailed: In place of any ``OSError`` raised inside.
    """
    try:
        yield
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else path
        reason = REASONS.get(error.errno or 0) or error.strerror or str(error) or repr(error)
        raise StorageFailed(reason, where) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Put ``data`` under its name in one step: temporary file, fsync, rename, fsync again."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextmanager
def partial_of(target: Path) -> Iterator[Path]:
    """A name beside ``target`` to write under; what is still there in the end is removed."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a written file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Wait until a folder's entries are on the disk."""
    sync(path)


def remove_folder(path: Path) -> None:
    """Remove a folder of ours and everything in it, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)


def require_space(folder: Path, needed: int) -> None:
    """Refuse to start what the disk cannot hold.

    Raises:
        StorageFailed: With what is missing.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageFailed(
            f"needs {megabytes(needed)} free for this restoration and has {megabytes(free)}: "
            f"free {megabytes(needed - free)} or choose another output folder",
            folder,
        )


def megabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):,.1f} MB"
