"""``python -m flows.operations.departed [WORKER]``: tell Prefect of runs that nobody carries on.

To be called before the worker of that name is started on this machine.
"""

from __future__ import annotations

import sys

from flows.operations.alive import report_departed
from heritage.errors import HeritageError


def main() -> int:
    """Look, and tell; the exit status."""
    try:
        for name in report_departed(*sys.argv[1:2]):
            print(f"{name}: nothing was heard of it any more")
    except HeritageError as error:
        print(f"heritage: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
