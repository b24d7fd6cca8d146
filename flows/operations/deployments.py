"""The flows as a Prefect server knows them: by name, schedule and pool."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists
from prefect.flows import Flow
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

from flows.collection import restore_collection
from flows.operations.fixity import audit_fixity
from flows.operations.housekeeping import backup_catalogue, clean_workspace
from flows.operations.inbox import ingest_inbox
from flows.operations.learning import evaluate_models, train_model
from flows.operations.names import DEPLOYMENT, POOL
from flows.operations.publishing import publish_approved
from flows.operations.restoring import restore_chosen
from heritage.settings import Settings


def deployments(settings: Settings) -> list[RunnerDeployment]:
    """All flows that a site can run, with its schedules.

    One run of each at a time, what comes meanwhile waits; but as many shares as there are workers.
    """
    scheduled: list[tuple[Flow[..., Any], str]] = [
        (ingest_inbox, settings.ingest_schedule),
        (restore_chosen, settings.restore_schedule),
        (publish_approved, ""),
        (audit_fixity, settings.audit_schedule),
        (backup_catalogue, settings.backup_schedule),
        (clean_workspace, settings.backup_schedule),
        (train_model, ""),
        (evaluate_models, ""),
    ]
    single = [_deployment(flow, cron, settings.timezone, 1) for flow, cron in scheduled]
    return [*single, _deployment(restore_collection, "", settings.timezone, None)]


def _deployment(
    flow: Flow[..., Any], cron: str, timezone: str, together: int | None
) -> RunnerDeployment:
    return RunnerDeployment.from_flow(
        flow,
        DEPLOYMENT,
        schedules=[Cron(cron, timezone=timezone)] if cron else [],
        concurrency_limit=together,
        description=(flow.description or "").strip(),
        tags=["heritage"],
        work_pool_name=POOL,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def deploy(settings: Settings) -> list[str]:
    """Make pool and deployments known to the server; those that are there are renewed.

    Args:
        settings: Of the site.

    Returns:
        Names of the deployments.
    """
    with get_client(sync_client=True) as client:
        _make_pool(client)
    made = deployments(settings)
    for one in made:
        one.apply()
    return [f"{one.flow_name}/{one.name}" for one in made]


def _make_pool(client: SyncPrefectClient) -> None:
    template = ProcessWorker.get_default_base_job_template()
    with suppress(ObjectAlreadyExists):
        client.create_work_pool(
            WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template)
        )
