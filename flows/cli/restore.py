"""``heritage restore``: files and folders, one after the other, through Prefect."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.answers import AsJson, console, percent, say_json, say_table
from flows.cli.bar import progress_bar
from flows.operations.server import server_of
from flows.report import Fate, Outcome, exit_status
from flows.share import Share, work
from heritage.errors import BadSetting
from heritage.remote.address import shown

if TYPE_CHECKING:
    from heritage.settings import Settings

Model = Annotated[
    str | None, typer.Option(help="Inpainter, by its name in `heritage models`; else the default.")
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps or xpu.")]
_SETTINGS = ("model", "device", "memory", "batch", "detect", "policy")
Memory = Annotated[
    str | None, typer.Option(help="Memory that one restoration may use, such as '2 GiB'.")
]


def restore(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE…", help="Masters, and folders of masters; here or by URL."),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder or URL that receives NAME/ for each NAME.tif."),
    ],
    mask: Annotated[
        Path | None,
        typer.Option(help="Non-zero where to restore; else NAME.mask.tif or .png beside it."),
    ] = None,
    model: Model = None,
    device: Device = None,
    memory: Memory = None,
    grain: Annotated[bool, typer.Option(help="Give fills the grain of their surroundings.")] = True,
    detect: Annotated[
        bool | None,
        typer.Option("--detect/--no-detect", help="Search masters without masks for damage."),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(help="What of it is filled: painting, mural, manuscript, print, photograph."),
    ] = None,
    runner: Annotated[
        str | None,
        typer.Option(help="Where: local, dask or prefect-workers; see Several machines."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restore masters where their masks say, and nowhere else.

    A master without a mask is searched for damage; what is found is a proposal.

    Each NAME.tif gives OUTPUT/NAME/ with the restored file, the mask, the layer and the provenance.
    Interrupted, the same command continues; what is done already is left as it is.
    """
    from heritage.settings import load_settings

    settings = load_settings(
        model=model, device=device, memory=memory, detect=detect, policy=policy, runner=runner
    )
    _require_reachable(settings)
    if mask is not None and (len(sources) > 1 or sources[0].is_dir()):
        raise typer.BadParameter("--mask goes with one master only", param_hint="--mask")
    if settings.detect:
        from heritage.damage.policy import find_policy, read_policies

        find_policy(read_policies(), settings.policy)
    if dry_run:
        from flows.cli import forecast

        _load(card_name(settings), settings.device)
        prospects = forecast.look_ahead(sources, output, settings, mask, grain)
        if as_json:
            say_json(forecast.answer(prospects))
        else:
            forecast.report(prospects)
        raise typer.Exit(forecast.verdict(prospects))
    outcomes, share = run_restoration(sources, output, settings, mask, grain)
    if as_json:
        say_json(answer(outcomes, share))
    else:
        report(outcomes, share)
    raise typer.Exit(exit_status(outcomes))


def run_restoration(
    sources: list[Path],
    output: Path,
    settings: Settings,
    mask: Path | None = None,
    grain: bool = True,
) -> tuple[list[Outcome], Share]:
    """Restore through Prefect, with a bar on the terminal if there is one.

    Raises:
        UnknownModel: If there is no such inpainter.
        ServerUnreachable: If Prefect cannot be reached.
    """
    from flows.orchestrator import orchestration
    from flows.sources import find_masters

    model = card_name(settings)
    with orchestration(settings.prefect_api_url) as server:
        with work():
            found = find_masters(sources, leave_out=(output, settings.home))
            refused = [Outcome(fault.source, Fate.FAILED, fault.reason) for fault in found.refused]
        if not found.masters:
            return refused, server.share()
        _load(model, settings.device)
        with server.ready(), progress_bar(len(found.masters)):
            outcomes = _restore_all(found.masters, output, settings, mask, grain)
    return refused + outcomes, server.share()


def _require_reachable(settings: Settings) -> None:
    """See that the workers of other machines find the Prefect server of this run.

    Raises:
        BadSetting: If it would be one of our own, which only this machine reaches.
    """
    elsewhere = settings.runner == "prefect-workers" or (
        settings.runner == "dask" and settings.dask_address is not None
    )
    if elsewhere and server_of(settings) is None:
        raise BadSetting(
            f"the runner {settings.runner} works on other machines, which must reach Prefect's "
            "server; name it: HERITAGE_PREFECT_API_URL=http://SERVER:4200/api"
        )


def card_name(settings: Settings) -> str:
    """The inpainter that the settings mean.

    Raises:
        UnknownModel: If there is no such inpainter.
    """
    from heritage.restore.inpainters import card_of

    return card_of(settings.model).name


def _load(model: str, device: str) -> None:
    """Import and load what takes long, while Prefect's server starts beside us.

    The garbage collector rests: nothing of this is garbage, and looking through it again and again
    takes a quarter of the time.
    """
    gc.disable()
    try:
        with work():
            import flows.records
            from heritage.restore.devices import load_inpainters

            load_inpainters(model, device)  # kept for the tasks
        import flows.collection  # noqa: F401 - Prefect's modules
    finally:
        gc.freeze()
        gc.enable()


def _restore_all(
    masters: tuple[Path, ...], output: Path, settings: Settings, mask: Path | None, grain: bool
) -> list[Outcome]:
    """One master as itself, several as a collection."""
    from flows.collection import attempt_restoration, collection_flow
    from heritage.restore.names import plan_names

    chosen = {name: getattr(settings, name) for name in _SETTINGS}
    if mask is not None or (len(masters) == 1 and settings.runner == "local"):
        one = plan_names(masters, output)[0]
        return [attempt_restoration(one, output, mask=mask, grain=grain, **chosen)]
    collection, runner = collection_flow(settings.runner, settings), settings.runner
    outcomes: list[Outcome] = collection(
        list(masters), output, grain=grain, runner=runner, **chosen
    )
    return outcomes


def answer(outcomes: list[Outcome], share: Share) -> dict[str, Any]:
    """What a script reads."""
    masters = [outcome.to_json() for outcome in outcomes]
    return {"masters": masters, "seconds": round(share.total, 3), "prefect": share.to_json()}


def report(outcomes: list[Outcome], share: Share) -> None:
    """What a person reads: the table, what was not done and why, Prefect's part."""
    done = [outcome for outcome in outcomes if outcome.fate.is_done]
    if done:
        say_table(
            ("master", "status", "regions", "of the picture", "model", "seconds"),
            (
                (o.source.name, o.fate.value, o.regions, percent(o.share), o.model, o.seconds)
                for o in done
            ),
        )
        for outcome in done:
            console().print(f"Restored: {shown(outcome.restored or '')}")
            if outcome.remark:
                console().print(f"  {outcome.remark}")
    for outcome in outcomes:
        if not outcome.fate.is_done:
            to_stderr = outcome.fate is Fate.FAILED
            line = f"{shown(outcome.source)}: {outcome.fate.value}: {outcome.reason}"
            console(stderr=to_stderr).print(f"heritage: {line}" if to_stderr else line)
    if not outcomes:
        console(stderr=True).print("heritage: no TIFF there that could be a master")
    console().print(
        f"Orchestration by Prefect: {share.seconds:.1f} of {share.total:.1f} s "
        f"({share.percent:.1f} %)"
    )
