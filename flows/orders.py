"""What is asked for in the review room runs as a flow of its own, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from flows.report import ALL_DONE
from heritage.errors import HeritageError
from heritage.review.orders import Order
from heritage.settings import Settings


def run_order(order: Order, settings: Settings) -> None:
    """Run ``heritage restore`` for an order, on behalf of whoever asked.

    It reports to the site's Prefect server where the settings name one, and is on record in the
    catalogue like any other.

    Raises:
        HeritageError: With the line that the command said.
    """
    command = [sys.executable, "-m", "flows.cli", "restore", order.master]
    command += ["--output", str(order.output), "--model", order.model, "--policy", order.policy]
    if order.mask is not None:
        command += ["--mask", str(order.mask)]
    environment = os.environ | {
        "HERITAGE_HOME": str(settings.home),
        "HERITAGE_DATABASE_URL": settings.database_url,
        "HERITAGE_OPERATOR": order.person,
        "NO_COLOR": "1",
    }
    done = subprocess.run(  # noqa: S603 - our own program; names were checked against lists
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != ALL_DONE:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise HeritageError(said[-1] if said else f"ended with status {done.returncode}")
