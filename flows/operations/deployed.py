"""``python -m flows.operations.deployed``: make our flows known to the Prefect server."""

from __future__ import annotations

import sys

from flows.operations.deployments import deploy
from heritage.errors import HeritageError
from heritage.settings import load_settings


def main() -> int:
    """Deploy; the exit status."""
    try:
        for name in deploy(load_settings()):
            print(name)
    except HeritageError as error:
        print(f"heritage: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
