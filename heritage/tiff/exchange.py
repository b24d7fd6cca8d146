"""Painting cells, and what the file becomes by that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from heritage.geometry import Box
from heritage.tiff.codec import Pixels, same_bits
from heritage.tiff.grid import Cell
from heritage.tiff.layout import Part, laid_out_anew
from heritage.tiff.lossless import LosslessCodec
from heritage.tiff.order import Encoded, Progress, in_order
from heritage.tiff.picture import Picture
from heritage.tiff.pieces import Draft, Kept, Made, Piece
from heritage.tiff.promotion import promote
from heritage.tiff.renewal import release_page, renewed_places, renewed_tags, write_directory
from heritage.tiff.rewriting import Changes, Rewriter
from heritage.tiff.scratch import Scratch

Paint = Callable[[Box, Pixels], None]


@dataclass
class Page:
    """A page that is painted.

    Attributes:
        picture: The page in the master; only read.
        cells: Those that are touched.
        paint: Changes the pixels of a rectangle in place.
        anew: Encodes all of its segments, where its own compression cannot hold them.
        written: Segments that changed; complete when the file is written.
    """

    picture: Picture
    cells: list[Cell]
    paint: Paint
    anew: LosslessCodec | None = None
    written: set[int] = field(default_factory=set)
    _kept: dict[int, Kept] = field(default_factory=dict)

    def encode(self, scratch: Scratch, progress: Progress | None) -> None:
        """Paint and encode all that must be known before anything can be placed.

        Raises:
            NotReproducible: If the compression cannot hold the painted pixels exactly.
            MasterRefused: If the master's pixels are damaged.
            OSError: If the disk is full.
        """
        cells = list(self.picture.grid.cells()) if self.anew is not None else self.cells
        if self.picture.raw_rows or not cells:
            return
        painted = set(self.cells)

        def work(cell: Cell) -> Encoded:
            if self.anew is not None:
                return _anew(self.picture, self.anew, cell, self.paint if cell in painted else None)
            return _encoded(self.picture, cell, self.paint)

        def store(encoded: Encoded) -> None:
            for cell, plane, data in encoded:
                segment = cell.segment + plane * self.picture.grid.per_plane
                self._kept[segment] = scratch.keep(data)
                self.written.add(segment)

        in_order(cells, self.picture.info.pixel_bytes, work, store, progress)

    def splice(self, scratch: Scratch) -> None:
        """Paint uncompressed segments as a whole, in a file that is laid out anew.

        Raises:
            NotReproducible: If the painted samples do not fit their bits.
            MasterRefused: If the master's pixels are damaged.
            OSError: If the disk is full.
        """
        picture = self.picture
        segments: dict[int, list[tuple[int, bytes]]] = {}
        for cell in self.cells:
            for _, plane, data in _encoded(picture, cell, self.paint):
                number = cell.segment + plane * picture.grid.per_plane
                at = cell.top * len(data) // cell.rows
                segments.setdefault(number, []).append((at, data))
        for number, rows in segments.items():
            whole = bytearray(picture.segment_bytes(number) or picture.empty_segment(number))
            for at, data in rows:
                whole[at : at + len(data)] = data
            self._kept[number] = scratch.keep(bytes(whole))
            self.written.add(number)

    @property
    def part(self) -> Part:
        """What changes, for a file that is laid out anew."""
        return Part(self.picture, self._kept, self._changes)

    @property
    def _changes(self) -> Changes:
        return {} if self.anew is None else renewed_tags(self.picture, self.anew)

    def put(self, rewriter: Rewriter, scratch: Scratch, progress: Progress | None) -> None:
        """Put all that changes into a draft whose other bytes stay where they are."""
        if self.anew is not None:
            release_page(rewriter)
        if self.picture.raw_rows and not self._kept:
            _put_rows(self, rewriter, scratch, progress)
        for segment, data in self._kept.items():
            rewriter.put(segment, data)

    def tags(self, rewriter: Rewriter) -> Changes:
        """Tags of the page that change, for a file whose other bytes stay where they are."""
        if self.anew is None:
            return rewriter.changes()
        return self._changes | renewed_places(rewriter)


@dataclass(frozen=True)
class Exchange:
    """What a file becomes.

    Attributes:
        pieces: Of the new file, in order.
        promoted: Whether it becomes a BigTIFF.
        dead: Bytes of it that nothing uses any more; they are zero.
    """

    pieces: Iterable[Piece]
    promoted: bool = False
    dead: int = 0


def exchange(pages: Sequence[Page], scratch: Scratch, progress: Progress | None) -> Exchange:
    """Paint pages of one file and put what changed in its place.

    Args:
        pages: The picture, and smaller versions of it.
        scratch: Holds encoded segments until their place is known.
        progress: Told how many cells of the picture are done, and of how many.

    Raises:
        NotReproducible: If the picture's compression cannot hold the painted pixels exactly.
        MasterRefused: If the master's pixels are damaged.
        OSError: If the disk is full.
    """
    pages[0].encode(scratch, progress)
    in_place = pages[0].picture.raw_rows
    for page in pages[1:]:
        if page.picture.raw_rows and not in_place:
            page.splice(scratch)
        else:
            page.encode(scratch, None)
    if not in_place:
        parts = [page.part for page in pages if page.written]
        if not parts:
            return Exchange(Draft(pages[0].picture.structure.bytes).pieces())
        anew = laid_out_anew(parts)
        if anew is not None:
            return Exchange(anew)
    return _in_place(pages, scratch, progress)


def _in_place(pages: Sequence[Page], scratch: Scratch, progress: Progress | None) -> Exchange:
    """What changed, with all other bytes where they are."""
    first = Rewriter(pages[0].picture)
    rewriters = [first, *(Rewriter(page.picture, first) for page in pages[1:])]
    for page, rewriter in zip(pages, rewriters, strict=True):
        page.put(rewriter, scratch, progress if rewriter is first else None)
    changes = [page.tags(one) for page, one in zip(pages, rewriters, strict=True)]
    moved = pages[0].anew is not None or any(one.moved for one in rewriters)
    promoted = moved and any(one.outgrown for one in rewriters)
    if promoted:
        promote(rewriters, changes)
    else:
        for page, rewriter, changed in zip(pages, rewriters, changes, strict=True):
            if page.anew is not None:
                write_directory(rewriter, changed)
            else:
                rewriter.finish()
    first.blank()
    return Exchange(first.draft.pieces(), promoted, first.dead)


def _put_rows(page: Page, rewriter: Rewriter, scratch: Scratch, progress: Progress | None) -> None:
    """Rows of an uncompressed page go where they were, and are painted when their turn comes.

    Only where a segment has no place of its own must be known first whether it changes at all; and
    planes of a cell lie far apart, but are painted together.
    """
    picture, grid, done = page.picture, page.picture.grid, count(1)

    def tell(*_: int) -> None:
        if progress is not None:
            progress(next(done), len(page.cells))

    def work(cell: Cell) -> Encoded:
        return _encoded(picture, cell, page.paint)

    def store(encoded: Encoded) -> None:
        for cell, plane, data in encoded:
            page.written.add(cell.segment + plane * grid.per_plane)
            rewriter.put_rows(cell, plane, scratch.keep(data))

    late = [cell for cell in page.cells if grid.planes == 1 and rewriter.alone(cell.segment)]
    early = [cell for cell in page.cells if grid.planes > 1 or not rewriter.alone(cell.segment)]
    if early:
        in_order(early, picture.info.pixel_bytes, work, store, tell)
    for cell in late:
        _, size = picture.band_place(cell, 0)
        rewriter.put_rows(cell, 0, Made(size, partial(_rows, page, cell, tell)))


def _rows(page: Page, cell: Cell, tell: Callable[[], None]) -> bytes:
    """The painted rows of an uncompressed cell."""
    picture = page.picture
    before = picture.read(*picture.band_place(cell, 0))
    old = picture.codec.unpack(before, cell.rows, cell.columns)
    new = old.copy()
    page.paint(cell.box, new[: cell.box.height, : cell.box.width])
    tell()
    after = picture.codec.pack(new)
    if after == before or same_bits(old, new):  # the second where there are spare bits
        return before
    page.written.add(cell.segment)
    return after


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


def _anew(picture: Picture, codec: LosslessCodec, cell: Cell, paint: Paint | None) -> Encoded:
    """All planes of a cell, painted or not, without loss."""
    pixels = picture.joined(cell).copy()
    if paint is not None:
        paint(cell.box, pixels[: cell.box.height, : cell.box.width])
    if picture.grid.planes == 1:
        return [(cell, 0, codec.encode(cell.segment, pixels))]
    return [
        (cell, plane, codec.encode(cell.segment, pixels[..., plane : plane + 1]))
        for plane in range(picture.grid.planes)
    ]
