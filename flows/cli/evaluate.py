"""``heritage evaluate``: which method fills which damage best, measured and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.answers import AsJson, console, say_json
from flows.cli.restore import Device
from flows.report import ALL_DONE, NOTHING_DONE, SOME_FAILED
from heritage.errors import BadSetting

if TYPE_CHECKING:
    from heritage.evaluate.run import Request
    from heritage.settings import Settings

Folder = Annotated[Path | None, typer.Option(metavar="DIR")]


def evaluate(
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Undamaged pictures: the truth.")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Masks, white where damage is: real ones, or one per picture by name.",
        ),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Of `heritage models`, and opencv-telea, opencv-ns, gmic; else all."
        ),
    ] = None,
    families: Annotated[
        str | None, typer.Option(metavar="A,B", help="Kinds of damage; else the usual ones.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="By default evaluation/ in the workspace."
        ),
    ] = None,
    side: Annotated[int, typer.Option(min=32, help="Pixels per side that are cut out.")] = 512,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use only so many pictures, evenly chosen.")
    ] = None,
    device: Device = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the tables as Markdown too.")
    ] = None,
    lpips_backbone: Annotated[
        Path | None, typer.Option(metavar="FILE", help="torchvision's squeezenet1_1-b8a52dc0.pth.")
    ] = None,
    lpips_linear: Annotated[
        Path | None, typer.Option(metavar="FILE", help="LPIPS v0.1's squeeze.pth.")
    ] = None,
    blind: Annotated[
        bool, typer.Option("--blind", help="Let people compare the fills on a local page.")
    ] = False,
    votes: Annotated[
        bool, typer.Option("--votes", help="Rank the methods by the votes so far.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the local page.")] = 8042,
    as_json: AsJson = False,
) -> None:
    """Damage pictures on purpose, let every method fill them, and measure against the truth.

    Writes fills, evaluation.json and report.html, a page with the worst cases first. Interrupted,
    the same command continues.
    """
    from heritage.settings import load_settings

    settings = load_settings(device=device)
    place = output or settings.home / "evaluation"
    if images is None and not (blind or votes):
        raise BadSetting("say what to compare on: --images DIR, a folder of undamaged pictures")
    status, answer = ALL_DONE, dict[str, Any]()
    if images is not None:
        from heritage.evaluate.run import Request

        request = Request(
            images, place, _names(models), _names(families), masks, side, limit, settings.device,
            settings.model_folder, _lpips(lpips_backbone, lpips_linear),
        )  # fmt: skip
        status, answer = _compare(request, markdown, as_json)
    if votes:
        answer |= {"votes": _votes(place, settings, as_json)}
    if as_json and answer:
        say_json(answer)
    if blind:
        _serve(place, settings, port, as_json)
    raise typer.Exit(status)


def _compare(request: Request, markdown: Path | None, as_json: bool) -> tuple[int, dict[str, Any]]:
    """Run, write, tell; the exit status, and the answer for a script."""
    from flows.cli.evaluation_tables import say_tables
    from heritage.evaluate.markdown import markdown_of
    from heritage.evaluate.record import NAME
    from heritage.evaluate.report import write_report
    from heritage.evaluate.run import evaluate as run
    from heritage.evaluate.summary import failures_of, summary_of
    from heritage.restore.storage import storage, write_atomically

    with _bar() as watch:
        found = run(request, watch)
    report = write_report(found, request.output)
    if markdown is not None:
        with storage(markdown):
            write_atomically(markdown, markdown_of(found).encode())
    failures = failures_of(found)
    if not as_json:
        say_tables(found)
        console().print(f"\nLook at the fills, the worst first: {report}")
    for one in failures:
        where = f"{one['model']}, {one['family']}, {one['picture']}"
        console(stderr=True).print(f"heritage: {where}: {one['reason']}")
    rows = sum(len(rows) for family in found["scores"].values() for rows in family.values())
    status = NOTHING_DONE if len(failures) == rows else SOME_FAILED if failures else ALL_DONE
    files = {"evaluation": str(request.output / NAME), "report": str(report)}
    return status, files | {"failures": failures} | summary_of(found) if as_json else {}


def _names(listed: str | None) -> list[str] | None:
    """Names between commas; None where nothing was said."""
    if listed is None:
        return None
    names = [name.strip() for name in listed.split(",") if name.strip()]
    if not names:
        raise BadSetting(f"no names between the commas: {listed!r}")
    return names


def _lpips(backbone: Path | None, linear: Path | None) -> tuple[Path, Path] | None:
    if backbone is not None and linear is not None:
        return backbone, linear
    if backbone is not None or linear is not None:
        raise BadSetting("LPIPS needs both --lpips-backbone and --lpips-linear")
    return None


def _votes(place: Path, settings: Settings, as_json: bool) -> dict[str, Any]:
    """Say the ranking by the votes so far, and give it back as plain values."""
    from dataclasses import asdict

    from heritage.catalogue import open_catalogue
    from heritage.evaluate.blind import ranking
    from heritage.evaluate.blind.tables import rich_tables

    with open_catalogue(settings) as catalogue:
        verdict = ranking(catalogue, place)
    if not as_json:
        for table in rich_tables(verdict):
            console().print(table)
    return asdict(verdict)


def _serve(place: Path, settings: Settings, port: int, as_json: bool) -> None:
    from heritage.catalogue import open_catalogue
    from heritage.evaluate.blind import serve_blind

    with open_catalogue(settings) as catalogue:
        say = console(stderr=as_json).print
        serve_blind(place, catalogue, settings.operator, port, say=say)


@contextmanager
def _bar() -> Iterator[Callable[[int, int, str], None] | None]:
    """How far it is, on stderr while a person watches."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield None
        return
    columns: tuple[Any, ...] = (
        MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}", markup=False),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=terminal, transient=True) as bars:
        bar = bars.add_task("", total=None)
        yield lambda done, total, what: bars.update(
            bar, completed=done, total=total, description=what
        )
