"""The files below a folder and their checksums, each file read once for all of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

from heritage.archive.bags.paths import shown

ALGORITHMS = ("sha256", "sha512")
THREADS = 8
"""Files read at once: more than there are cores, so that a disk has work while another waits."""

_BLOCK = 1 << 20
_LARGE = 8 << 20


@dataclass(frozen=True)
class Digest:
    """What reading a file once gave.

    Args:
        bytes: Its length.
        hashes: Hexadecimal digest by algorithm.
    """

    bytes: int
    hashes: Mapping[str, str]


def walk(folder: Path) -> tuple[list[str], list[str]]:
    """The plain files below a folder by their paths in it, sorted, and sentences about the rest.

    Raises:
        OSError: If a folder cannot be read.
    """
    files: list[str] = []
    odd: list[str] = []
    open_folders = [""]
    while open_folders:
        inside = open_folders.pop()
        with os.scandir(f"{folder}/{inside}") as entries:
            for entry in entries:
                path = inside + entry.name
                if entry.is_file(follow_symlinks=False):
                    files.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    open_folders.append(f"{path}/")
                else:
                    what = "a link" if entry.is_symlink() else "a device or pipe"
                    odd.append(f"{shown(path)}: is {what}, and only files may be here")
    return sorted(files), odd


def digest(data: bytes, algorithms: Iterable[str] = ALGORITHMS) -> Digest:
    """The digests of bytes at hand."""
    return Digest(len(data), {name: hashlib.new(name, data).hexdigest() for name in algorithms})


def read_digest(path: str, algorithms: Iterable[str] = ALGORITHMS) -> Digest:
    """Read a file once, in large pieces, for all its digests. Links are not followed.

    Raises:
        OSError: If it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return _hash(descriptor, os.fstat(descriptor).st_size, algorithms)
    finally:
        os.close(descriptor)


def read_digests(
    folder: Path, paths: Iterable[str], algorithms: Sequence[str], large: Executor
) -> tuple[dict[str, Digest], list[str]]:
    """Digests by path, none for what cannot be read, and sentences about that.

    Args:
        folder: Where the files are.
        paths: Theirs, in it.
        algorithms: To compute.
        large: Reads large files beside this thread.
    """
    found: dict[str, Digest] = {}
    waiting: dict[str, Future[Digest]] = {}
    unread: list[str] = []
    for path in paths:
        try:
            descriptor = os.open(f"{folder}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                size = os.fstat(descriptor).st_size
                if size < _LARGE:
                    found[path] = _hash(descriptor, size, algorithms)
                else:
                    waiting[path] = large.submit(read_digest, f"{folder}/{path}", algorithms)
            finally:
                os.close(descriptor)
        except OSError as error:
            found[path] = Digest(0, {})
            unread.append(f"{shown(path)}: cannot be read ({error.strerror})")
    for path, future in waiting.items():
        try:
            found[path] = future.result()
        except OSError as error:
            found[path] = Digest(0, {})
            unread.append(f"{shown(path)}: cannot be read ({error.strerror})")
    return found, unread


def _hash(descriptor: int, size: int, algorithms: Iterable[str]) -> Digest:
    hashers = {name: hashlib.new(name) for name in algorithms}
    read = 0
    # One byte more than is left: the piece that ends a small file is read with it.
    while block := os.read(descriptor, min(max(size - read, 4095) + 1, _BLOCK)):
        for hasher in hashers.values():
            hasher.update(block)
        read += len(block)
    return Digest(read, {name: hasher.hexdigest() for name, hasher in hashers.items()})
