"""``ingest-inbox``: what has arrived becomes part of the catalogue."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.deployments import run_deployment
from prefect.runtime import flow_run

from flows.faults import PATIENT
from flows.operations.alarms import ALARMED
from flows.operations.names import INGEST, RESTORE, deployment_of
from flows.share import work
from flows.sources import find_masters
from heritage.care.custody import open_custody
from heritage.care.inbox import Arrival, admit, read_manifest, settled
from heritage.settings import load_settings

BATCH = 64
"""Files that one task records."""


@task(name="admit", task_run_name="admit {number} files", **PATIENT)
def admit_files(number: int, files: list[Path], expected: dict[Path, str]) -> list[Arrival]:
    """Hash, inspect and record files; or why they cannot be masters."""
    with work(), open_custody(load_settings()) as custody:
        return [admit(custody, path, expected.get(path)) for path in files]


def _run_name() -> str:
    return f"ingest {flow_run.parameters.get('inbox') or load_settings().inbox_folder}"


@flow(name=INGEST, flow_run_name=_run_name, persist_result=False, **ALARMED)
def ingest_inbox(
    inbox: Path | None = None,
    stable_seconds: float = 30.0,
    manifest: Path | None = None,
    restore: bool = True,
) -> dict[str, int]:
    """Record what lies in the inbox, and have it restored.

    Args:
        inbox: The folder to look into; by default the setting `inbox`. Files stay where they are.
        stable_seconds: A file counts as arrived when it has not changed for so long.
        manifest: A list of checksums as sha256sum writes it; then only the files that it names
            are taken, and only if they are what it says.
        restore: Whether what has not been restored yet is restored afterwards.

    Returns:
        How many files were recorded, known, refused and are still arriving.
    """
    settings = load_settings()
    folder = inbox or settings.inbox_folder
    expected = {} if manifest is None else read_manifest(manifest)
    files = list(expected) or list(find_masters([folder], [settings.home / "restored"]).masters)
    here, coming = settled(files, stable_seconds)
    announced = [path for path in coming if path in expected and not path.exists()]
    arrivals = [Arrival(path, "still arriving") for path in coming if path not in announced]
    for start in range(0, len(here), BATCH):
        part = here[start : start + BATCH]
        arrivals += admit_files(len(part), part, expected)
    if announced:
        arrivals += admit_files(len(announced), announced, expected)
    told = [one for one in arrivals if one.status != "known"]
    create_table_artifact(
        key="arrivals",
        table=[{"file": str(o.path), "status": o.status, "reason": o.reason} for o in told],
        description=f"What lies in {folder} and was not known.",
    )
    counted = dict(Counter(one.status for one in arrivals))
    get_run_logger().info("inbox %s: %s", folder, counted or "empty")
    if restore:
        _have_restored()
    return counted


def _have_restored() -> None:
    """Ask for the restoration of what waits; it runs by itself."""
    with open_custody(load_settings()) as custody:
        if not custody.unrestored(limit=1):
            return
    asked: Any = run_deployment(deployment_of(RESTORE), timeout=0, as_subflow=False)
    get_run_logger().info("asked for %s", asked.name)
