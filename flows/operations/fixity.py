"""``audit-fixity``: whether every file still is what it was."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.states import Failed

from flows.faults import PATIENT
from flows.operations.alarms import ALARMED
from flows.operations.alive import alive
from heritage.care.audit import Audit, audit
from heritage.care.custody import open_custody
from heritage.settings import load_settings


@task(name="audit", **PATIENT)
def audit_share(days: int, everything: bool) -> Audit:
    """Look at a share of the files; what was found is on record."""
    with open_custody(load_settings()) as custody:
        return audit(custody, days, everything)


@flow(
    name="audit-fixity",
    flow_run_name="audit 1/{days} of the holdings",
    persist_result=False,
    **ALARMED,
)
def audit_fixity(days: int = 30, everything: bool = False) -> Any:  # noqa: ANN401 - or a state
    """Read a share of all files again and compare them with the catalogue.

    The run fails if a file is missing, unreadable, rotten or replaced; that is the alarm.

    Args:
        days: All files are read in so many nightly runs.
        everything: Read all of them now.

    Returns:
        How many files there are, were read, and are not as they must be.
    """
    with alive():
        found = audit_share(days, everything)
    with open_custody(load_settings()) as custody:
        wrong = custody.troubled()
    table = [
        {"file": w.path, "part": w.part.value, "found": w.state.value, "since": str(w.since)}
        for w in wrong
    ]
    create_table_artifact(key="fixity", table=table, description="Files that are not sound.")
    for check in found.wrong:
        get_run_logger().error("%s %s (%s)", check.holding.path, check.detail, check.found.value)
    if wrong:
        return Failed(message=f"{len(wrong)} files are not as they must be; see the table 'fixity'")
    return {"holdings": found.holdings, "checked": found.checked, "bytes": found.bytes}
