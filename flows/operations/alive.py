"""Whether a run is carried on, told through the catalogue: to Prefect a lost machine looks busy.

A worker reports how its runs end. Where the worker itself is lost with them, Prefect shows them as
running for ever. So every run of ours holds a lease, and whose lease ended unreturned has crashed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import State, StateType
from prefect.runtime import flow_run
from prefect.states import Crashed

from flows.operations.names import POOL
from heritage.care.custody import open_custody
from heritage.care.leases import FLOW_RUN, is_gone, working_on
from heritage.settings import load_settings


@contextmanager
def alive() -> Iterator[str]:
    """Say in the catalogue that this run is carried on; what the lease is about."""
    about = _about(flow_run.id)
    with working_on(about, load_settings()):
        yield about


def report_departed() -> list[str]:
    """Tell Prefect's server which runs nobody carries on any more; their names."""
    under_way = FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.CANCELLING])
    with get_client(sync_client=True) as client, open_custody(load_settings()) as custody:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=under_way)),
            work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL])),
        )
        abandoned = custody.abandoned((_about(run.id) for run in runs), is_gone)
        gone = [run for run in runs if _about(run.id) in abandoned]
        for run in gone:
            lost: State[Any] = Crashed(message="nothing was heard of it any more")
            client.set_flow_run_state(run.id, lost, force=True)
    return [run.name for run in gone]


def _about(run: UUID | str | None) -> str:
    return f"{FLOW_RUN}{run}"
