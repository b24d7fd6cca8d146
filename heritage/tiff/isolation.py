"""Opening and decoding unknown files where no crash or memory bomb reaches us."""

from __future__ import annotations

import json
import math
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from heritage.tiff.codec import Pixels
from heritage.tiff.sharing import SharedMemory

SECONDS: Final = 8.0
"""Wall clock for one file to be looked at, or one small tile or strip to be decoded."""
START_SECONDS: Final = 60.0
"""Wall clock for starting the process on a busy machine; it happens once."""


KEPT: Final = 32 << 20
"""Bytes that the worker keeps for the next tile or strip rather than returning them at once."""


class WorkerGone(Exception):
    """The process died or did not answer in time."""


class Guard:
    """One worker process, started when first needed and again after it died. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._memory: SharedMemory | None = None

    def ask(self, request: dict[str, Any], seconds: float = SECONDS) -> dict[str, Any]:
        """The worker's answer.

        Raises:
            WorkerGone: If it dies or takes longer than ``seconds``.
        """
        with self._lock:
            return self._ask(request, seconds)

    def pixels(
        self,
        request: dict[str, Any],
        data: Sequence[bytes],
        dtype: np.dtype[Any],
        room: int,
        seconds: float,
    ) -> list[Pixels | str]:
        """What the worker makes of the bytes of some tiles or strips.

        Args:
            request: Which ones they are.
            data: Their bytes as they are in the file.
            dtype: Of their pixels.
            room: Bytes that the pixels of one need.
            seconds: How long to wait.

        Returns:
            The pixels of each, or why it has none.

        Raises:
            WorkerGone: If the worker dies or takes longer than ``seconds``.
        """
        with self._lock:
            self._started()
            assert self._memory is not None
            sizes = [len(one) for one in data]
            shared = self._memory.reserve(max(sum(sizes), len(data) * room))
            at = 0
            for one in data:
                shared[at : at + len(one)] = one
                at += len(one)
            place = {"bytes": sizes, "area": self._memory.size, "room": room}
            answer = self._ask(request | place, seconds)
            if "shapes" not in answer:
                return [answer["reason"]] * len(data)
            return [
                shape if isinstance(shape, str) else _copied(shared[number * room :], dtype, shape)
                for number, shape in enumerate(answer["shapes"])
            ]

    @property
    def process(self) -> int | None:
        """Number of its process, if it has one now."""
        process = self._process
        return None if process is None else process.pid

    def trim(self) -> None:
        """Give back the memory that is shared with the worker, unless it is in use."""
        if self._lock.acquire(blocking=False):
            try:
                if self._memory is not None:
                    self._memory.trim()
            finally:
                self._lock.release()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def forget(self) -> None:
        """In a forked child: the process is the parent's, to keep or to end."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        if process is not None:
            process.returncode = 0
            _close_pipes(process)
        self._drop_memory()

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        process = self._started()
        try:
            _send(process, json.dumps(request).encode() + b"\n")
            return _line(process, seconds)
        except (WorkerGone, OSError) as error:
            self._stop()
            raise WorkerGone(str(error)) from error
        except BaseException:
            # Interrupted while waiting: the answer to come would be taken for the next one.
            self._stop()
            raise

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        self._memory = SharedMemory()
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "heritage.tiff.worker", str(self._memory.descriptor)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            pass_fds=(self._memory.descriptor,),
            start_new_session=True,
        )
        try:
            _line(self._process, START_SECONDS)
        except BaseException:
            self._stop()
            raise
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _close_pipes(process)
            process.kill()
            process.wait()
        self._drop_memory()

    def _drop_memory(self) -> None:
        memory, self._memory = self._memory, None
        if memory is not None:
            memory.close()


def _copied(shared: memoryview, dtype: np.dtype[Any], shape: list[int]) -> Pixels:
    return np.frombuffer(shared, dtype, math.prod(shape)).reshape(shape).copy()


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _send(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None
    while line:
        line = line[process.stdin.write(line) or 0 :]


def _line(process: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
    assert process.stdout is not None
    received, deadline = b"", time.monotonic() + seconds
    waiting = select.poll()
    waiting.register(process.stdout, select.POLLIN)
    while not received.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not waiting.poll(1000 * left):
            raise WorkerGone(f"no answer within {seconds:.0f} seconds")
        piece = os.read(process.stdout.fileno(), 1 << 16)
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
        "MALLOC_MMAP_THRESHOLD_": str(KEPT),
        "MALLOC_TRIM_THRESHOLD_": str(KEPT),
        "PYTHONPATH": os.pathsep.join(entry or "." for entry in sys.path),
        "PYTHONWARNINGS": "ignore",
    }
