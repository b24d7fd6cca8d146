"""Painting cells and writing what changed into a copy of the master."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from heritage.geometry import Box
from heritage.tiff.codec import Pixels, same_bits
from heritage.tiff.grid import Cell
from heritage.tiff.lossless import LosslessCodec
from heritage.tiff.order import Encoded, Progress, in_order
from heritage.tiff.picture import Picture
from heritage.tiff.promotion import promote
from heritage.tiff.renewal import release_page, renewed_tags, write_directory
from heritage.tiff.rewriting import Rewriter

Paint = Callable[[Box, Pixels], None]


@dataclass(frozen=True)
class Exchange:
    """How many segments were written again, and whether the file became a BigTIFF."""

    segments: int
    promoted: bool


def exchange(
    picture: Picture,
    descriptor: int,
    cells: list[Cell],
    paint: Paint,
    progress: Progress | None,
) -> Exchange:
    """Paint cells and write those that changed, in the page's own compression.

    Args:
        picture: The page in the master; only read.
        descriptor: A copy of the master, open for reading and writing.
        cells: Those that are touched, at least one.
        paint: Changes the pixels of a rectangle in place.
        progress: Told how many cells are done, and of how many.

    Raises:
        NotReproducible: If the compression cannot hold the painted pixels exactly.
        MasterRefused: If the master's pixels are damaged.
        OSError: If the copy cannot be written.
    """
    rewriter = Rewriter(picture, descriptor)
    segments = set[int]()

    def work(cell: Cell) -> Encoded:
        return _encoded(picture, cell, paint)

    def store(encoded: Encoded) -> None:
        for cell, plane, data in encoded:
            segments.add(cell.segment + plane * picture.grid.per_plane)
            if picture.raw_rows:
                rewriter.put_rows(cell, plane, data)
            else:
                rewriter.put(cell.segment + plane * picture.grid.per_plane, data)

    in_order(cells, picture.info.pixel_bytes, work, store, progress)
    promoted = rewriter.moved and rewriter.outgrown
    if promoted:
        promote(rewriter, rewriter.changes())
    else:
        rewriter.finish()
    _close(rewriter)
    return Exchange(len(segments), promoted)


def _close(rewriter: Rewriter) -> None:
    rewriter.blank()
    os.ftruncate(rewriter.target, rewriter.space.end)


def _encoded(picture: Picture, cell: Cell, paint: Paint) -> Encoded:
    """The planes of a cell that painting changed."""
    before = picture.joined(cell)
    after = before.copy()
    paint(cell.box, after[: cell.box.height, : cell.box.width])
    answer: Encoded = []
    for plane in range(picture.grid.planes):
        part = slice(plane, plane + 1) if picture.grid.planes > 1 else slice(None)
        if same_bits(before[..., part], after[..., part]):
            continue
        segment = cell.segment + plane * picture.grid.per_plane
        pixels = after[..., part]
        codec = picture.codec
        data = codec.pack(pixels) if picture.raw_rows else codec.encode(segment, pixels)
        answer.append((cell, plane, data))
    return answer


def renew(
    picture: Picture,
    descriptor: int,
    cells: list[Cell],
    paint: Paint,
    progress: Progress | None,
) -> Exchange:
    """Paint cells and write the whole page anew, without loss; for compressed pages.

    Args:
        picture: The page in the master; only read.
        descriptor: A copy of the master, open for reading and writing.
        cells: Those that are touched.
        paint: Changes the pixels of a rectangle in place.
        progress: Told how many cells are done, and of how many.

    Raises:
        NotReproducible: If samples do not fit their bits.
        MasterRefused: If the master's pixels are damaged.
        OSError: If the copy cannot be written.
    """
    rewriter, codec = Rewriter(picture, descriptor), LosslessCodec(picture.page)
    painted = set(cells)
    everything = list(picture.grid.cells())

    def work(cell: Cell) -> Encoded:
        pixels = picture.joined(cell).copy()
        if cell in painted:
            paint(cell.box, pixels[: cell.box.height, : cell.box.width])
        if picture.grid.planes == 1:
            return [(cell, 0, codec.encode(cell.segment, pixels))]
        return [
            (cell, plane, codec.encode(cell.segment, pixels[..., plane : plane + 1]))
            for plane in range(picture.grid.planes)
        ]

    def store(encoded: Encoded) -> None:
        for cell, plane, data in encoded:
            rewriter.put(cell.segment + plane * picture.grid.per_plane, data)

    release_page(rewriter)
    in_order(everything, picture.info.pixel_bytes, work, store, progress)
    changes = renewed_tags(rewriter, codec)
    promoted = rewriter.outgrown
    if promoted:
        promote(rewriter, changes)
    else:
        write_directory(rewriter, changes)
    _close(rewriter)
    return Exchange(picture.grid.segments, promoted)
