"""When a run of the night goes wrong, somebody is told."""

from __future__ import annotations

from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State

from heritage.care.notices import notify
from heritage.settings import load_settings


def alarm(flow: Flow[..., Any], run: FlowRun, state: State[Any]) -> None:
    """Tell of a run that failed or crashed; a hook of Prefect's."""
    name = f"{flow.name} ({run.name})"
    ended = (state.name or state.type.value).lower()
    notify(load_settings(), f"{name}: {ended}", state.message or "no reason given")


ALARMED: dict[str, Any] = {"on_failure": [alarm], "on_crashed": [alarm]}
"""Of every flow that runs when nobody looks."""
