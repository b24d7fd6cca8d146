"""That a run is carried on, said in the catalogue; ``departures`` looks for those that are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.runtime import flow_run

from heritage.care.leases import FLOW_RUN, working_on
from heritage.settings import load_settings


@contextmanager
def alive() -> Iterator[str]:
    """Say in the catalogue that this run is carried on; what the lease is about."""
    about = f"{FLOW_RUN}{flow_run.id}"
    with working_on(about, load_settings()):
        yield about
