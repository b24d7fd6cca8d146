"""Windows of archival masters, read without loading the rest of them.

The colours are those that an inpainter is shown when it restores the master: RGB as it is encoded,
CMYK and Lab converted, 16 bits not rounded to 8 (see ``heritage.restore.colour``).
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heritage.geometry import Box
from heritage.train.decoding import PictureUnreadable, enlarged, enlarged_size

if TYPE_CHECKING:
    from heritage.restore.colour import WorkingSpace
    from heritage.tiff import Master

_OPEN = 64  # files at once; a museum has more masters than a process may hold open
_ENLARGED = 64 << 20  # pixels of a narrow master that may be enlarged, which is done whole


class Shelf:
    """The masters that are open, of which the one not used for longest makes room.

    Args:
        room: Bytes that decoded tiles and strips of all of them may take, so that neighbouring
            windows need not decode them again.
        places: Masters that are open at once.
    """

    def __init__(self, room: int, places: int = _OPEN) -> None:
        self._each = max(0, room) // places
        self._places = places
        self._lock = threading.Lock()
        self._open: OrderedDict[Path, Master] = OrderedDict()
        self._readers: dict[Path, int] = {}
        weakref.finalize(self, _close, self._open)

    @contextmanager
    def borrow(self, path: Path) -> Iterator[Master]:
        """A master, open until it is given back; for several threads at once.

        Raises:
            HeritageError: If it cannot be opened.
        """
        with self._lock:
            master = self._taken(path, None)
        if master is None:
            fresh = _open(path, self._each)  # outside the lock: a slow share holds up nobody else
            with self._lock:
                master = self._taken(path, fresh)
            if master is not fresh:
                fresh.close()
        assert master is not None
        try:
            yield master
        finally:
            with self._lock:
                self._readers[path] -= 1
                self._make_room()

    def _taken(self, path: Path, fresh: Master | None) -> Master | None:
        """The open master with one reader more; ``fresh`` becomes it where there is none."""
        if path not in self._open:
            if fresh is None:
                return None
            self._open[path] = fresh
        self._open.move_to_end(path)
        self._readers[path] = self._readers.get(path, 0) + 1
        return self._open[path]

    def _make_room(self) -> None:
        idle = [path for path in self._open if not self._readers[path]]
        for path in idle[: max(0, len(self._open) - self._places)]:
            self._open.pop(path).close()
            del self._readers[path]


class MasterFile:
    """A master that windows are cut from.

    Args:
        path: A TIFF file.
        shelf: Keeps it open.
        smallest: A master with a shorter side below this many pixels is enlarged to it.

    Attributes:
        path: The file.
        height: Rows, once enlarged.
        width: Columns, once enlarged.

    Raises:
        HeritageError: If it cannot be read faithfully, with the reason.
    """

    def __init__(self, path: Path, shelf: Shelf, smallest: int = 0) -> None:
        self.path, self._shelf, self._smallest = path, shelf, smallest
        with shelf.borrow(path) as master:
            info = master.info
            self.height, self.width = enlarged_size(info.height, info.width, smallest)
            self._whole = (self.height, self.width) != (info.height, info.width)
            if self._whole and self.height * self.width > _ENLARGED:
                raise PictureUnreadable(f"is too narrow for windows of {smallest} pixels", path)
            self._space = _space(master)

    def read(self, box: Box) -> NDArray[np.float32]:
        """The pixels of a rectangle: (height, width, 3) float32 in 0..1.

        Only the tiles or strips that it touches are decoded.

        Raises:
            HeritageError: If one of these is damaged.
        """
        with self._shelf.borrow(self.path) as master:
            if not self._whole:
                return self._space.to_rgb(master.read(box))
            everything = Box(0, 0, master.info.height, master.info.width)
            rgb = self._space.to_rgb(master.read(everything))
        return np.asarray(enlarged(rgb, self._smallest)[box.slices], np.float32)

    def pieces(self) -> Iterator[Box]:
        """Rectangles that cover it, along its tiles or strips where it is large."""
        from heritage.restore.scan import scan_boxes

        if self._whole:
            yield Box(0, 0, self.height, self.width)
            return
        with self._shelf.borrow(self.path) as master:
            yield from scan_boxes(master.info)


def _close(masters: dict[Path, Master]) -> None:
    for master in masters.values():
        master.close()


def _open(path: Path, cache: int) -> Master:
    try:
        from heritage.tiff import open_master
    except ImportError as error:  # imagecodecs, on a machine that only trains
        raise PictureUnreadable(
            f"TIFF masters need the package {error.name}: install it, or save the file as PNG", path
        ) from error
    return open_master(path, cache_bytes=cache)


def _space(master: Master) -> WorkingSpace:
    """How its samples become RGB; those of unknown scale are looked through once, in pieces."""
    from heritage.restore.colour import WorkingSpace, needs_value_range, value_range
    from heritage.restore.scan import scan_boxes

    info = master.info
    if not needs_value_range(info.dtype):
        return WorkingSpace.of(info)
    colours = (master.read(box)[..., : info.colour_samples] for box in scan_boxes(info))
    return WorkingSpace.of(info, value_range(colours))
