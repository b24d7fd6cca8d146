"""Leaving after an interruption, even where a library's thread will not let go."""

from __future__ import annotations

import os
import threading
import time
from typing import Final

GRACE: Final = 10.0
"""Seconds for threads and exit handlers; everything that must be kept is on disk by then."""


def leave_soon(status: int, grace: float = GRACE) -> None:
    """End this process within ``grace`` seconds, whatever still runs in it.

    Interrupted at a bad moment, a library leaves a thread that Python waits for when it exits, for
    ever: a queue of TensorBoard's writer that was never told to close, for one.

    Args:
        status: Exit status.
        grace: In seconds; who leaves earlier by the ordinary way does so undisturbed.
    """

    def leave() -> None:
        time.sleep(grace)
        os._exit(status)

    threading.Thread(target=leave, name="leave-soon", daemon=True).start()
