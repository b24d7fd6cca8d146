"""A master's amounts at any size: from itself, its smaller versions, its overview, or sparsely."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heritage.errors import MasterRefused
from heritage.geometry import Box
from heritage.restore.colour import value_range
from heritage.review.pictures.areas import Samples, shown
from heritage.review.pictures.frames import PIECE, Frame
from heritage.review.pictures.memory import ByteCache
from heritage.review.pictures.overview import FINEST, SMALLEST, Overview, Plane, build
from heritage.review.pictures.pages import PageReader
from heritage.review.pictures.samples import SampleForm
from heritage.review.pictures.sparse import SparseLook, spread
from heritage.tiff.picture import Picture
from heritage.tiff.pyramid import smaller_versions

EXACT: Final = 5 << 20
"""Pixels that are read for one piece of a picture; what would need more is looked at sparsely."""
SAMPLED: Final = 16
"""Tiles, or bands of rows, in which the range of values is looked for that no data type tells."""
BUILDING: Final = 48 << 20
"""Bytes of decoded tiles kept while an overview is made."""


@dataclass(frozen=True)
class Level:
    """A smaller version of a master.

    Attributes:
        scale: Pixels of the master along each side of one of its: 1, or ``FINEST`` times a power of
            two, so that what a completion adds can be summed in the same blocks.
        height: Rows.
        width: Columns.
        read: Gives amounts of a box of it.
    """

    scale: int
    height: int
    width: int
    read: Callable[[Box], Samples]

    def shown(self, frame: Frame) -> Samples:
        """A frame of the master."""
        own = frame.scaled(self.scale, self.scale)
        box = own.box(self.height, self.width)
        return shown(self.read(box), own.shifted(box.y0, box.x0))


class Source:
    """A master, open to be looked at. Thread-safe.

    Args:
        path: The file.
        page: Which page, from 0; None: the largest.
        cache: Keeps decoded tiles.
        owner: Under this number.
        overview: Where its overview is or will be.

    Attributes:
        info: What it is.
        form: Of its samples.

    Raises:
        MasterRefused: If it cannot be read faithfully.
        StorageFailed: If the file cannot be read.
    """

    def __init__(
        self, path: Path, page: int | None, cache: ByteCache, owner: int, overview: Path
    ) -> None:
        self._open = [Picture(path, page)]
        self._path = overview
        self._lock = threading.Lock()
        self._overview: Overview | None = None
        self._page = PageReader(self._open[0], cache, owner)
        self.info = self._page.info
        try:
            self.form = self._form()
            self._sparse = SparseLook(self._page, self.form)
            self._levels = [self._native()]
            self._levels += self._own_levels(cache, owner)
            self.take_overview()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all files."""
        for picture in self._open:
            picture.close()
        if self._overview is not None:
            self._overview.close()

    @property
    def needs_overview(self) -> bool:
        """Whether the whole master can only be looked at sparsely as yet."""
        info = self.info
        share = SMALLEST / max(info.height, info.width)
        size = [max(1, round(length * share)) for length in (info.height, info.width)]
        return self.scale(Frame.of(Box(0, 0, info.height, info.width), size[0], size[1])) is None

    def shown(self, frame: Frame) -> Samples:
        """Amounts of a frame, (frame.height, frame.width, channels).

        Raises:
            MasterRefused: If a tile or strip is damaged.
            StorageFailed: If a file cannot be read.
        """
        level = self._level(frame)
        return self._sparse.look(frame) if level is None else level.shown(frame)

    def scale(self, frame: Frame) -> int | None:
        """Pixels of the master along each side of one that a frame is made from.

        1 for the master itself; None if it is only sampled sparsely as yet.
        """
        level = self._level(frame)
        return None if level is None else level.scale

    def native(self, box: Box) -> Samples:
        """Amounts of a box of the master, each pixel its own."""
        return self.form.of(self._page.read(box))

    def build(self, stopped: Callable[[], bool]) -> None:
        """Make the overview, and use it from then on.

        Raises:
            Stopped: If told to.
            MasterRefused: If a tile or strip of the master is damaged.
            StorageFailed: If a file cannot be read or written.
        """
        page = PageReader(self._open[0], ByteCache(BUILDING), 0)
        build(self._path, page, self.form, stopped)
        self.take_overview()

    def take_overview(self) -> None:
        """Use the overview, if it is there."""
        with self._lock:
            if self._overview is not None:
                return
            try:
                overview = Overview(self._path, self.info.height, self.info.width, self.form)
            except OSError:
                return
            self._overview = overview
            levels = [
                Level(p.scale, p.height, p.width, _reading(overview, p)) for p in overview.planes
            ]
            self._levels = sorted(self._levels + levels, key=lambda level: level.scale)

    def _level(self, frame: Frame) -> Level | None:
        """The smallest version with all that is to be seen; None if it would be too much work."""
        fitting = [level for level in self._levels if level.scale <= frame.ratio]
        if frame.ratio < FINEST or not fitting:
            return self._levels[0]
        best = fitting[-1]
        area = min(frame.height, PIECE) * frame.down * min(frame.width, PIECE) * frame.across
        return best if area <= EXACT * best.scale**2 else None

    def _native(self) -> Level:
        return Level(1, self.info.height, self.info.width, self.native)

    def _own_levels(self, cache: ByteCache, owner: int) -> list[Level]:
        """The smaller versions in the master's own file, with samples like its own."""
        base, found = self._open[0], []
        for directory in smaller_versions(base):
            try:
                picture = Picture(base.path, base.info.page, level_at=directory.at)
            except MasterRefused:
                continue
            self._open.append(picture)
            page = PageReader(picture, cache, owner)
            level = _level_of(page, self._page, self.form)
            if level is not None:
                found.append(level)
        return sorted(found, key=lambda level: level.scale)

    def _form(self) -> SampleForm:
        form = SampleForm(self.info)
        if not form.needs_range:
            return form
        cells = list(self._page.picture.grid.cells())
        some = (cells[index] for index in spread(len(cells))[:SAMPLED])
        low, high = value_range(
            self._page.cell(one)[: one.box.height, : one.box.width, : self.info.colour_samples]
            for one in some
        )
        return SampleForm(self.info, low, high)


def _reading(overview: Overview, plane: Plane) -> Callable[[Box], Samples]:
    def read(box: Box) -> Samples:
        return overview.read(plane, box)

    return read


def _level_of(page: PageReader, base: PageReader, form: SampleForm) -> Level | None:
    """A smaller version as a level; None where it shows something else, or another shape."""
    big, small = base.info, page.info
    kinds = [(i.samples, i.dtype, i.bits, i.photometric, i.palette) for i in (big, small)]
    scale = FINEST
    while scale * 3 < 2 * big.width / small.width:
        scale *= 2
    fits = all(
        length // scale <= reduced <= -(-length // scale)
        for length, reduced in ((big.width, small.width), (big.height, small.height))
    )
    if kinds[0] != kinds[1] or not fits:
        return None
    return Level(scale, small.height, small.width, lambda box: form.of(page.read(box)))
