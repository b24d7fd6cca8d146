"""Painting cells, and what the file becomes by that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from heritage.geometry import Box
from heritage.tiff.codec import Pixels, same_bits
from heritage.tiff.grid import Cell
from heritage.tiff.layout import laid_out_anew
from heritage.tiff.lossless import LosslessCodec
from heritage.tiff.order import Encoded, Progress, in_order
from heritage.tiff.picture import Picture
from heritage.tiff.pieces import Kept, Made, Piece
from heritage.tiff.promotion import promote
from heritage.tiff.renewal import release_page, renewed_places, renewed_tags, write_directory
from heritage.tiff.rewriting import Rewriter
from heritage.tiff.scratch import Scratch

Paint = Callable[[Box, Pixels], None]


@dataclass
class Exchange:
    """What the file becomes.

    Attributes:
        pieces: Of the new file, in order.
        segments: Those that are, or turn out to be, written again; complete when all pieces are
            made.
        promoted: Whether the file becomes a BigTIFF.
        dead: Bytes of it that nothing uses any more; they are zero.
    """

    pieces: Iterable[Piece]
    segments: set[int] = field(default_factory=set)
    promoted: bool = False
    dead: int = 0


def exchange(
    picture: Picture,
    scratch: Scratch,
    cells: list[Cell],
    paint: Paint,
    progress: Progress | None,
) -> Exchange:
    """Paint cells and put those that changed in their places, in the page's own compression.

    Args:
        picture: The page in the master; only read.
        scratch: Holds encoded segments until their place is known.
        cells: Those that are touched, at least one.
        paint: Changes the pixels of a rectangle in place.
        progress: Told how many cells are done, and of how many.

    Raises:
        NotReproducible: If the compression cannot hold the painted pixels exactly.
        MasterRefused: If the master's pixels are damaged.
        OSError: If the disk is full.
    """
    if picture.raw_rows:
        return _raw(picture, scratch, cells, paint, progress)
    segments = _painted(picture, scratch, cells, paint, progress)
    if not segments:
        return Exchange(Rewriter(picture).draft.pieces())
    anew = laid_out_anew(picture, segments, {})
    if anew is not None:
        return Exchange(anew, set(segments))
    rewriter = Rewriter(picture)
    for segment, data in segments.items():
        rewriter.put(segment, data)
    return _in_place(rewriter, set(segments))


def _in_place(rewriter: Rewriter, segments: set[int]) -> Exchange:
    """What was put, all other bytes where they are."""
    promoted = rewriter.moved and rewriter.outgrown
    if promoted:
        promote(rewriter, rewriter.changes())
    else:
        rewriter.finish()
    rewriter.blank()
    return Exchange(rewriter.draft.pieces(), segments, promoted, rewriter.dead)


def _painted(
    picture: Picture,
    scratch: Scratch,
    cells: list[Cell],
    paint: Paint,
    progress: Progress | None,
) -> dict[int, Kept]:
    """Compressed segments that painting changed, in the order of the cells."""
    kept: dict[int, Kept] = {}

    def work(cell: Cell) -> Encoded:
        return _encoded(picture, cell, paint)

    def store(encoded: Encoded) -> None:
        for cell, plane, data in encoded:
            kept[cell.segment + plane * picture.grid.per_plane] = scratch.keep(data)

    in_order(cells, picture.info.pixel_bytes, work, store, progress)
    return kept


def _raw(
    picture: Picture,
    scratch: Scratch,
    cells: list[Cell],
    paint: Paint,
    progress: Progress | None,
) -> Exchange:
    """Rows of an uncompressed page go where they were, and are painted when their turn comes.

    Only where a segment has no place of its own must be known first whether it changes at all; and
    planes of a cell lie far apart, but are painted together.
    """
    rewriter, grid = Rewriter(picture), picture.grid
    segments, done = set[int](), count(1)

    def tell(*_: int) -> None:
        if progress is not None:
            progress(next(done), len(cells))

    def work(cell: Cell) -> Encoded:
        return _encoded(picture, cell, paint)

    def store(encoded: Encoded) -> None:
        for cell, plane, data in encoded:
            segments.add(cell.segment + plane * grid.per_plane)
            rewriter.put_rows(cell, plane, scratch.keep(data))

    late = [cell for cell in cells if grid.planes == 1 and rewriter.alone(cell.segment)]
    early = [cell for cell in cells if grid.planes > 1 or not rewriter.alone(cell.segment)]
    if early:
        in_order(early, picture.info.pixel_bytes, work, store, tell)
    for cell in late:
        _, size = picture.band_place(cell, 0)
        make = partial(_rows, picture, cell, paint, segments, tell)
        rewriter.put_rows(cell, 0, Made(size, make))
    return _in_place(rewriter, segments)


def _rows(
    picture: Picture, cell: Cell, paint: Paint, changed: set[int], tell: Callable[[], None]
) -> bytes:
    """The painted rows of an uncompressed cell."""
    before = picture.read(*picture.band_place(cell, 0))
    old = picture.codec.unpack(before, cell.rows, cell.columns)
    new = old.copy()
    paint(cell.box, new[: cell.box.height, : cell.box.width])
    tell()
    if same_bits(old, new):
        return before
    changed.add(cell.segment)
    return picture.codec.pack(new)


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
    scratch: Scratch,
    cells: list[Cell],
    paint: Paint,
    progress: Progress | None,
) -> Exchange:
    """Paint cells and write the whole page anew, without loss; for compressed pages.

    Args:
        picture: The page in the master; only read.
        scratch: Holds encoded segments until their place is known.
        cells: Those that are touched.
        paint: Changes the pixels of a rectangle in place.
        progress: Told how many cells are done, and of how many.

    Raises:
        NotReproducible: If samples do not fit their bits.
        MasterRefused: If the master's pixels are damaged.
        OSError: If the disk is full.
    """
    codec, painted = LosslessCodec(picture.page), set(cells)
    segments: dict[int, Kept] = {}

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
            segments[cell.segment + plane * picture.grid.per_plane] = scratch.keep(data)

    in_order(list(picture.grid.cells()), picture.info.pixel_bytes, work, store, progress)
    changes = renewed_tags(picture, codec)
    anew = laid_out_anew(picture, segments, changes)
    if anew is not None:
        return Exchange(anew, set(segments))
    rewriter = Rewriter(picture)
    release_page(rewriter)
    for segment, data in segments.items():
        rewriter.put(segment, data)
    changes |= renewed_places(rewriter)
    promoted = rewriter.outgrown
    if promoted:
        promote(rewriter, changes)
    else:
        write_directory(rewriter, changes)
    rewriter.blank()
    return Exchange(rewriter.draft.pieces(), set(segments), promoted, rewriter.dead)
