"""A master and its restoration as pixels of a screen."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heritage.closing import Closing
from heritage.errors import HeritageError
from heritage.geometry import Box
from heritage.restore.provenance import file_names
from heritage.review.pictures import marks
from heritage.review.pictures.areas import Samples
from heritage.review.pictures.background import Background
from heritage.review.pictures.composing import Composer
from heritage.review.pictures.damage import Bools, Damage
from heritage.review.pictures.display import Display
from heritage.review.pictures.fills import Fills
from heritage.review.pictures.frames import Frame
from heritage.review.pictures.gate import Gate
from heritage.review.pictures.keeping import key_of
from heritage.review.pictures.memory import OWNERS, ByteCache
from heritage.review.pictures.source import Source
from heritage.review.pictures.view import Levels, View

MASTERS: Final = ByteCache(160 << 20)
"""Decoded tiles of all masters that are open."""
LAYERS: Final = ByteCache(96 << 20)
"""Decoded tiles of all layers that are open."""
AT_ONCE: Final = 2 * (os.cpu_count() or 1)
"""Pictures that are made at the same time; others wait."""
Bytes = NDArray[np.uint8]


class Scene(Closing):
    """What staff see of a master and its restoration; a context manager, safe from many threads.

    Nothing is decoded until it is looked at. The first view from afar starts the making of an
    overview in the background; until it is there such views are ``provisional``.

    Args:
        master: The file; only read.
        restoration: Folder ``NAME`` with ``NAME.layer.tif`` and ``NAME.mask.tif``; None: there is
            only a before.
        cache: Folder for overviews; it may be deleted at any time, and is made if missing.
        page: Which page of the master, from 0; None: the largest.

    Attributes:
        height: Rows of the master, in pixels.
        width: Columns of the master, in pixels.
        bits: Significant bits of its samples.

    Raises:
        MasterRefused: If the master cannot be read faithfully.
        MaskRefused: If mask or layer are not of the master's size, or no mask as kept here.
        StorageFailed: If a file cannot be read.
    """

    def __init__(
        self, master: Path, restoration: Path | None, cache: Path, page: int | None = None
    ) -> None:
        self._gate = Gate()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._damage: Damage | None = None
        self._composer: Composer | None = None
        self._fills: Fills | None = None
        with ExitStack() as opened:
            key = key_of([master], page)
            self._owner = next(OWNERS)
            opened.callback(MASTERS.forget, self._owner)
            overview = cache / f"{key}.overview"
            self._source = Source(master, page, MASTERS, self._owner, overview)
            opened.callback(self._source.close)
            if restoration is not None:
                self._open(restoration, master, page, cache, opened)
            self._display = Display(self._source.form)
            self._background = Background(list(self._jobs()))
            opened.callback(self._background.stop)
            self._opened = opened.pop_all()
        info = self._source.info
        self.height, self.width, self.bits = info.height, info.width, info.bits

    def close(self) -> None:
        """Let pictures that are being made end, give up the background, close all files."""
        if self._gate.close():
            self._opened.close()

    @property
    def fault(self) -> HeritageError | None:
        """Why views from afar stay provisional, if something went wrong in the background."""
        return self._background.fault

    def prepare(self, seconds: float | None = None) -> bool:
        """Begin the overview without waiting for a first view, and wait for it.

        Args:
            seconds: How long to wait at most; None: until it is there, or failed.

        Returns:
            Whether nothing is provisional any more.
        """
        self._background.start()
        return self._background.wait(seconds)

    def provisional(self, view: View, box: Box, width: int, height: int) -> bool:
        """Whether a picture is only a first look, as yet, and must not be kept.

        Ask before ``render``: what is not provisional stays so.

        Args:
            view: What is shown.
            box: Of the master, in pixels.
            width: Columns on the screen.
            height: Rows on the screen.
        """
        with self._gate.entered():
            return self._provisional(view, Frame.of(box, height, width))

    def render(
        self,
        view: View,
        box: Box,
        width: int,
        height: int,
        levels: Levels | None = None,
        undone: frozenset[int] = frozenset(),
    ) -> Bytes:
        """A picture for the screen.

        Args:
            view: What is shown.
            box: Of the master, in pixels.
            width: Columns on the screen.
            height: Rows on the screen.
            levels: Which of the tones are stretched over the screen's; None: all as they are.
            undone: Numbers of the regions that show the master's own pixels.

        Returns:
            (height, width, 3) uint8 sRGB; RGBA (height, width, 4) of views that are transparent.

        Raises:
            MasterRefused: If a tile or strip of the master is damaged.
            StorageFailed: If a file cannot be read any more.
            ValueError: If the box leaves the master, the view needs a restoration and there is
                none, or there is no region of such a number.
            SceneClosed: If it was closed.
        """
        if not Box(0, 0, self.height, self.width).contains(box):
            raise ValueError(f"{box} leaves the master of {self.height} x {self.width} pixels")
        if view.needs_restoration and self._composer is None:
            raise ValueError("there is no restoration to be shown")
        frame = Frame.of(box, height, width)
        with self._gate.entered(), self._slots:
            chosen = self._chosen(view, frame, undone)
            if view is View.MASK:
                return self._mask(frame, chosen)
            waits = self._provisional(view, frame)
            try:
                return self._picture(view, frame, levels, chosen)
            finally:
                if waits:
                    self._background.start()

    def _open(
        self, folder: Path, master: Path, page: int | None, cache: Path, opened: ExitStack
    ) -> None:
        names = file_names(folder.name)
        layer, mask = folder / names["layer"], folder / names["mask"]
        key = key_of([master, layer, mask], page)
        self._damage = Damage(mask)
        opened.callback(self._damage.close)
        opened.callback(LAYERS.forget, self._owner)
        kept = cache / f"{key}.fills.npz"
        self._fills = Fills(layer, self._source, self._damage, LAYERS, self._owner, kept)
        opened.callback(self._fills.close)
        self._composer = Composer(self._source, self._damage, self._fills)

    def _jobs(self) -> Iterator[Callable[[Callable[[], bool]], None]]:
        def overview(stopped: Callable[[], bool]) -> None:
            self._source.take_overview()  # another scene of this master may have made it
            if self._source.needs_overview:
                self._source.build(stopped)

        def begin(stopped: Callable[[], bool]) -> None:
            if self._fills is not None and not stopped():
                self._fills.begin()

        yield begin
        yield overview
        if self._fills is not None:
            yield self._fills.run

    def _chosen(self, view: View, frame: Frame, undone: frozenset[int]) -> Bools | None:
        """Which regions are undone; a first look from afar does not wait for their numbers."""
        if self._fills is None or view is View.BEFORE:
            return None
        waits = self._fills.ready or self._source.scale(frame) == 1 or view is View.MASK
        return self._fills.chosen(undone) if waits else None

    def _provisional(self, view: View, frame: Frame) -> bool:
        if view is View.MASK:
            return False
        scale = self._source.scale(frame)
        if scale is None:
            return True
        if not view.needs_restoration or self._fills is None or scale == 1:
            return False
        return self._fills.missing(frame.box(self.height, self.width))

    def _picture(
        self, view: View, frame: Frame, levels: Levels | None, chosen: Bools | None
    ) -> Bytes:
        sparse = self._source.scale(frame) is None
        look = self._source.shown(frame) if sparse else None
        out = np.empty((frame.height, frame.width, 4 if view.transparent else 3), np.uint8)
        for screen, piece in frame.pieces():
            own = None if look is None else look[screen.slices]
            out[screen.slices] = self._piece(view, piece, levels, chosen, own)
        return out

    def _piece(
        self,
        view: View,
        piece: Frame,
        levels: Levels | None,
        chosen: Bools | None,
        look: Samples | None,
    ) -> Bytes:
        if view is View.BEFORE or self._composer is None:
            amounts = self._source.shown(piece) if look is None else look
            return self._display.rgb(amounts, levels)
        made = self._composer.compose(piece, chosen, look)
        after = self._display.rgb(made.after, levels)
        if view is View.DIFFERENCE:
            return marks.heat(self._display.rgb(made.before, levels), after)
        return after if view is View.AFTER else marks.hatched(after, made.filled, piece)

    def _mask(self, frame: Frame, chosen: Bools | None) -> Bytes:
        """Outlines need to know what lies one pixel beyond the edge."""
        assert self._composer is not None
        top, left = int(frame.top >= frame.down), int(frame.left >= frame.across)
        bottom = int(frame.bottom + frame.down <= self.height)
        right = int(frame.right + frame.across <= self.width)
        around = frame.part(Box(-top, -left, frame.height + bottom, frame.width + right))
        shares = np.empty((2, around.height, around.width), np.float32)
        for screen, piece in around.pieces():
            shares[:, *screen.slices] = self._composer.shares(piece, chosen)
        edge = (0, 0), (1 - top, 1 - bottom), (1 - left, 1 - right)
        return marks.regions(*np.pad(shares, edge, "edge"))
