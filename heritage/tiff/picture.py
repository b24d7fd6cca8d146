"""One page of a TIFF file, opened and checked: structure, segment table, decoder.

Two readers look at every file, ours and tifffile's, and must agree on what they see. What only
one of them would accept is refused.
"""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from heritage.errors import HeritageError, MasterRefused, StorageFailed
from heritage.tiff.appearance import describe
from heritage.tiff.codec import DECODER_FAULTS, Codec, Pixels, row_bytes
from heritage.tiff.grid import Cell, Grid
from heritage.tiff.structure import Directory, Structure, StructureReader, read_exactly

# A master's oddities are told once, by us, in one sentence; never as log lines of a library.
logging.getLogger("tifffile").addHandler(logging.NullHandler())
logging.getLogger("tifffile").propagate = False

MAX_SEGMENT: Final = 256 << 20
"""Decoded bytes of a compressed tile or strip beyond which it is refused: it can only be
decoded whole, and a few of them are in memory at once."""
BAND: Final = 1 << 20
"""Bytes of the row bands in which uncompressed tiles and strips are read and written."""


@dataclass(frozen=True)
class SegmentTable:
    """Where the tiles or strips lie.

    Attributes:
        offsets: Positions in the file, 0 where a segment is left out (sparse).
        counts: Bytes, as the pixels need them where the file is uncompressed.
        offsets_code: Tag that holds the positions.
        counts_code: Tag that holds the byte counts, whether it is there or not.
    """

    offsets: NDArray[np.uint64]
    counts: NDArray[np.uint64]
    offsets_code: int
    counts_code: int


class Picture:
    """A page, open for reading. Use as a context manager; thread-safe.

    Args:
        path: The file.
        page: Which page, from 0; by default the largest one at full resolution.

    Attributes:
        info: What it is.
        structure: All directories of the file.
        directory: The page's own.
        reader: Reads tag values.
        table: Where its segments lie.
        grid: How its pixels are cut.
        codec: Decodes and encodes its segments.

    Raises:
        MasterRefused: If it cannot be restored faithfully.
        StorageFailed: If the file cannot be read.
    """

    def __init__(self, path: Path | str, page: int | None = None) -> None:
        self.path = Path(path)
        self.descriptor = _open(self.path)
        self._tiff: tifffile.TiffFile | None = None
        try:
            self._load(page)
        except HeritageError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise StorageFailed(f"cannot be read ({error.strerror})", self.path) from error
        except DECODER_FAULTS as error:
            self.close()
            raise MasterRefused(f"its structure makes no sense ({error})", self.path) from error

    def __enter__(self) -> Picture:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; twice does no harm."""
        if self._tiff is not None:
            self._tiff.close()
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1

    @property
    def raw_rows(self) -> bool:
        """Whether single rows of a segment can be reached, because nothing is compressed."""
        return self.codec.compression == 1

    def segment_bytes(self, segment: int) -> bytes | None:
        """The bytes of a tile or strip as they are in the file; None where it is left out.

        Raises:
            StorageFailed: If they cannot be read.
        """
        size = int(self.table.counts[segment])
        return self.read(int(self.table.offsets[segment]), size) if size else None

    def decode(self, cell: Cell, plane: int) -> Pixels:
        """The stored pixels of a cell, padding included, shape (rows, columns, samples).

        Raises:
            MasterRefused: If they are damaged.
            StorageFailed: If they cannot be read.
        """
        segment = cell.segment + plane * self.grid.per_plane
        try:
            if not self.raw_rows:
                return self.codec.decode(segment, self.segment_bytes(segment))
            if not self.table.counts[segment]:
                shape = cell.rows, cell.columns, self.codec.samples
                return np.full(shape, self.page.nodata, self.codec.dtype)
            at, size = self.band_place(cell, plane)
            return self.codec.unpack(self.read(at, size), cell.rows, cell.columns)
        except DECODER_FAULTS as error:
            what = "tile" if self.grid.tiled else "strip"
            raise MasterRefused(
                f"{what} {segment + 1} of {self.grid.segments} cannot be decoded: {error}",
                self.path,
            ) from error

    def band_place(self, cell: Cell, plane: int) -> tuple[int, int]:
        """Position and size in the file of a cell of an uncompressed page."""
        row = row_bytes(self.codec.bits, cell.columns * self.codec.samples)
        segment = cell.segment + plane * self.grid.per_plane
        return int(self.table.offsets[segment]) + cell.top * row, cell.rows * row

    def stored_bytes(self, segment: int) -> int:
        """Bytes that an uncompressed segment needs."""
        row = row_bytes(self.codec.bits, self.grid.segment_width * self.codec.samples)
        return self.grid.stored_rows(segment) * row

    def empty_rows(self, rows: int) -> bytes:
        """What an uncompressed segment that is left out stands for."""
        shape = rows, self.grid.segment_width, self.codec.samples
        return self.codec.pack(np.full(shape, self.page.nodata, self.codec.dtype))

    def joined(self, cell: Cell) -> Pixels:
        """All samples of a cell, planes joined, padding included; not to be written to.

        Raises:
            MasterRefused: If they are damaged.
            StorageFailed: If they cannot be read.
        """
        if self.grid.planes == 1:
            return self.decode(cell, 0)
        planes = [self.decode(cell, plane) for plane in range(self.grid.planes)]
        return np.concatenate(planes, axis=2)

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the file.

        Raises:
            StorageFailed: If they cannot be read.
        """
        try:
            return read_exactly(self.descriptor, at, size)
        except OSError as error:
            raise StorageFailed(f"cannot be read ({error.strerror})", self.path) from error

    def _load(self, page: int | None) -> None:
        self.reader = StructureReader(self.descriptor, self.path)
        self.structure = self.reader.structure()
        index = choose_page(self.structure, self.reader, page)
        self.directory = self.structure.pages[index]
        self._tiff = tifffile.TiffFile(
            str(self.path), is_ndpi=False, is_lsm=False, is_scanimage=False
        )
        self._tiff.filehandle.seek(self.directory.at)
        self.page = tifffile.TiffPage(self._tiff, index=index)
        self.info = describe(self.structure, self.reader, self.directory, self.page, index)
        self.grid = self._grid()
        self.table = self._table()
        self.codec = Codec(self.page)

    def _grid(self) -> Grid:
        info = self.info
        samples = 1 if info.planar else info.samples
        row = row_bytes(info.bits, info.segment_width * samples)
        band = info.segment_height
        if int(self.page.compression) == 1:
            band = min(band, max(1, BAND // row))
        decoded = info.segment_height * info.segment_width * samples
        decoded *= np.dtype(info.dtype).itemsize
        if int(self.page.compression) != 1 and decoded > MAX_SEGMENT:
            what = "tile" if info.tiled else "strip"
            raise MasterRefused(
                f"one compressed {what} of it decodes to {decoded >> 20} MiB, more than "
                f"{MAX_SEGMENT >> 20} MiB; save it uncompressed, or with smaller strips or tiles",
                self.path,
            )
        planes = info.samples if info.planar else 1
        return Grid(
            info.height,
            info.width,
            info.segment_height,
            info.segment_width,
            info.tiled,
            planes,
            band,
        )

    def _table(self) -> SegmentTable:
        tags, grid = self.directory.tags, self.grid
        offsets_code = next((code for code in (324, 273, 513) if code in tags), 0)
        if not offsets_code:
            raise MasterRefused("it does not say where its pixels are", self.path)
        counts_code = {324: 325, 273: 279, 513: 514}[offsets_code]
        offsets = self.reader.values(tags[offsets_code])
        needed = self._needed()
        if counts_code in tags:
            counts = self.reader.values(tags[counts_code])
        elif needed is not None:
            counts = needed
        else:
            raise MasterRefused("it does not say how long its tiles or strips are", self.path)
        if len(offsets) != grid.segments or len(counts) != grid.segments:
            raise MasterRefused(
                f"it needs {grid.segments} tiles or strips, but lists {len(offsets)} positions "
                f"and {len(counts)} lengths; the file is damaged",
                self.path,
            )
        self._agree("positions", offsets, self.page.dataoffsets)
        if counts_code in tags:
            self._agree("lengths", counts, self.page.databytecounts)
        return SegmentTable(
            offsets, self._checked(offsets, counts, needed), offsets_code, counts_code
        )

    def _needed(self) -> NDArray[np.uint64] | None:
        if int(self.page.compression) != 1:
            return None
        samples = 1 if self.info.planar else self.info.samples
        row = row_bytes(self.info.bits, self.info.segment_width * samples)
        plane = np.full(self.grid.per_plane, self.grid.segment_height * row, np.uint64)
        if not self.grid.tiled:
            plane[-1] = self.grid.stored_rows(self.grid.per_plane - 1) * row
        return np.tile(plane, self.grid.planes)

    def _checked(
        self,
        offsets: NDArray[np.uint64],
        counts: NDArray[np.uint64],
        needed: NDArray[np.uint64] | None,
    ) -> NDArray[np.uint64]:
        absent = (offsets == 0) & (counts == 0)
        if np.any(((offsets < 8) | (counts == 0)) & ~absent):
            raise MasterRefused("some of its tiles or strips are missing", self.path)
        if needed is not None:
            if np.any((counts < needed) & ~absent):
                raise MasterRefused(
                    "some of its tiles or strips are shorter than their pixels; "
                    "the file is damaged or cut off",
                    self.path,
                )
            # A length may be generous; the pixels are at its beginning.
            counts = np.where(absent, np.uint64(0), needed)
        size = np.uint64(self.structure.bytes)
        if np.any(counts > size) or np.any(offsets > size - np.minimum(counts, size)):
            raise MasterRefused(
                "its pixels reach past the end of the file; it is cut off", self.path
            )
        return counts

    def _agree(self, what: str, ours: NDArray[np.uint64], theirs: tuple[int, ...]) -> None:
        if not np.array_equal(ours, np.asarray(theirs, np.uint64)):
            raise MasterRefused(
                f"readers disagree about the {what} of its tiles or strips; the file is damaged",
                self.path,
            )


def choose_page(structure: Structure, reader: StructureReader, page: int | None) -> int:
    """Which page is the picture: the largest one at full resolution, else the first.

    Raises:
        MasterRefused: If the page asked for does not exist, or the picture is in a sub-image.
    """
    pages = structure.pages
    if page is not None:
        if not 0 <= page < len(pages):
            raise MasterRefused(f"it has no page {page + 1}, only {len(pages)}", reader.path)
        return page
    areas = [_area(reader, one) for one in pages]
    whole = [index for index, one in enumerate(pages) if _at_full_resolution(reader, one)]
    if whole:
        return max(whole, key=lambda index: (areas[index], -index))
    below = [
        child
        for one in pages
        for part in one.walk()
        for code, child in part.children
        if code == 330 and _at_full_resolution(reader, child)
    ]
    if any(_area(reader, child) > max(areas) for child in below):
        raise MasterRefused(
            "its full picture is a sub-image, as in camera raw files; export it as a plain TIFF",
            reader.path,
        )
    return 0


def _first(reader: StructureReader, directory: Directory, code: int, default: int) -> int:
    tag = directory.tags.get(code)
    if tag is None or not tag.count:
        return default
    return int(reader.values(tag)[0])


def _area(reader: StructureReader, directory: Directory) -> int:
    return _first(reader, directory, 256, 0) * _first(reader, directory, 257, 0)


def _at_full_resolution(reader: StructureReader, directory: Directory) -> bool:
    kind = _first(reader, directory, 254, 0)
    return not kind & 0b101 and _first(reader, directory, 255, 1) != 2


def _open(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise StorageFailed(f"cannot be opened ({error.strerror})", path) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    kind = "a folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "no ordinary file"
    os.close(descriptor)
    raise MasterRefused(f"this is {kind}, not a TIFF file", path)
