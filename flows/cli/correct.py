"""``heritage correct``: take back a proposed mask that people corrected elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.answers import AsJson, console, say_json


def correct(
    file: Annotated[
        Path, typer.Argument(help="GeoJSON, Web Annotations, or a mask as TIFF or PNG.")
    ],
    proposed: Annotated[
        Path, typer.Option(help="The mask that was proposed, NAME.mask.tif of `heritage detect`.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The corrected mask, as scans/NAME.mask.tif.")
    ],
    as_json: AsJson = False,
) -> None:
    """Make a mask of corrected damage, and record what was changed about the proposal.

    Beside the mask lies NAME.difference.json: pixels and regions added, removed, changed and kept,
    and who corrected them. Put the mask beside its master, and `heritage restore` uses it.
    """
    from heritage.damage.interchange.difference import difference, write_difference
    from heritage.damage.interchange.importing import import_correction
    from heritage.damage.masks import open_mask
    from heritage.errors import BadSetting
    from heritage.settings import load_settings

    settings = load_settings()
    if output.suffix.lower() not in (".tif", ".tiff"):
        raise BadSetting(f"masks are written as TIFF: give --output a name such as {output}.tif")
    if output.exists() and output.samefile(proposed):
        raise BadSetting("--output would replace the proposal; give another place")
    with open_mask(proposed) as mask:
        height, width = mask.height, mask.width
    import_correction(file, height, width, output)
    found = difference(proposed, output)
    name = output.name.removesuffix(output.suffix).removesuffix(".mask")
    record = output.with_name(f"{name}.difference.json")
    write_difference(record, found, proposed, output, settings.operator)
    if as_json:
        say_json({"mask": str(output), "difference": str(record), **asdict(found)})
        return
    console().print(
        f"{output}: {found.kept} pixels as proposed, {found.added} added, {found.removed} removed"
    )
