"""The process in which unknown files are opened and decoded: limited in memory, expendable.

It reads one JSON request a line and answers one JSON line; the bytes of tiles and strips, and
their pixels, go through shared memory. It ends when its caller is gone.
Run by ``heritage.tiff.isolation``, never by hand.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from heritage.errors import HeritageError
from heritage.tiff.bench import Bench
from heritage.tiff.inspection import examine

MEMORY: Final = 800 << 20
"""Bytes beyond what the imports took; together they stay under one gibibyte."""
ORPHANED: Final = 5.0
"""Seconds between two looks at whether the caller is still there."""


def answer(request: dict[str, Any], bench: Bench) -> dict[str, Any]:
    """What was found out or done, or why not, as something that JSON can carry."""
    try:
        if "segments" in request:
            limit_memory(request["area"])
            return {"shapes": bench.decode(request)}
        return {"master": examine(request["path"], request["page"]).to_wire()}
    except HeritageError as error:
        return {"fault": type(error).__name__, "reason": error.reason}
    except MemoryError:
        return {"fault": "MasterRefused", "reason": "it needs more memory than its size explains"}
    except Exception as error:  # noqa: BLE001 - the edge of a worker: no fault may pass unanswered
        if "segments" in request:
            return {"fault": "MasterRefused", "reason": str(error)}
        kind = type(error).__name__
        return {"fault": "MasterRefused", "reason": f"it cannot be understood ({kind}: {error})"}


def used_memory() -> int:
    """Bytes of address space in use; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0


USED: Final = used_memory()
"""By Python and what it imported."""


def limit_memory(shared: int = 0) -> None:
    """Let allocations fail, rather than the machine.

    Args:
        shared: Bytes that come on top, because they are the caller's as well.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = USED + MEMORY + shared
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def requests(caller: int) -> Iterator[dict[str, Any]]:
    """One after the other, until the caller closes the pipe or is gone.

    A fork of the caller holds the pipe open without knowing of it.
    """
    received = b""
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        while os.getppid() == caller:
            if not selector.select(ORPHANED):
                continue
            piece = os.read(0, 1 << 16)
            if not piece:
                return
            received += piece
            if received.endswith(b"\n"):
                yield json.loads(received)
                received = b""


def main() -> None:
    """Serve until the caller closes the pipe."""
    caller = os.getppid()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a codec prints must not be taken for an answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit_memory()
    bench = Bench(int(sys.argv[1]))
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for request in requests(caller):
        print(json.dumps(answer(request, bench)), file=answers, flush=True)


if __name__ == "__main__":
    main()
