"""Looking at a file before trusting it: what it is, and whether its pixels can be read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from heritage.errors import MasterRefused
from heritage.tiff.codec import NotReproducible, Pixels
from heritage.tiff.grid import Cell
from heritage.tiff.info import MasterInfo
from heritage.tiff.lossless import LosslessCodec
from heritage.tiff.picture import Picture

DECODED: Final = 64 << 20
"""Bytes of pixels that are decoded to see that it works; a smaller picture is decoded whole."""
SECONDS: Final = 4.0
"""After this long enough has been seen; what was not decoded now is checked when it is read."""
TRIAL: Final = 32 << 20
"""Decoded bytes of the largest segment that is encoded to see that it comes back the same."""


def examine(path: Path | str, page: int | None = None) -> MasterInfo:
    """Open a file, decode a sample of its pixels, and say what it is.

    A codec may crash on damaged data, so ``heritage.tiff.inspect`` runs this in a process of
    its own.

    Args:
        path: The file.
        page: Which page, from 0; by default the largest one at full resolution.

    Raises:
        MasterRefused: If it cannot be restored faithfully.
        StorageFailed: If the file cannot be read.
    """
    began = time.monotonic()
    with Picture(path, page, guarded=False) as picture:
        rewritable, tried = picture.info.rewritable, False
        for cell in _sample(picture):
            pixels = picture.joined(cell)
            if not tried and picture.table.counts[cell.segment] and pixels.nbytes <= TRIAL:
                tried, rewritable = True, _comes_back(picture, cell, pixels)
            if time.monotonic() - began > SECONDS:
                break
        if not picture.table.counts.any():
            raise MasterRefused(
                "all of its tiles or strips are left out; it has no pixels", picture.path
            )
        return replace(picture.info, rewritable=rewritable)


def _sample(picture: Picture) -> Iterator[Cell]:
    """The first and last cells and as many between as ``DECODED`` allows, evenly spread."""
    info = picture.info
    cells = list(picture.grid.cells())
    budget = max(2, len(cells) * DECODED // max(1, info.width * info.height * info.pixel_bytes))
    if budget >= len(cells):
        yield from cells
        return
    yield cells[-1]
    for index in range(budget - 1):
        yield cells[index * len(cells) // (budget - 1)]


def _comes_back(picture: Picture, cell: Cell, pixels: Pixels) -> bool:
    """Whether a segment can be written back in its own compression; at least it must in another.

    Raises:
        MasterRefused: If its samples do not fit the bits that its tags give them.
    """
    one = pixels[..., :1] if picture.grid.planes > 1 else pixels
    try:
        if picture.raw_rows:
            picture.codec.pack(one)
        else:
            picture.codec.encode(cell.segment, one)
    except NotReproducible:
        _prove(picture, cell, one)
        return False
    return True


def _prove(picture: Picture, cell: Cell, pixels: Pixels) -> None:
    """Check that a segment could be written anew without loss.

    Raises:
        MasterRefused: If its samples do not fit the bits that its tags give them.
    """
    try:
        LosslessCodec(picture.page).encode(cell.segment, pixels)
    except NotReproducible as error:
        raise MasterRefused(
            "its samples do not fit the bits that its tags give them; it is damaged",
            picture.path,
        ) from error
