"""The process in which unknown files are opened first: limited in memory, expendable.

It reads one JSON request a line and answers one JSON line. It ends when its caller is gone.
Run by ``heritage.tiff.guard``, never by hand.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, Final

from heritage.errors import HeritageError
from heritage.tiff.inspection import examine

MEMORY: Final = 800 << 20
"""Bytes beyond what the imports took; together they stay under one gibibyte."""


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What ``examine`` says, or why it refuses, as something that JSON can carry."""
    try:
        return {"master": examine(request["path"], request["page"]).to_wire()}
    except HeritageError as error:
        return {"fault": type(error).__name__, "reason": error.reason}
    except MemoryError:
        return {"fault": "MasterRefused", "reason": "it needs more memory than its size explains"}
    except Exception as error:  # noqa: BLE001 - the edge of a worker: no fault may pass unanswered
        kind = type(error).__name__
        return {"fault": "MasterRefused", "reason": f"it cannot be understood ({kind}: {error})"}


def limit_memory() -> None:
    """Let allocations fail, rather than the machine."""
    statm = Path("/proc/self/statm")
    used = int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = used + MEMORY
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Serve until the caller closes the pipe."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a codec prints must not be taken for an answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    limit_memory()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
