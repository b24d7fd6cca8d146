"""``heritage catalogue``: what is on record, of everything and of one master."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.answers import AsJson, console, say_json, say_table
from flows.report import NOTHING_DONE

if TYPE_CHECKING:
    from heritage.catalogue import Catalogue

LIMIT = 100

app = typer.Typer(
    help="List what is on record; `show` tells the history of one master, `check` proves that the "
    "record was not altered.",
    epilog="Example: heritage catalogue --search 1907",
    invoke_without_command=True,
)


@app.callback()
def catalogue(
    context: typer.Context,
    search: Annotated[
        str, typer.Option(help="Part of a path, accession number, title or maker.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many of each.")] = LIMIT,
    as_json: AsJson = False,
) -> None:
    """List masters, restorations, newest first, and files that were refused."""
    if context.invoked_subcommand is not None:
        return
    with _open() as record:
        masters = record.masters(search, limit)
        restorations = record.restorations(search=search, limit=limit)
        refusals = record.refusals(limit)
        totals = record.totals()
    if as_json:
        say_json(
            {
                "masters": _plain([asdict(line) for line in masters]),
                "restorations": _plain([asdict(line) for line in restorations]),
                "refusals": _plain([asdict(line) for line in refusals]),
                "totals": _plain(asdict(totals)),
            }
        )
        return
    if restorations:
        say_table(
            ("restored", "master", "status", "model", "regions", "sha-256"),
            (
                (
                    _day(line.finished_at or line.started_at),
                    Path(line.master_path).name,
                    line.status.value,
                    line.model,
                    line.regions,
                    line.master_sha256[:12],
                )
                for line in restorations
            ),
        )
    for refusal in refusals:
        console().print(f"refused: {refusal.path}: {refusal.reason}")
    console().print(
        f"{totals.artefacts} artefacts, {totals.masters} masters, "
        f"{sum(totals.restorations.values())} restorations, {totals.events} events. "
        "History of one: heritage catalogue show NAME"
    )


@app.command("show", epilog="Example: heritage catalogue show scans/1907.12.tif")
def show(
    name: Annotated[
        str,
        typer.Argument(help="A master's path, accession number, or how its SHA-256 begins."),
    ],
    as_json: AsJson = False,
) -> None:
    """Tell all that happened to one master, in order."""
    with _open() as record:
        history = record.history(name)
    if as_json:
        say_json(_plain(history.to_json()))
        return
    console().print(f"{history.accession}: {history.path}\nSHA-256 {history.sha256}")
    for line in history.lines():
        console().print(line)


@app.command("check", epilog="Example: heritage catalogue check --json")
def check(as_json: AsJson = False) -> None:
    """Prove that no event was altered, removed or inserted."""
    with _open() as record:
        report = record.verify_chain()
    if as_json:
        say_json(asdict(report) | {"intact": report.intact})
    elif report.intact:
        console().print(f"{report.events} events, unaltered; the last one's hash is {report.hash}")
    else:
        console(stderr=True).print(f"heritage: event {report.broken_at}: {report.fault}")
    if not report.intact:
        raise typer.Exit(NOTHING_DONE)


def _open() -> Catalogue:
    from heritage.catalogue import open_catalogue
    from heritage.settings import load_settings

    return open_catalogue(load_settings())


def _day(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Times as ISO 8601, keys as words: what JSON can carry."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
