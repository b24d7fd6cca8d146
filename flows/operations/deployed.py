"""``python -m flows.operations.deployed``: make our flows known to the Prefect server."""

from __future__ import annotations

import sys

from flows.operations.deployments import deploy
from flows.operations.told import tell
from heritage.settings import load_settings

if __name__ == "__main__":
    sys.exit(tell(lambda: deploy(load_settings())))
