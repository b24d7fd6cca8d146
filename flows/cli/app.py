"""All commands in one place, and how a fault is told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flows.cli import (
    catalogue,
    correct,
    demo,
    detect,
    doctor,
    evaluate,
    inspect,
    metrics,
    models,
    publish,
    restore,
    review,
    serve,
    tone,
    train,
    verify,
)
from flows.report import INTERRUPTED, NOTHING_DONE, WRONG_USAGE
from heritage import __version__
from heritage.errors import BadSetting, HeritageError
from models.errors import ModelError


class OneLineFaults(TyperGroup):
    """Commands whose deliberate errors are one line on stderr and an exit status."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - whatever Typer has as its context
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (HeritageError, ModelError) as error:
            print(f"heritage: {error}", file=sys.stderr)
            usage = isinstance(error, BadSetting)
            raise typer.Exit(WRONG_USAGE if usage else NOTHING_DONE) from error
        except KeyboardInterrupt as error:
            print("heritage: interrupted; the same command continues", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from error


app = typer.Typer(
    cls=OneLineFaults,
    help="Restore museum image archives virtually: find damage, fill it, prove that nothing else "
    "changed. Every command has --help with an example.",
    epilog="Example: heritage restore scans/ --output restored",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(models.app, name="models")
app.add_typer(review.app, name="review")


def _add(name: str, command: Callable[..., None], example: str) -> None:
    app.command(name, epilog=f"Example: {example}")(command)


_add("demo", demo.demo, "heritage demo")
_add("restore", restore.restore, "heritage restore scans/ --output restored")
_add("detect", detect.detect, "heritage detect scans/ --output found --preview")
_add(
    "correct", correct.correct,
    "heritage correct mill.geojson --proposed found/mill/mill.mask.tif -o scans/mill.mask.tif",
)  # fmt: skip
_add("inspect", inspect.inspect, "heritage inspect scans/1907.12.tif")
_add("verify", verify.verify, "heritage verify restored/1907.12 --master scans/1907.12.tif")
_add("publish", publish.publish, "heritage publish")
_add("reaudit", publish.reaudit, "heritage reaudit archive/")
_add("check", publish.check, "heritage check scans/1907.12.tif --rules ti-a")
_add("certificate", publish.certificate, "heritage certificate ~/certificate")
_add("tone", tone.tone, "heritage tone scans/ --output tones --preview")
_add("train", train.train, "heritage train fine-tune --out runs/mine")
_add("evaluate", evaluate.evaluate, "heritage evaluate --images pictures --models art-small,gmic")
_add("serve", serve.serve, "heritage serve")
_add("metrics", metrics.metrics, "heritage metrics --port 8041")
_add("doctor", doctor.doctor, "heritage doctor")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"heritage {__version__}")
        raise typer.Exit


@app.callback()
def heritage(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say which this is."),
    ] = False,
) -> None:
    """Options of the program itself."""
    from heritage.logs import begin

    begin()
