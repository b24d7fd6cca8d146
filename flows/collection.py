"""``restore_collection``: many masters, each by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run

from flows.progress import tell
from flows.records import recorded
from flows.report import Fate, Outcome
from flows.restore import about, restore_image
from flows.share import work
from heritage.care.leases import working_on
from heritage.errors import HeritageError, MasterRefused, RestorationBusy
from heritage.remote.address import is_remote
from heritage.restore.names import NamedSource, plan_names
from heritage.settings import load_settings


def _run_name() -> str:
    """What the run is called in Prefect's lists."""
    sources = [Path(source) for source in flow_run.parameters.get("sources", [])]
    folders = {source.parent.name for source in sources}
    where = folders.pop() if len(folders) == 1 else f"{len(folders)} folders"
    return f"restore {len(sources)} masters of {where}"


@flow(name="restore_collection", flow_run_name=_run_name, persist_result=False)
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

    Returns:
        What became of each, in the order given.
    """
    with work():
        named = plan_names(sources, output)
    settings: dict[str, Any] = {
        "model": model, "device": device, "memory": memory, "batch": batch, "grain": grain,
        "detect": detect, "policy": policy,
    }  # fmt: skip
    outcomes = []
    for master in named:
        outcome = attempt_restoration(master, output, **settings)
        outcomes.append(outcome)
        tell(outcome)
    publish_outcomes(outcomes)
    return outcomes


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
        tries: Where several workers are at it: leave alone what another one works on, set aside
            what was tried in vain so often. None: the files' own locks are enough.
        settings: Further parameters of ``restore_image``.
    """
    try:
        if master.name is None:
            raise recorded(
                MasterRefused(master.reason or "cannot be named", master.source), master.source
            )
        if tries is not None:
            with working_on(about(master.source), load_settings(), tries):
                return _restoration(master.source, master.name, output, settings)
        return _restoration(master.source, master.name, output, settings)
    except RestorationBusy as busy:
        fate = Fate.FAILED if tries is None else Fate.LEFT_ALONE
        return Outcome(master.source, fate, busy.reason)
    except HeritageError as error:
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
