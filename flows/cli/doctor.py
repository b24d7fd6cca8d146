"""``heritage doctor``: how this installation stands."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flows.cli.answers import AsJson, console, say_json, say_table
from flows.report import SOME_FAILED
from heritage import __version__
from heritage.errors import HeritageError

if TYPE_CHECKING:
    from heritage.settings import Settings

LIBRARIES = ("torch", "prefect", "tifffile", "imagecodecs", "rasterio", "sqlalchemy")


def doctor(as_json: AsJson = False) -> None:
    """List every setting with its origin, versions, device, disk, catalogue; name what is wrong."""
    from heritage.settings import list_settings, load_settings, unknown_variables

    settings = load_settings()
    shown = list_settings(settings)
    facts, faults = _look_around(settings)
    faults += [f"{name} is no setting; it has no effect" for name in unknown_variables()]
    if as_json:
        listed = [asdict(setting) for setting in shown]
        say_json({"settings": listed, **facts, "faults": faults})
    else:
        say_table(
            ("setting", "value", "from", "variable"),
            ((one.name, one.value, one.origin, one.variable) for one in shown),
        )
        say_table(("fact", "value"), _flat(facts))
        for fault in faults:
            console(stderr=True).print(f"heritage: {fault}")
    if faults:
        raise typer.Exit(SOME_FAILED)


def _look_around(settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """Facts about this machine, and what is wrong with it."""
    faults: list[str] = []
    facts = {
        "versions": {"heritage": __version__, "python": platform.python_version()}
        | {name: _version(name) for name in LIBRARIES},
        "device": _device(settings, faults),
        "disk": _disk(settings.home),
        "catalogue": _catalogue(settings, faults),
        "prefect": os.environ.get("PREFECT_API_URL")
        or settings.prefect_api_url
        or "a server of our own for each run",
    }
    return facts, faults


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _device(settings: Settings, faults: list[str]) -> str:
    """Where models run, by name."""
    from models.device import resolve
    from models.errors import ModelError

    try:
        device = resolve(settings.device)
    except ModelError as error:
        faults.append(str(error))
        return f"{settings.device}: not usable"
    if device.type == "cuda":
        import torch

        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({os.cpu_count()} cores)"


def _disk(home: Path) -> str:
    """Space where the workspace is, or will be."""
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    return f"{shutil.disk_usage(place).free / 1e9:.1f} GB free at {place}"


def _catalogue(settings: Settings, faults: list[str]) -> str:
    """Which revision it has and how much is in it; one that is not there is not made."""
    from db.upgrade import head
    from heritage.catalogue import open_catalogue

    file = settings.database_url.removeprefix("sqlite:///")
    if file != settings.database_url and not Path(file).exists():
        return "none yet; the first restoration makes it"
    try:
        with open_catalogue(settings) as catalogue:
            totals = catalogue.totals()
    except HeritageError as error:
        faults.append(str(error))
        return "not usable"
    return f"revision {head()}, {totals.masters} masters, {totals.events} events"


def _flat(facts: dict[str, Any]) -> list[tuple[str, object]]:
    """Facts as lines of a table."""
    lines: list[tuple[str, object]] = []
    for name, value in facts.items():
        lines += value.items() if isinstance(value, dict) else [(name, value)]
    return lines
