"""Which run of Prefect a line of the log belongs to."""

from __future__ import annotations

import sys


def run_of() -> dict[str, object]:
    """The id of the flow run that this code is part of; nothing where there is none."""
    if "prefect.context" not in sys.modules:
        return {}
    from prefect.runtime import flow_run

    return {} if flow_run.id is None else {"run": str(flow_run.id)}
