"""``heritage inspect``: what a master is, or why it cannot be one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.answers import AsJson, console, say_json
from flows.report import ALL_DONE, NOTHING_DONE, SOME_FAILED
from heritage.errors import HeritageError
from heritage.remote.address import is_remote, shown

if TYPE_CHECKING:
    from heritage.tiff import MasterInfo


def inspect(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="TIFFs to look at, or their URLs.")
    ],
    page: Annotated[
        int | None, typer.Option(min=0, help="Which page is the picture, counted from 0.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a master is, or in one line why it cannot be restored."""
    answers = [_look(file, page) for file in files]
    if as_json:
        say_json([answer for _, answer in answers])
    good = sum(info is not None for info, _ in answers)
    for info, answer in answers:
        if info is None:
            console(stderr=True).print(f"heritage: {answer['path']}: {answer['refused']}")
        elif not as_json:
            console().print(_describe(info))
    raise typer.Exit(ALL_DONE if good == len(answers) else SOME_FAILED if good else NOTHING_DONE)


def _look(file: Path, page: int | None) -> tuple[MasterInfo | None, dict[str, Any]]:
    """What a file is, for the program and for JSON."""
    import heritage.tiff as tiff

    try:
        if is_remote(file):
            from heritage.remote.look import inspect_remote

            info = inspect_remote(file, page)
        else:
            info = tiff.inspect(file, page)
    except HeritageError as error:
        return None, {"path": shown(file), "refused": error.reason}
    return info, info.to_json() | {"path": shown(file)}


def _describe(info: MasterInfo) -> str:
    """A few lines for a person."""
    layout = "tiles" if info.tiled else "strips"
    lines = {
        "picture": f"{info.width} x {info.height} pixels, {info.colour}, {info.bits} bits",
        "samples": f"{info.samples} ({info.dtype}), {info.samples - info.colour_samples} extra",
        "profile": f"ICC, {len(info.icc)} bytes" if info.icc else "none",
        "storage": f"{info.segments} {layout} of {info.segment_width} x {info.segment_height}, "
        f"{info.compression.lower()}" + (", lossy" if info.lossy else ""),
        "file": f"{info.bytes} bytes, {'Big' if info.bigtiff else 'classic '}TIFF, "
        f"{info.byteorder}-endian, page {info.page} of {info.pages}, {info.subimages} sub-images",
    }
    lines |= {f"note {number}": note for number, note in enumerate(info.notes, 1)}
    return "\n".join([shown(info.path), *(f"  {name:<9}{text}" for name, text in lines.items())])
