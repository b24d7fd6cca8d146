"""``restore_collection``: many masters, each by itself, here or on other machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
from prefect import Flow, flow
from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run

from flows.operations.alive import alive
from flows.operations.names import RESTORE_SHARE
from flows.orchestrator import is_lasting
from flows.progress import tell
from flows.records import recorded
from flows.report import Fate, Outcome
from flows.restore import restore_image
from flows.share import work
from flows.watched import failed_for, watched
from heritage.care.leases import restoring, working_on
from heritage.errors import HeritageError, MasterRefused, RestorationBusy
from heritage.remote.address import is_remote, shown
from heritage.restore.names import NamedSource, plan_names
from heritage.settings import Settings, load_settings

Runner = Literal["local", "dask", "prefect-workers"]
"""Where masters are worked on: in this process, on Dask's workers, on those of Prefect's pool."""


def _run_name() -> str:
    """What the run is called in Prefect's lists."""
    sources = [Path(source) for source in flow_run.parameters.get("sources", [])]
    folders = {source.parent.name for source in sources}
    where = folders.pop() if len(folders) == 1 else f"{len(folders)} folders"
    return f"restore {len(sources)} masters of {where}"


@flow(name=RESTORE_SHARE, flow_run_name=_run_name, persist_result=False)
def restore_collection(
    sources: list[Path],
    output: Path,
    model: str | None = None,
    device: str = "auto",
    memory: int = 2 << 30,
    batch: int | None = None,
    grain: bool = True,
    detect: bool = True,
    policy: str = "painting",
    runner: Runner = "local",
    tries: int | None = None,
) -> list[Outcome]:
    """Restore many masters; one that fails stops none of the others.

    Args:
        sources: The masters, archival TIFFs. They are only read.
        output: Folder that receives NAME/ for each, with restored file, mask, layer, provenance.
        model: Inpainter by its name in `heritage models`; by default the default one.
        device: Where it runs: auto, cpu, cuda, cuda:1, mps or xpu.
        memory: Bytes that one restoration may use.
        batch: Windows a model sees at once; by default as many as suit the device.
        grain: Whether fills get the grain of their surroundings.
        detect: Whether masters without masks are searched for damage; what is found is proposed.
        policy: What of that is filled: painting, mural, manuscript, print or photograph.
        runner: Where: here, on a Dask cluster, or on the workers of Prefect's pool.
        tries: Set aside what was taken up in vain so often; by default nothing is.

    Returns:
        What became of each, in the order given.
    """
    with work():
        named = plan_names(sources, output)
    settings: dict[str, Any] = {
        "model": model, "device": device, "memory": memory, "batch": batch, "grain": grain,
        "detect": detect, "policy": policy,
    }  # fmt: skip
    outcomes: dict[str, Outcome] = {}
    with alive() as run:
        sent = [master for master in named if master.name is not None]
        for outcome in _spread(runner, sent, output, tries, run, settings):
            outcomes[shown(outcome.source)] = outcome
            tell(outcome)
    told = [
        _refusal(master, output) if master.name is None else outcomes[shown(master.source)]
        for master in named
    ]
    publish_outcomes(told)
    return told


def _refusal(master: NamedSource, output: Path) -> Outcome:
    outcome = attempt_restoration(master, output)
    tell(outcome)
    return outcome


def collection_flow(runner: Runner, settings: Settings) -> Flow[..., list[Outcome]]:
    """``restore_collection`` with the task runner that a runner needs.

    Raises:
        BadSetting: If its package is not installed.
    """
    if runner != "dask":
        return restore_collection
    from flows.runners.on_dask import dask_runner

    return restore_collection.with_options(task_runner=dask_runner(settings))


def _spread(
    runner: Runner,
    masters: list[NamedSource],
    output: Path,
    tries: int | None,
    run: str,
    chosen: dict[str, Any],
) -> Iterator[Outcome]:
    """What became of masters, as they are done."""
    if runner == "local":
        for master in masters:
            yield attempt_restoration(master, output, tries, **chosen)
        return
    if runner == "dask":
        from flows.runners.on_dask import spread_on_dask

        yield from spread_on_dask(masters, output, tries, run, is_lasting(), chosen)
        return
    from flows.runners.on_workers import spread_on_workers

    parameters = chosen | {"output": str(output), "tries": tries}
    yield from spread_on_workers(masters, restoring, load_settings(), parameters)


@watched
def attempt_restoration(
    master: NamedSource,
    output: Path,
    tries: int | None = None,
    **settings: Any,  # noqa: ANN401 - Prefect checks them
) -> Outcome:
    """One master through ``restore_image``, its fault kept to itself.

    Args:
        master: The file and the name of its restoration.
        output: Folder that receives the restoration.
        tries: Leave alone what another worker is at, and set aside what was taken up in vain so
            often. None: a person has asked for it, who is told that somebody is at it.
        settings: Further parameters of ``restore_image``.
    """
    try:
        if master.name is None:
            raise recorded(
                MasterRefused(master.reason or "cannot be named", master.source), master.source
            )
        with working_on(restoring(master.source), load_settings(), tries):
            return _restoration(master.source, master.name, output, settings)
    except RestorationBusy as busy:
        failed_for(busy)
        fate = Fate.FAILED if tries is None else Fate.LEFT_ALONE
        return Outcome(master.source, fate, busy.reason)
    except HeritageError as error:
        failed_for(error)
        return Outcome(master.source, Fate.FAILED, error.reason)
    except httpx.TransportError:  # Prefect's server is gone, for all masters alike
        raise
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the others go on
        reason = f"unexpected {type(error).__name__}: {error}; please report this"
        return Outcome(master.source, Fate.FAILED, " ".join(reason.split()))


def _restoration(source: Path, name: str, output: Path, settings: dict[str, Any]) -> Outcome:
    if is_remote(source) or is_remote(output) or is_remote(settings.get("mask") or ""):
        from flows.staging import restore_remote

        return restore_remote(restore_image, source, output, name, **settings)
    outcome: Outcome = restore_image(source=source, output=output, name=name, **settings)
    return outcome


def publish_outcomes(outcomes: list[Outcome]) -> None:
    """Show in Prefect what was done."""
    create_table_artifact(
        key="restored",
        table=[outcome.to_json() for outcome in outcomes],
        description="What became of each master.",
    )
