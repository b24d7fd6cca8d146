"""``heritage doctor``: how this installation stands."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import typer

from flows.cli.answers import AsJson, console, say_json, say_table
from flows.operations.names import POOL
from flows.operations.server import server_of
from flows.report import SOME_FAILED
from heritage import __version__

if TYPE_CHECKING:
    from heritage.care.checks.findings import Finding
    from heritage.care.checks.server import Door
    from heritage.settings import Settings

LIBRARIES = ("torch", "prefect", "tifffile", "imagecodecs", "rasterio", "sqlalchemy")


def doctor(as_json: AsJson = False) -> None:
    """List every setting with its origin, versions, device, disk, catalogue; name what is wrong.

    Looks at driver, disk, catalogue, Prefect, workers, clocks, leftovers, backups and audits, and
    says what to do. It takes a few seconds and changes nothing.
    """
    from heritage.care.checks.findings import State
    from heritage.care.doctor import examine
    from heritage.settings import list_settings, load_settings, unknown_variables

    settings = load_settings()
    door = _door(settings)
    findings = examine(settings, door)
    facts = _facts(findings, door)
    faults = [one.sentence for one in findings if one.state is State.WRONG]
    faults += [f"{name} is no setting; it has no effect" for name in unknown_variables()]
    shown = list_settings(settings)
    if as_json:
        listed = {"settings": [asdict(setting) for setting in shown], **facts}
        say_json(listed | {"checks": [one.to_json() for one in findings], "faults": faults})
    else:
        say_table(
            ("setting", "value", "from", "variable"),
            ((one.name, one.value, one.origin, one.variable) for one in shown),
        )
        say_table(("version", ""), facts["versions"].items())
        say_table(
            ("looked at", "", "found", "what to do"),
            ((one.about, one.state.value, one.found, one.do) for one in findings),
        )
        for fault in faults:
            console(stderr=True).print(f"heritage: {fault}")
    if faults:
        raise typer.Exit(SOME_FAILED)


def _facts(findings: list[Finding], door: Door | None) -> dict[str, Any]:
    """What scripts ask for by name."""
    found = {one.about: one.found for one in reversed(findings)}
    return {
        "versions": {"heritage": __version__, "python": platform.python_version()}
        | {name: _version(name) for name in LIBRARIES},
        "device": found["device"],
        "disk": found["disk space"],
        "catalogue": found["catalogue"],
        "prefect": "a server of our own for each run" if door is None else door.shown,
    }


def _door(settings: Settings) -> Door | None:
    """Of the server that flows report to; None where each run has its own."""
    from heritage.care.checks.server import Door

    url = server_of(settings)
    if url is None:
        return None
    secret, key = os.environ.get("PREFECT_API_AUTH_STRING"), os.environ.get("PREFECT_API_KEY")
    return Door(url, POOL, secret, key)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
