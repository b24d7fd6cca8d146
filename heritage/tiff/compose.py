"""Composing: the master's own file, with only the touched tiles or strips encoded again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from heritage.errors import MasterRefused, StorageFailed
from heritage.geometry import Box
from heritage.tiff.codec import NotReproducible, Pixels, can_encode, same_bits
from heritage.tiff.fixity import copy_and_hash, sha256_file
from heritage.tiff.grid import Cell
from heritage.tiff.lossless import LosslessCodec
from heritage.tiff.order import Encoded, Progress, in_order
from heritage.tiff.picture import Picture
from heritage.tiff.promotion import promote
from heritage.tiff.renewal import release_page, renewed_tags, write_directory
from heritage.tiff.rewriting import Rewriter

Touched = Callable[[Box], bool]
Paint = Callable[[Box, Pixels], None]


@dataclass(frozen=True)
class Composed:
    """What ``compose`` wrote.

    Attributes:
        source_sha256: Of the master, as it was copied.
        sha256: Of the file written.
        bytes: Its size.
        segments: Tiles or strips of the page.
        touched_segments: Those that were encoded again, because a pixel changed.
        reencoded: Why the whole page had to be written anew, without loss; else None.
        bigtiff_promoted: Whether a classic TIFF became a BigTIFF.
    """

    source_sha256: str
    sha256: str
    bytes: int
    segments: int
    touched_segments: int
    reencoded: str | None
    bigtiff_promoted: bool = False


@dataclass(frozen=True)
class Exchange:
    """How many segments were written again, and whether the file became a BigTIFF."""

    segments: int
    promoted: bool


def compose(
    source: Path | str,
    target: Path | str,
    paint: Paint,
    touched: Touched,
    page: int | None = None,
    progress: Progress | None = None,
) -> Composed:
    """Write a copy of a master in which only painted pixels differ.

    Args:
        source: The master; only ever read.
        target: A path that does not exist yet. The file is complete and on disk when this
            returns, and gone when it raises.
        paint: Changes the pixels of a rectangle, (height, width, samples), in place. It is
            called from several threads, once for each rectangle; only when a compression turns
            out not to hold the painted pixels exactly is it asked for all of them again.
        touched: Whether anything changes in a rectangle. Where it says no, bytes are copied.
        page: Which page, from 0; by default the largest one at full resolution.
        progress: Told how many of the touched cells are done, and of how many.

    Raises:
        MasterRefused: If the master cannot be restored faithfully.
        StorageFailed: If the disk is full, or a file cannot be read or written.
    """
    target = Path(target)
    with Picture(source, page) as picture:
        try:
            descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise StorageFailed(f"cannot be created ({error.strerror})", target) from error
        try:
            answer = _compose(picture, descriptor, target, paint, touched, progress)
        except OSError as error:
            target.unlink(missing_ok=True)
            raise StorageFailed(_what_failed(error), target) from error
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
    return answer


def _compose(
    picture: Picture,
    descriptor: int,
    target: Path,
    paint: Paint,
    touched: Touched,
    progress: Progress | None,
) -> Composed:
    before = copy_and_hash(picture.descriptor, descriptor)
    cells = [cell for cell in picture.grid.cells() if touched(cell.box)]
    reason, done = _why_anew(picture), Exchange(0, promoted=False)
    if cells and reason is None:
        try:
            done = _exchange(picture, descriptor, cells, paint, progress)
        except NotReproducible as fault:
            reason = f"its compression cannot hold the restored pixels exactly ({fault})"
            os.ftruncate(descriptor, 0)
            before = copy_and_hash(picture.descriptor, descriptor)
    if cells and reason is not None:
        try:
            done = _renew(picture, descriptor, cells, paint, progress)
        except NotReproducible as fault:
            raise MasterRefused(
                f"its samples, or the painted ones, do not fit {picture.info.bits} bits",
                picture.path,
            ) from fault
    os.fsync(descriptor)
    return Composed(
        source_sha256=before,
        sha256=sha256_file(target) if done.segments else before,
        bytes=os.fstat(descriptor).st_size,
        segments=picture.grid.segments,
        touched_segments=done.segments,
        reencoded=reason if done.segments else None,
        bigtiff_promoted=done.promoted,
    )


def _why_anew(picture: Picture) -> str | None:
    if can_encode(picture.page):
        return None
    name = picture.info.compression
    fault = "loses detail" if picture.info.lossy else "cannot be written back here"
    return f"its compression ({name}) {fault}, so the page was written anew without loss"


def _exchange(
    picture: Picture,
    descriptor: int,
    cells: list[Cell],
    paint: Paint,
    progress: Progress | None,
) -> Exchange:
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


def _renew(
    picture: Picture,
    descriptor: int,
    cells: list[Cell],
    paint: Paint,
    progress: Progress | None,
) -> Exchange:
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


def _what_failed(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; make room and run again"
    return f"cannot be written ({error.strerror})"
