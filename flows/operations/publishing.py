"""``publish-approved``: what was signed off becomes files."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact

from flows.faults import PATIENT
from flows.operations.alarms import ALARMED
from flows.operations.names import PUBLISH
from heritage.care.leases import TRIES, working_on
from heritage.errors import HeritageError
from heritage.review.desk import open_desk
from heritage.settings import load_settings


@task(name="compose", task_run_name="compose {identifier}", **PATIENT)
def compose(identifier: str) -> str:
    """Write the files of one signed restoration; the folder."""
    from heritage.review.web.composer import compose_signed, publishing

    settings = load_settings()
    with working_on(publishing(identifier), settings, TRIES), open_desk(settings) as desk:
        return str(compose_signed(desk, identifier))


@flow(name=PUBLISH, flow_run_name="publish what is signed", persist_result=False, **ALARMED)
def publish_approved() -> list[dict[str, Any]]:
    """Write the files of all restorations that were signed off and have none yet.

    Returns:
        What became of each.
    """
    with open_desk(load_settings()) as desk:
        waiting = desk.approved_uncomposed()
    told: list[dict[str, Any]] = []
    for identifier in waiting:
        try:
            told.append({"restoration": identifier, "folder": compose(identifier), "reason": ""})
        except HeritageError as error:
            get_run_logger().error("%s: %s", identifier, error)
            told.append({"restoration": identifier, "folder": "", "reason": str(error)})
    create_table_artifact(key="published", table=told, description="What was signed off.")
    return told
