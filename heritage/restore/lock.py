"""One process per restoration: an advisory lock that dies with its process."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from pathlib import Path
from types import TracebackType

from heritage.errors import RestorationBusy

_held: set[Path] = set()


def lock_path(output: Path, name: str) -> Path:
    """Where the lock of a restoration lies while somebody holds it."""
    return output.resolve() / f".{name}.lock"


def held_here(output: Path, name: str) -> bool:
    """Whether this very process holds the lock."""
    return lock_path(output, name) in _held


def holder_lives(path: Path) -> bool:
    """Whether a lock was taken by a process of this machine that still runs; it is only read."""
    try:
        who = json.loads(path.read_bytes())
        if who["host"] != socket.gethostname():
            return False
        os.kill(int(who["pid"]), 0)
    except PermissionError:
        return True  # somebody else's process, and there
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


class RestorationLock:
    """Hold ``OUTPUT/.NAME.lock`` until released; the system releases it when the process dies.

    Raises:
        RestorationBusy: If somebody holds it, naming process and host.
    """

    def __init__(self, output: Path, name: str) -> None:
        self._path = lock_path(output, name)
        self._name = name
        self._descriptor: int | None = self._acquire()
        _held.add(self._path)

    def release(self) -> None:
        """Let others in. Calling it twice does nothing."""
        if self._descriptor is None:
            return
        _held.discard(self._path)
        # Removed while held: whoever opened it meanwhile sees in _acquire that it is stale.
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None

    def __enter__(self) -> RestorationLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _acquire(self) -> int:
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not self._still_there(descriptor):
                    os.close(descriptor)
                    continue
                self._sign(descriptor)
            except BlockingIOError:
                holder = self._holder(descriptor)
                os.close(descriptor)
                raise RestorationBusy(
                    f"{self._name} is being restored by {holder}; wait for it or stop it",
                    self._path.parent,
                ) from None
            except OSError:
                os.close(descriptor)
                raise
            return descriptor

    def _still_there(self, descriptor: int) -> bool:
        """Whether the locked file is the one under the name, not one that was just removed."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    @staticmethod
    def _sign(descriptor: int) -> None:
        who = {"pid": os.getpid(), "host": socket.gethostname()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(who).encode(), 0)

    @staticmethod
    def _holder(descriptor: int) -> str:
        try:
            who = json.loads(os.pread(descriptor, 4096, 0))
            return f"process {who['pid']} on {who['host']}"
        except (ValueError, KeyError, TypeError):
            return "another process"
