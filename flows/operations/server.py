"""Prefect's server, asked over HTTP: for those who ask a little and should not load Prefect."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from flows.operations.names import DEPLOYMENT
from heritage.errors import ServerUnreachable
from heritage.settings import Settings

ASK_SECONDS = 10.0


def server_of(settings: Settings) -> str | None:
    """Where the site's lasting Prefect server is, if it has one; the variable wins."""
    return os.environ.get("PREFECT_API_URL") or settings.prefect_api_url


@contextmanager
def asking(address: str | None) -> Iterator[httpx.Client]:
    """A client for the interface of a Prefect server.

    Args:
        address: Its URL, ending in ``/api``.

    Raises:
        ServerUnreachable: If it is not there, refuses, or answers as no such server does.
    """
    user, _, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    auth = httpx.BasicAuth(user, password) if user else None
    try:
        with httpx.Client(base_url=address or "", auth=auth, timeout=ASK_SECONDS) as http:
            yield http
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise ServerUnreachable(f"Prefect at {address} cannot be asked: {said}") from error


def ask_for(flow: str, settings: Settings) -> None:
    """Have a worker run a deployed flow.

    Args:
        flow: Its name.
        settings: Of the site, which has a Prefect server.

    Raises:
        ServerUnreachable: If the server is not there or does not know the flow.
    """
    with asking(server_of(settings)) as http:
        known = http.get(f"/deployments/name/{flow}/{DEPLOYMENT}").raise_for_status().json()
        path = f"/deployments/{known['id']}/create_flow_run"
        http.post(path, json={"state": {"type": "SCHEDULED"}}).raise_for_status()
