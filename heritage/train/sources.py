"""Where windows are cut from: pictures in memory, picture files, archival masters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from heritage.errors import HeritageError
from heritage.geometry import Box
from heritage.train.augment import Window
from heritage.train.decoding import Picture, decode, enlarged, enlarged_size, size_of
from heritage.train.masters import MasterFile, Shelf

LOG = logging.getLogger("heritage.train")
SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff"}
MASTERS = {".tif", ".tiff"}
_IN_TURN = 8  # masters that are read at once by those who read each from end to end
Item = TypeVar("Item")


class Source(Protocol):
    """A picture that windows are cut from, wherever its pixels are.

    Attributes:
        height: Rows, in pixels.
        width: Columns.
    """

    height: int
    width: int

    def read(self, box: Box) -> Window:
        """The pixels of a rectangle: (height, width, 3), uint8, or float32 in 0..1.

        Raises:
            HeritageError: If they cannot be read.
        """

    def pieces(self) -> Iterator[Box]:
        """Rectangles that cover it, to read all of it once without holding more than needed."""


class Held:
    """A picture in memory.

    Args:
        pixels: (H, W, 3) uint8.
    """

    def __init__(self, pixels: Picture) -> None:
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def read(self, box: Box) -> Picture:
        """The pixels of a rectangle, uint8."""
        return self.pixels[box.slices]

    def pieces(self) -> Iterator[Box]:
        """One: all of it."""
        yield Box(0, 0, self.height, self.width)


class PictureFile:
    """A JPEG or PNG that is decoded, whole, whenever a window is cut from it.

    Args:
        path: The file.
        smallest: A picture with a shorter side below this many pixels is enlarged to it.

    Raises:
        PictureUnreadable: If it is no picture.
    """

    def __init__(self, path: Path, smallest: int = 0) -> None:
        self.path, self._smallest = path, smallest
        self.height, self.width = enlarged_size(*size_of(path), smallest)

    def read(self, box: Box) -> Picture:
        """The pixels of a rectangle, uint8.

        Raises:
            PictureUnreadable: If the file is damaged.
        """
        return self.whole()[box.slices]

    def pieces(self) -> Iterator[Box]:
        """One: all of it."""
        yield Box(0, 0, self.height, self.width)

    def whole(self) -> Picture:
        """All its pixels, uint8.

        Raises:
            PictureUnreadable: If the file is damaged.
        """
        return np.asarray(enlarged(decode(self.path), self._smallest), np.uint8)


class Unreadable:
    """A file that no window can be cut from; it keeps its number, so that all others do.

    Args:
        error: Why.
    """

    def __init__(self, error: HeritageError) -> None:
        self.error = error
        self.height = self.width = 1

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Raises the error, whatever the rectangle."""
        raise self.error

    def pieces(self) -> Iterator[Box]:
        """Nothing of it can be read."""
        yield from ()


def picture_paths(folder: Path) -> list[Path]:
    """All pictures under a folder, sorted.

    Raises:
        HeritageError: If there is none.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise HeritageError("holds no pictures (JPEG, PNG or TIFF)", folder)
    return paths


def open_sources(folder: Path, smallest: int, room: int, hold: bool = True) -> list[Source]:
    """Everything under a folder that windows can be cut from, in the order of ``picture_paths``.

    JPEGs and PNGs are decoded once and kept, as far as the room goes; the others are decoded when
    they are needed. Of masters only the tiles or strips that a window touches are decoded. A file
    that cannot be read is named in a warning and left out of the training.

    Args:
        folder: Searched recursively.
        smallest: Pictures with a shorter side below this many pixels are enlarged to it.
        room: Bytes of decoded pixels to keep.
        hold: Whether JPEGs and PNGs are decoded at all before a window is cut from them.

    Raises:
        HeritageError: If there is none, or none can be read.
    """
    paths = picture_paths(folder)
    files = sum(path.suffix.lower() not in MASTERS for path in paths)
    if hold:
        shelf = Shelf(room * (len(paths) - files) // len(paths))
    else:
        shelf = Shelf(room, places=_IN_TURN)
    sources = _each(paths, lambda path: _opened(path, smallest, shelf))
    if hold:
        sources = _held(sources, room * files // len(paths))
    if all(isinstance(source, Unreadable) for source in sources):
        raise HeritageError(f"none of its {len(paths)} pictures can be read", folder)
    return sources


def pixels_of(sources: Sequence[Source]) -> int:
    """Pixels of all of them together, without those that cannot be read."""
    readable = (source for source in sources if not isinstance(source, Unreadable))
    return sum(source.height * source.width for source in readable)


def _opened(path: Path, smallest: int, shelf: Shelf) -> Source:
    if path.suffix.lower() in MASTERS:
        return MasterFile(path, shelf, smallest)
    return PictureFile(path, smallest)


def _held(sources: list[Source], room: int) -> list[Source]:
    """The same, with as many decoded as there is room for; which, depends on nothing else."""
    files = [(n, source) for n, source in enumerate(sources) if isinstance(source, PictureFile)]
    chosen: dict[int, PictureFile] = {}
    for number, source in files:
        size = 3 * source.height * source.width
        if size <= room:
            chosen[number] = source
            room -= size
    decoded = _each(list(chosen.values()), lambda source: Held(source.whole()))
    kept = dict(zip(chosen, decoded, strict=True))
    return [kept.get(number, source) for number, source in enumerate(sources)]


def _each(items: Sequence[Item], make: Callable[[Item], Source]) -> list[Source]:
    """Make sources in threads; what fails is named and becomes unreadable."""

    def tried(item: Item) -> Source:
        try:
            return make(item)
        except HeritageError as error:
            LOG.warning("left out of the training: %s", error)
            return Unreadable(error)

    with ThreadPoolExecutor() as pool:
        return list(pool.map(tried, items))
