"""``heritage tone``: fading, yellowing and stains as a separate, reversible adjustment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.answers import AsJson, console, say_json
from flows.report import ALL_DONE, NOTHING_DONE, SOME_FAILED
from heritage.errors import BadSetting, HeritageError

if TYPE_CHECKING:
    from heritage.tone.rendering import ToneFiles


def tone(
    sources: Annotated[
        list[Path], typer.Argument(metavar="MASTER…", help="Masters, and folders of masters.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder that receives NAME/ for each NAME.tif.")
    ],
    strength: Annotated[
        float, typer.Option(help="How much of what is found is corrected, 0 to 1.")
    ] = 0.8,
    field: Annotated[
        bool | None,
        typer.Option(
            "--field/--no-field",
            help="Even out stains; else where paper fills most of the picture.",
            show_default=False,
        ),
    ] = None,
    neutralise: Annotated[
        bool | None,
        typer.Option(
            "--neutralise/--keep-hue",
            help="Make yellow whites less yellow; else where paper fills most of the picture.",
            show_default=False,
        ),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Write a small picture, before and after.")
    ] = False,
    render: Annotated[
        bool, typer.Option("--render", help="Write a derivative TIFF with the tone applied.")
    ] = False,
    page: Annotated[
        int | None, typer.Option(min=0, help="Which page is the picture, counted from 0.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose an adjustment of tone: curves and a smooth field, kept as parameters.

    Masters and restorations are not changed. Each NAME.tif gives OUTPUT/NAME/NAME.tone.json.
    """
    from flows.sources import find_masters
    from heritage.restore.names import plan_names

    found = find_masters(sources, leave_out=(output,))
    answers: list[dict[str, Any]] = [
        {"source": str(refused.source), "failed": refused.reason} for refused in found.refused
    ]
    chosen = {"strength": strength, "field": field, "neutralise": neutralise}
    chosen |= {"preview": preview, "render": render, "page": page}
    for named in plan_names(found.masters, output):
        if named.name is None:
            answers.append({"source": str(named.source), "failed": named.reason})
        else:
            answers.append(_one(named.source, output / named.name, named.name, chosen))
    _tell(answers, as_json)
    good = sum("failed" not in answer for answer in answers)
    if not good:
        raise typer.Exit(NOTHING_DONE)
    raise typer.Exit(ALL_DONE if good == len(answers) else SOME_FAILED)


def _one(source: Path, folder: Path, name: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """The tone of one master, for JSON; or why there is none."""
    from heritage.tone.rendering import write_tone

    try:
        files = write_tone(source, folder, name, **chosen)
    except BadSetting:
        raise
    except HeritageError as error:
        return {"source": str(source), "failed": error.reason}
    return {"source": str(source)} | _answer(files)


def _answer(files: ToneFiles) -> dict[str, Any]:
    from heritage.tone import describe_tone

    said = describe_tone(files.tone)
    said.pop("statement")
    paths = {"record": files.record, "preview": files.preview, "rendered": files.rendered}
    written = {what: None if path is None else str(path) for what, path in paths.items()}
    return said | {"ground": files.tone.ground, "note": files.tone.note} | written


def _tell(answers: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        say_json(answers)
    for answer in answers:
        if "failed" in answer:
            console(stderr=True).print(f"heritage: {answer['source']}: {answer['failed']}")
        elif not as_json:
            field = "with a field" if answer["field"] else "no field"
            console().print(f"{answer['record']}: hue {answer['hue']}, {field}")
            if answer["note"]:
                console().print(f"  {answer['note']}")
    if not answers:
        console(stderr=True).print("heritage: no TIFF there that could be a master")
