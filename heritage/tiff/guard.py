"""Opening unknown files in a process of their own, so that no crash or memory bomb reaches us."""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from heritage import errors
from heritage.errors import MasterRefused
from heritage.tiff.info import MasterInfo

SECONDS: Final = 8.0
"""Wall clock for one file."""
START_SECONDS: Final = 60.0
"""Wall clock for starting the process on a busy machine; it happens once."""


class WorkerGone(Exception):
    """The process died or did not answer in time."""


class Guard:
    """One worker process, started when first needed and again after it died. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, request: dict[str, Any], seconds: float = SECONDS) -> dict[str, Any]:
        """The worker's answer.

        Raises:
            WorkerGone: If it dies or takes longer than ``seconds``.
        """
        with self._lock:
            process = self._started()
            try:
                assert process.stdin is not None
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
                return _line(process, seconds)
            except (WorkerGone, OSError) as error:
                self._stop()
                raise WorkerGone(str(error)) from error
            except BaseException:
                # Interrupted while waiting: the answer to come would be taken for the next one.
                self._stop()
                raise

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _started(self) -> subprocess.Popen[bytes]:
        alive = self._process is not None and self._process.poll() is None
        if self._process is not None and self._owner == os.getpid() and alive:
            return self._process
        self._stop()
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "heritage.tiff.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,
        )
        _line(self._process, START_SECONDS)
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        # After a fork the worker is our parent's, to keep or to end.
        if self._owner == os.getpid():
            process.kill()
            process.wait()
        else:
            process.returncode = 0


def inspect(path: Path | str, page: int | None = None) -> MasterInfo:
    """What a file is as a master, found out where it can do no harm.

    Its structure is checked and a sample of its pixels is decoded, all of them up to 64 MiB.

    Args:
        path: The file.
        page: Which page, from 0; by default the largest one at full resolution.

    Raises:
        MasterRefused: If it cannot be restored faithfully, with the reason.
        StorageFailed: If the file cannot be read.
    """
    # Without resolving links: what is asked for is what is named in messages.
    place = Path(path)
    try:
        answer = _GUARD.ask({"path": os.path.abspath(place), "page": page})  # noqa: PTH100
    except WorkerGone as error:
        raise MasterRefused(
            f"opening it fails badly ({error}); the file is damaged", place
        ) from error
    if "master" in answer:
        return MasterInfo.from_wire(answer["master"] | {"path": str(place)})
    fault: type[errors.HeritageError] = getattr(errors, answer["fault"])
    raise fault(answer["reason"], place)


def _line(process: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
    assert process.stdout is not None
    received, deadline = b"", time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not received.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise WorkerGone(f"no answer within {seconds:.0f} seconds")
            piece = os.read(process.stdout.fileno(), 1 << 20)
            if not piece:
                raise WorkerGone("the decoder crashed")
            received += piece
    answer: dict[str, Any] = json.loads(received)
    return answer


def _environment() -> dict[str, str]:
    """Ours, without threads that reserve memory, and finding the same packages."""
    return os.environ | {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        "PYTHONPATH": os.pathsep.join(entry or "." for entry in sys.path),
        "PYTHONWARNINGS": "ignore",
    }


_GUARD: Final = Guard()
atexit.register(_GUARD.close)
