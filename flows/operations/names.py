"""Names by which the deployed flows are asked for."""

POOL = "heritage"
"""The work pool that our workers poll."""

DEPLOYMENT = "heritage"
"""What every deployment is called; flows have the names that tell them apart."""

INGEST, RESTORE, PUBLISH = "ingest-inbox", "restore-collection", "publish-approved"

RESTORE_SHARE = "restore-masters"
"""Masters by their paths: what the runner `prefect-workers` gives to a worker."""


def deployment_of(flow: str) -> str:
    """A deployed flow, as Prefect is asked for it."""
    return f"{flow}/{DEPLOYMENT}"
