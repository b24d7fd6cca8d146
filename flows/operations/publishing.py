"""``publish-approved``: what was signed off becomes files, and a package for the archive."""

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


@task(name="publish", task_run_name="publish {identifier}", **PATIENT)
def publish(identifier: str) -> str:
    """Write the files of one signed restoration and its package; the package's folder."""
    from heritage.archive import publishing

    settings = load_settings()
    about = publishing.publishing(identifier)
    with working_on(about, settings, TRIES), open_desk(settings) as desk:
        return str(publishing.publish(desk, identifier, settings).folder)


@flow(name=PUBLISH, flow_run_name="publish what is signed", persist_result=False, **ALARMED)
def publish_approved() -> list[dict[str, Any]]:
    """Publish all restorations that were signed off and of which the archive has no package yet.

    Returns:
        What became of each.
    """
    with open_desk(load_settings()) as desk:
        waiting = desk.unpublished()
    told: list[dict[str, Any]] = []
    for identifier in waiting:
        try:
            told.append({"restoration": identifier, "package": publish(identifier), "reason": ""})
        except HeritageError as error:
            get_run_logger().error("%s: %s", identifier, error)
            told.append({"restoration": identifier, "package": "", "reason": str(error)})
    create_table_artifact(key="published", table=told, description="What was signed off.")
    return told
