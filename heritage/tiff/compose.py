"""Composing: the master's own file, with only the touched tiles or strips encoded again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from heritage.errors import MasterRefused, StorageFailed
from heritage.geometry import Box
from heritage.tiff.codec import NotReproducible, can_encode
from heritage.tiff.exchange import Exchange, Page, Paint, exchange
from heritage.tiff.lossless import LosslessCodec
from heritage.tiff.order import THREADS, Progress
from heritage.tiff.picture import Picture
from heritage.tiff.pieces import Draft, joined
from heritage.tiff.pyramid import levels_of
from heritage.tiff.scratch import Scratch
from heritage.tiff.writing import Writer

Touched = Callable[[Box], bool]


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
        dead_bytes: Zeros where segments lay that found no room any more, in a file that holds
            something that cannot be moved.
        levels: Smaller versions of the page in the same file that were made anew where it changed.
    """

    source_sha256: str
    sha256: str
    bytes: int
    segments: int
    touched_segments: int
    reencoded: str | None
    bigtiff_promoted: bool = False
    dead_bytes: int = 0
    levels: int = 0


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
            called from several threads, and again for rectangles that smaller versions in the
            same file are made from, or when a compression turns out not to hold the painted
            pixels exactly.
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
    cells = [cell for cell in picture.grid.cells() if touched(cell.box)]
    with Scratch(target.parent) as scratch, ExitStack() as opened:
        pages = [Page(picture, cells, paint)]
        if cells:
            pages += _smaller(picture, paint, touched, opened)
        done, reason = _planned(pages, scratch, progress)
        writer = Writer(picture.descriptor, picture.structure.bytes, descriptor, scratch, THREADS)
        try:
            before, after = writer.write(joined(iter(done.pieces)))
        except NotReproducible as fault:
            raise _does_not_fit(picture) from fault
    os.fsync(descriptor)
    return Composed(
        source_sha256=before,
        sha256=after,
        bytes=os.fstat(descriptor).st_size,
        segments=picture.grid.segments,
        touched_segments=len(pages[0].written),
        reencoded=reason if pages[0].written else None,
        bigtiff_promoted=done.promoted,
        dead_bytes=done.dead,
        levels=sum(bool(page.written) for page in pages[1:]),
    )


def _smaller(picture: Picture, paint: Paint, touched: Touched, opened: ExitStack) -> Iterator[Page]:
    """The smaller versions of a picture, painted from it."""
    for level in levels_of(picture):
        opened.callback(level.picture.close)
        painted = partial(level.paint, paint=paint, touched=touched)
        yield Page(level.picture, level.cells(touched), painted)


def _planned(
    pages: list[Page], scratch: Scratch, progress: Progress | None
) -> tuple[Exchange, str | None]:
    """What the file becomes, and why the page is written anew if it is."""
    picture = pages[0].picture
    reason = _why_anew(picture)
    if not pages[0].cells:
        return Exchange(Draft(picture.structure.bytes).pieces()), None
    if reason is None:
        try:
            return exchange(pages, scratch, progress), None
        except NotReproducible as fault:
            if picture.raw_rows:
                raise _does_not_fit(picture) from fault
            reason = f"its compression cannot hold the restored pixels exactly ({fault})"
    anew = [replace(page, written=set(), _kept={}) for page in pages]
    anew[0].anew = LosslessCodec(picture.page)
    pages[:] = anew
    try:
        return exchange(pages, scratch, progress), reason
    except NotReproducible as fault:
        raise _does_not_fit(picture) from fault


def _does_not_fit(picture: Picture) -> MasterRefused:
    return MasterRefused(
        f"its samples, or the painted ones, do not fit {picture.info.bits} bits", picture.path
    )


def _why_anew(picture: Picture) -> str | None:
    if can_encode(picture.page):
        return None
    name = picture.info.compression
    fault = "loses detail" if picture.info.lossy else "cannot be written back here"
    return f"its compression ({name}) {fault}, so the page was written anew without loss"


def _what_failed(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; make room and run again"
    return f"cannot be written ({error.strerror})"
