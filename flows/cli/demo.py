"""``heritage demo``: the sample that ships with the program, restored."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.answers import AsJson, console, say_json
from flows.cli.restore import Device, Model, answer, report, run_restoration
from flows.report import exit_status
from heritage.errors import StorageFailed


def demo(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="By default demo/ in the workspace.")
    ] = None,
    model: Model = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Restore the sample: a real artwork's master with real-looking damage."""
    from heritage.settings import load_settings

    settings = load_settings(model=model, device=device)
    outcomes, share = run_restoration([find_examples()], output or settings.home / "demo", settings)
    if as_json:
        say_json(answer(outcomes, share))
    else:
        report(outcomes, share)
        console().print(f"Open the catalogue: {this_program()} catalogue", soft_wrap=True)
    raise typer.Exit(exit_status(outcomes))


def this_program() -> str:
    """What to type to run this program again: its name where the shell finds it, else its path."""
    found = shutil.which("heritage")
    here = Path(sys.argv[0])
    if here.name != "heritage" or (found and Path(found).samefile(here)):
        return "heritage"
    return str(here)


def find_examples() -> Path:
    """The folder of the samples: inside an installed package, or beside it in a checkout.

    Raises:
        StorageFailed: If neither is there.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "examples", package.parent / "examples"):
        if folder.is_dir():
            return folder
    raise StorageFailed("the samples are missing; install heritage again", package / "examples")
