"""``python -m flows.operations.departed``: tell Prefect of runs that nobody carries on any more."""

from __future__ import annotations

import sys

from flows.operations.alive import report_departed
from heritage.errors import HeritageError


def main() -> int:
    """Look, and tell; the exit status."""
    try:
        for name in report_departed():
            print(f"{name}: nothing was heard of it any more")
    except HeritageError as error:
        print(f"heritage: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
