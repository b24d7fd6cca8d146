"""How much memory a process holds, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal


def resident(which: Literal["now", "peak"] = "now", pid: int | None = None) -> int:
    """Bytes of resident memory of a process; 0 where the system does not say.

    The peak is that of the running program. ``getrusage`` would answer for the process, which
    began as a copy of the one that started it, and with what that one held.

    Args:
        which: At this moment, or at most since the program started.
        pid: Of the process; None for this one.
    """
    status = Path(f"/proc/{os.getpid() if pid is None else pid}/status")
    field = "VmRSS:" if which == "now" else "VmHWM:"
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    found = (line.split()[1] for line in lines if line.startswith(field))
    return 1024 * int(next(found, 0))
