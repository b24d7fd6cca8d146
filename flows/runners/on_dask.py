"""Masters on a Dask cluster: one that is there already, or one of this machine's processes.

A worker that is lost while it restores a master costs what it had not yet put on disk: Dask gives
the master to another one, which goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import as_completed
from prefect.task_runners import TaskRunner

from flows.orchestrator import without_events
from flows.report import Fate, Outcome
from flows.share import work
from heritage.errors import BadSetting, HeritageError
from heritage.restore.names import NamedSource
from heritage.settings import Settings


def dask_runner(settings: Settings) -> TaskRunner[Any]:
    """How Prefect hands tasks to Dask.

    Raises:
        BadSetting: If Dask is not installed.
    """
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise BadSetting(
            "the runner dask needs its package: pip install 'heritage[dask]'"
        ) from error
    if settings.dask_address is not None:
        return DaskTaskRunner(address=settings.dask_address)
    workers = settings.dask_workers or _workers_here(settings.device)
    cores = max(1, (os.cpu_count() or 1) // workers)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(cores))
    cluster = {
        "n_workers": workers, "threads_per_worker": 1, "processes": True, "memory_limit": 0,
        "dashboard_address": None, "env": threads,
    }  # fmt: skip
    return DaskTaskRunner(cluster_kwargs=cluster)


def _workers_here(device: str) -> int:
    """One for each GPU that is to be used, else one for every two cores."""
    from heritage.restore.devices import devices_of
    from models.device import resolve

    found = devices_of(device)
    if len(found) == 1 and resolve(found[0]).type == "cpu":
        return max(1, (os.cpu_count() or 1) // 2)
    return len(found)


@task(name="restore", task_run_name="restore {master.source.name}", cache_policy=NO_CACHE,
      persist_result=False)  # fmt: skip
def restore_there(
    master: NamedSource,
    output: Path,
    tries: int | None,
    run: str,
    lasting: bool,
    settings: dict[str, Any],
) -> Outcome:
    """One master, on a worker of the cluster.

    Args:
        master: The file and the name of its restoration.
        output: Folder or URL that receives it.
        tries: See ``attempt_restoration``.
        run: What the run's own lease is about, by which the worker knows that it writes into the
            same catalogue as whoever has sent it the master.
        lasting: Whether Prefect's server outlives the run.
        settings: Further parameters of ``restore_image``.
    """
    from flows.collection import attempt_restoration

    with nullcontext() if lasting else without_events():
        try:
            require_same_catalogue(run)
        except HeritageError as error:
            return Outcome(master.source, Fate.FAILED, error.reason)
        here = settings | {"device": _device_here(settings["device"])}
        return attempt_restoration(master, output, tries=tries, **here)


def require_same_catalogue(run: str) -> None:
    """See that this process has the catalogue in which a run holds a lease.

    Raises:
        BadSetting: If it has another one.
    """
    from heritage.care.custody import open_custody
    from heritage.settings import load_settings

    with open_custody(load_settings()) as custody:
        if not custody.held([run]):
            raise BadSetting(
                "this worker has another catalogue than whoever started the run; give all of them "
                "the same HERITAGE_DATABASE_URL"
            )


def spread_on_dask(
    masters: list[NamedSource],
    output: Path,
    tries: int | None,
    run: str,
    lasting: bool,
    settings: dict[str, Any],
) -> Iterator[Outcome]:
    """What became of masters, as they are done; to be called in a flow whose tasks Dask runs."""
    sent = {
        restore_there.submit(master, output, tries, run, lasting, settings): master
        for master in masters
    }
    coming = iter(as_completed(list(sent)))
    while True:
        with work():
            future = next(coming, None)
        if future is None:
            return
        try:
            yield future.result()
        except Exception as error:  # noqa: BLE001 - the edge: a worker that died three times, say
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            yield Outcome(sent[future].source, Fate.FAILED, f"the cluster gave it up: {reason}")


def _device_here(device: str) -> str:
    """The device of this worker: of several on a machine each has its own."""
    from heritage.restore.devices import devices_of

    found = devices_of(device)
    with suppress(ImportError, ValueError):
        from distributed import get_worker

        name = get_worker().name
        if isinstance(name, int) and len(found) > 1:
            return found[name % len(found)]
    return device
