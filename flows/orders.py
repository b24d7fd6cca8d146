"""What is asked for in the review room: restorations, and files of what was signed off."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx

from flows.operations.names import DEPLOYMENT, server_of
from flows.report import ALL_DONE
from heritage.errors import HeritageError, ServerUnreachable
from heritage.review.orders import Order
from heritage.settings import Settings

ASK_SECONDS = 10.0


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


def ask_for(flow: str, settings: Settings) -> None:
    """Have a worker run a deployed flow; Prefect itself is not loaded for that.

    Args:
        flow: Its name.
        settings: Of the site, which has a Prefect server.

    Raises:
        ServerUnreachable: If the server is not there or does not know the flow.
    """
    server = server_of(settings)
    user, _, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    auth = httpx.BasicAuth(user, password) if user else None
    try:
        with httpx.Client(base_url=server or "", auth=auth, timeout=ASK_SECONDS) as http:
            known = http.get(f"/deployments/name/{flow}/{DEPLOYMENT}").raise_for_status().json()
            asked = {"state": {"type": "SCHEDULED"}}
            path = f"/deployments/{known['id']}/create_flow_run"
            http.post(path, json=asked).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise ServerUnreachable(
            f"Prefect at {server} cannot be asked for {flow}: {said}"
        ) from error
