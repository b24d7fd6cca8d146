"""Whether a run is carried on, told through the catalogue: to Prefect a lost machine looks busy.

A worker reports how its runs end. Where the worker itself is lost with them, Prefect shows them as
running for ever. So every run of ours holds a lease, and whose lease ended unreturned has crashed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.runtime import flow_run
from prefect.states import Crashed

from flows.operations.names import POOL
from heritage.care.custody import open_custody
from heritage.care.leases import FLOW_RUN, is_alive, is_gone, working_on
from heritage.settings import load_settings

PENDING_AT_MOST = timedelta(hours=1)
"""A worker that has taken up a run starts it within seconds, or never."""


@contextmanager
def alive() -> Iterator[str]:
    """Say in the catalogue that this run is carried on; what the lease is about."""
    about = _about(flow_run.id)
    with working_on(about, load_settings()):
        yield about


def report_departed(worker: str | None = None) -> list[str]:
    """Tell Prefect's server which runs nobody carries on any more.

    Args:
        worker: The name of a worker of this machine that is about to start: whatever it had taken
            up before and is no process any more has gone with it.

    Returns:
        Names of the runs.
    """
    with get_client(sync_client=True) as client, open_custody(load_settings()) as custody:
        runs = _under_way(client)
        abandoned = custody.abandoned((_about(run.id) for run in runs), is_gone)
        gone = [run for run in runs if _about(run.id) in abandoned or _left_by(run, worker)]
        for run in gone:
            lost: State[Any] = Crashed(message="nothing was heard of it any more")
            client.set_flow_run_state(run.id, lost, force=True)
    return [run.name for run in gone]


def _under_way(client: SyncPrefectClient) -> list[FlowRun]:
    """Runs that some worker of ours has taken up."""
    taken = FlowRunFilterStateType(
        any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
    )
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=taken)),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL])),
    )


def _left_by(run: FlowRun, worker: str | None) -> bool:
    """Whether a worker of this machine had a run, and no process of it is left."""
    if worker is None or run.labels.get("prefect.worker.name") != worker:
        return run.state is not None and run.state.is_pending() and _is_old(run)
    pid = run.infrastructure_pid or ""
    return not pid.isdigit() or not is_alive(int(pid))


def _is_old(run: FlowRun) -> bool:
    assert run.state is not None
    return datetime.now(UTC) - run.state.timestamp > PENDING_AT_MOST


def _about(run: UUID | str | None) -> str:
    return f"{FLOW_RUN}{run}"
