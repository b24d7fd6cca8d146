"""``python -m flows.operations.departed [WORKER]``: tell Prefect of runs that nobody carries on.

To be called before the worker of that name is started on this machine.
"""

from __future__ import annotations

import sys

from flows.operations.departures import Departures
from flows.operations.server import server_of
from flows.operations.told import tell
from heritage.settings import load_settings


def main() -> list[str]:
    """Look once; names of the runs."""
    settings = load_settings()
    return Departures(settings, server_of(settings), *sys.argv[1:2]).report(down=True)


if __name__ == "__main__":
    sys.exit(tell(main))
