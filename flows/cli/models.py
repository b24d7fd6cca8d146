"""``heritage models``: the inpainters there are, and how others become usable here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.answers import AsJson, console, say_json, say_table
from flows.cli.lines import lines
from heritage.errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models import InpainterCard
    from models.importing.published import PublishedWeights

Name = Annotated[str, typer.Argument(help="An inpainter, by its name in `heritage models`.")]

app = typer.Typer(
    help="List the inpainters that --model takes, and the published ones that are not here yet; "
    "`import` makes a checkpoint usable, `show` tells all about one, `export` writes it for other "
    "programs.",
    epilog="Example: heritage models --json",
    invoke_without_command=True,
)


@app.callback()
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List the inpainters; the default is marked with a star."""
    if context.invoked_subcommand is not None:
        return
    cards = _cards()
    absent = _absent(cards)
    if as_json:
        say_json([*map(_card_fields, cards), *map(_published_fields, absent)])
        return
    say_table(("model", "kind", "size", "licence", "from", "for"), map(_card_row, cards))
    _tell_how(card for card in cards if card.lacks)
    if absent:
        console().print("\nPublished by others, not here yet:\n")
        say_table(("model", "size", "licence", "for"), map(_published_row, absent))
        console().print("\nGet the files from the project's page, then:")
        for entry in absent:
            console().print(f"  {entry.command}\n    {entry.source}")


@app.command("show", epilog="Example: heritage models show art-small")
def show(name: Name, as_json: AsJson = False) -> None:
    """Tell everything that is known of one inpainter, here or published."""
    fields = _fields_of(name)
    if as_json:
        say_json(fields)
        return
    for line in lines(fields | fields.pop("details", {})):
        console().print(line)


@app.command(
    "import",
    epilog="Example: heritage models import EdgeModel_gen.pth InpaintingModel_gen.pth --as edges",
)
def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="A checkpoint; its name does not matter.")
    ],
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="What to call it from now on.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Terms of the weights, where they are your own.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Where they come from.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace an inpainter of that name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a checkpoint usable by name: published weights, or your own.

    The network is recognised by the file's contents and must fit to the last tensor. Nothing in a
    file is ever run.
    """
    from models.importing.checkpoint import NameRefused, import_checkpoint

    try:
        card = import_checkpoint(files, name, _folder(), licence, source, replace)
    except NameRefused as error:
        raise BadSetting(str(error)) from error
    if as_json:
        say_json(_card_fields(card))
        return
    console().print(
        f"{card.name}: {card.architecture}, {card.parameters / 1e6:.1f} M parameters, "
        f"licence {card.licence}"
    )
    _tell_how([card] if card.lacks else [])
    if not card.lacks:
        console().print(f"Use it: heritage restore scans/ --model {card.name} --output restored")


@app.command("export", epilog="Example: heritage models export art-small --onnx art-small.onnx")
def export(
    name: Name,
    onnx: Annotated[Path, typer.Option(metavar="FILE", help="The ONNX file to write.")],
    side: Annotated[
        int | None,
        typer.Option(min=1, help="Pixels per side; by default 512, or the network's only size."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write an inpainter's network as ONNX, for programs that do not use torch."""
    from models.exporting import export_onnx

    answer = export_onnx(name, onnx, side=side, folder=_folder())
    if as_json:
        say_json(answer)
    else:
        console().print(
            f"{answer['file']}: {name} for {answer['side']} x {answer['side']} pixels; computes "
            f"the same to within {answer['difference']:.1e}"
        )


def _fields_of(name: str) -> dict[str, Any]:
    """What is known of an inpainter that is here, or else of published weights."""
    from models.registry import find_card

    for card in _cards():
        if card.name == name:
            return _card_fields(card)
    for entry in _published():
        if entry.key == name:
            return _published_fields(entry)
    return _card_fields(find_card(name, _folder()))  # a tool of the tests, or a refusal


def _folder() -> Path:
    from heritage.settings import load_settings
    from models.registry import user_folder

    return user_folder(load_settings().model_folder)


def _cards() -> list[InpainterCard]:
    """All that can be used, then what lacks a part."""
    from models import available
    from models.cards import cards_in

    folder = _folder()
    return [*available(folder), *(card for card in cards_in(folder, finished=False) if card.lacks)]


def _published() -> tuple[PublishedWeights, ...]:
    from models.importing.published import PUBLISHED

    return PUBLISHED


def _absent(cards: Iterable[InpainterCard]) -> list[PublishedWeights]:
    """Published weights of whose network nothing is here."""
    from models.importing.published import published_as

    here = {
        entry.key
        for card in cards
        if (entry := published_as(card.architecture or "", card.parameters)) is not None
    }
    return [entry for entry in _published() if entry.key not in here]


def _tell_how(unfinished: Iterable[InpainterCard]) -> None:
    for card in unfinished:
        console().print(f"{card.name} cannot be used yet: {card.lacks}")


def _origin(card: InpainterCard) -> str:
    from models.registry import PACKAGED

    if card.source:
        return card.source
    if card.weights is None:
        return "nothing learned"
    return "this program" if card.weights.parent == PACKAGED else "you"


def _megabytes(card: InpainterCard) -> float | None:
    return None if card.weights is None else round(card.weights.stat().st_size / 1e6, 1)


def _size(parameters: int, megabytes: float | None) -> str:
    return "-" if megabytes is None else f"{parameters / 1e6:.1f} M, {megabytes:.0f} MB"


def _card_row(card: InpainterCard) -> tuple[object, ...]:
    return (
        f"{card.name} *" if card.default else card.name,
        card.kind,
        _size(card.parameters, _megabytes(card)),
        card.licence,
        _origin(card).removeprefix("https://").removeprefix("github.com/"),
        card.purpose,
    )


def _published_row(entry: PublishedWeights) -> tuple[object, ...]:
    size = _size(entry.parameters, 4 * entry.parameters / 1e6)
    return entry.key, size, entry.licence, entry.purpose


def _card_fields(card: InpainterCard) -> dict[str, Any]:
    return asdict(card) | {
        "weights": None if card.weights is None else str(card.weights),
        "megabytes": _megabytes(card),
        "source": _origin(card),
        "present": not card.lacks,
    }


def _published_fields(entry: PublishedWeights) -> dict[str, Any]:
    fields = asdict(entry)
    return (
        {"name": fields.pop("key"), "kind": "gan", "present": False}
        | fields
        | {"command": entry.command}
    )
