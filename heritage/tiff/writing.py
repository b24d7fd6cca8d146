"""Writing a file in one pass, hashing it and its source meanwhile."""

from __future__ import annotations

import errno
import hashlib
import os
import queue
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol

from heritage.tiff.fixity import NO_KERNEL_COPY, PIECE, write_all
from heritage.tiff.pieces import Copied, Given, Kept, Made, Piece, Repeated

Range = tuple[int, int, int]
"""A descriptor, a position in its file, a number of bytes."""
AHEAD_BYTES: Final = 16 << 20
"""Bytes that are made ahead of their turn, at most."""
FILL: Final = 1 << 20
FLUSH: Final = 64 << 20
"""Bytes after which what was written is sent to the disk."""


class Scratch(Protocol):
    """Where bytes were put aside."""

    def read_at(self, at: int, size: int) -> bytes:
        """Those at a position."""
        ...


class Hashing:
    """A SHA-256 that a thread of its own computes, of stretches of files, in the order told.

    OpenSSL hashes without Python's lock, so this costs a second core and no time.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._ranges: queue.SimpleQueue[Range | None] = queue.SimpleQueue()
        self._fault: OSError | None = None
        self._thread = threading.Thread(target=self._work, name="hashing", daemon=True)
        self._thread.start()

    def add(self, descriptor: int, at: int, size: int) -> None:
        """Hash these bytes next; they must be there already."""
        for start in range(at, at + size, PIECE):
            self._ranges.put((descriptor, start, min(PIECE, at + size - start)))

    def result(self) -> str:
        """The digest of all, in hexadecimal.

        Raises:
            OSError: If something could not be read.
        """
        self.close()
        if self._fault is not None:
            raise self._fault
        return self._digest.hexdigest()

    def close(self) -> None:
        """Let the thread end; nothing is read when this returns."""
        self._ranges.put(None)
        self._thread.join()

    def _work(self) -> None:
        buffer = memoryview(bytearray(PIECE))
        while (told := self._ranges.get()) is not None:
            if self._fault is None:
                try:
                    self._update(buffer, *told)
                except OSError as error:
                    self._fault = error

    def _update(self, buffer: memoryview, descriptor: int, at: int, size: int) -> None:
        while size:
            count = os.preadv(descriptor, [buffer[:size]], at)
            if not count:
                raise OSError(errno.EIO, "the file is shorter than it was")
            self._digest.update(buffer[:count])
            at, size = at + count, size - count


class Flushing:
    """Sends what was written to the disk as it comes, so that little is left to wait for.

    Args:
        descriptor: Of the file.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._written: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._waiting = 0
        self._fault: OSError | None = None
        self._thread = threading.Thread(target=self._work, name="flushing", daemon=True)
        self._thread.start()

    def add(self, size: int) -> None:
        """So many more bytes were written."""
        self._waiting += size
        if self._waiting >= FLUSH:
            self._waiting = 0
            self._written.put(True)

    def result(self) -> None:
        """Let the thread end; what it had no time for is left to ``fsync``.

        Raises:
            OSError: If the disk refused something. The system says so only once: an ``fsync``
                after it may succeed.
        """
        self.close()
        if self._fault is not None:
            raise self._fault

    def close(self) -> None:
        """Let the thread end."""
        self._written.put(False)
        self._thread.join()

    def _work(self) -> None:
        while self._written.get():
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                self._fault = self._fault or error


class Writer:
    """Writes pieces one after the other into an empty file.

    What is hashed of the source is what arrived: where its bytes were copied, they are read from
    the copy. So a copy that went wrong does not have the source's hash.

    Args:
        source: The master, open for reading.
        source_bytes: Its size.
        target: The new file, empty, open for reading and writing.
        scratch: Where bytes were put aside.
        threads: How many make what is made late.
    """

    def __init__(
        self, source: int, source_bytes: int, target: int, scratch: Scratch, threads: int
    ) -> None:
        self.source, self.source_bytes, self.target = source, source_bytes, target
        self.scratch, self.threads = scratch, threads
        self._kernel = hasattr(os, "copy_file_range")
        self._at = 0
        self._seen = 0
        self._source_hash, self._target_hash = Hashing(), Hashing()
        self._flushing = Flushing(target)

    def write(self, pieces: Iterator[Piece]) -> tuple[str, str]:
        """Write all of them.

        Returns:
            SHA-256 of the source and of what was written, in hexadecimal.

        Raises:
            OSError: If something cannot be read or written.
        """
        with ThreadPoolExecutor(self.threads, "compose") as pool:
            try:
                for piece, made in _ahead(pieces, pool):
                    self._put(piece, made)
                self._source_hash.add(self.source, self._seen, self.source_bytes - self._seen)
                self._flushing.result()
                return self._source_hash.result(), self._target_hash.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                self._source_hash.close()
                self._target_hash.close()
                self._flushing.close()
                raise

    def _put(self, piece: Piece, made: Future[bytes] | None) -> None:
        if isinstance(piece, Copied):
            self._copy(piece)
        elif isinstance(piece, Repeated):
            for start in range(0, piece.size, FILL):
                size = min(FILL, piece.size - start)
                write_all(self.target, piece.bytes_at(start, size), self._at)
                self._wrote(size)
        else:
            data = self._data(piece, made)
            if len(data) != piece.size:
                raise OSError(errno.EIO, "something was made that has not the size it must have")
            write_all(self.target, data, self._at)
            self._wrote(piece.size)

    def _wrote(self, size: int) -> None:
        """So many more bytes are there: they can be hashed and sent to the disk."""
        self._target_hash.add(self.target, self._at, size)
        self._flushing.add(size)
        self._at += size

    def _data(self, piece: Piece, made: Future[bytes] | None) -> bytes:
        if made is not None:
            return made.result()
        if isinstance(piece, Kept):
            return self.scratch.read_at(piece.at, piece.size)
        assert isinstance(piece, Given)
        return piece.data

    def _copy(self, piece: Copied) -> None:
        in_turn = piece.at >= self._seen
        if in_turn:
            self._source_hash.add(self.source, self._seen, piece.at - self._seen)
            self._seen = piece.at + piece.size
        done = 0
        while done < piece.size:
            size = min(PIECE, piece.size - done)
            copied = self._copy_some(piece.at + done, self._at, size)
            if in_turn:
                self._source_hash.add(self.target, self._at, copied)
            self._wrote(copied)
            done += copied

    def _copy_some(self, at: int, to: int, size: int) -> int:
        """Copy at most ``size`` bytes; how many."""
        if self._kernel:
            try:
                count = os.copy_file_range(self.source, self.target, size, at, to)
            except OSError as error:
                if error.errno not in NO_KERNEL_COPY:
                    raise
                self._kernel = False
            else:
                if count:
                    return count
        # Some file systems answer 0 before the end: only a read can tell.
        data = os.pread(self.source, size, at)
        if not data:
            raise OSError(errno.EIO, "the source is shorter than it was")
        write_all(self.target, data, to)
        return len(data)


def _ahead(
    pieces: Iterator[Piece], pool: ThreadPoolExecutor
) -> Iterator[tuple[Piece, Future[bytes] | None]]:
    """The pieces in order; those that must be made are begun some time before."""
    waiting: deque[tuple[Piece, Future[bytes] | None]] = deque()
    weight = 0
    for piece in pieces:
        made = pool.submit(piece.make) if isinstance(piece, Made) else None
        waiting.append((piece, made))
        weight += piece.size if made is not None else 0
        while waiting and (waiting[0][1] is None or weight > AHEAD_BYTES):
            first = waiting.popleft()
            weight -= first[0].size if first[1] is not None else 0
            yield first
    yield from waiting
