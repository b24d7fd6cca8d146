"""One page of a TIFF file, opened and checked: structure, segment table, decoder.

Two readers look at every file, ours and tifffile's, and must agree on what they see. What only
one of them would accept is refused.
"""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import tifffile

from heritage.closing import Closing
from heritage.errors import HeritageError, MasterRefused, StorageFailed
from heritage.tiff.appearance import describe
from heritage.tiff.codec import DECODER_FAULTS, Codec, Pixels, row_bytes
from heritage.tiff.decoding import GuardedDecoder, read_page, require_plausible
from heritage.tiff.grid import Cell, Grid
from heritage.tiff.loss import is_lossy
from heritage.tiff.pages import choose_page
from heritage.tiff.parsing import StructureReader, read_exactly
from heritage.tiff.segments import read_table
from heritage.tiff.space import Occupancy

# A master's oddities are told once, by us, in one sentence; never as log lines of a library.
logging.getLogger("tifffile").addHandler(logging.NullHandler())
logging.getLogger("tifffile").propagate = False

MAX_SEGMENT: Final = 256 << 20
"""Decoded bytes of a compressed tile or strip, all planes together, beyond which it is refused: it
can only be decoded whole, and a few of them are in memory at once."""
HEAD: Final = 64 << 10
BAND: Final = 1 << 20
"""Bytes of the row bands in which uncompressed tiles and strips are read and written."""


class Picture(Closing):
    """A page, open for reading. Use as a context manager; thread-safe.

    Args:
        path: The file.
        page: Which page, from 0; by default the largest one at full resolution.
        level_at: Where the directory lies that is opened in place of the page's own: that of a
            smaller version of it.
        guarded: Whether compressed tiles or strips are decoded in another process; only a
            process that may crash itself says no.

    Attributes:
        info: What it is.
        structure: All directories of the file.
        directory: The page's own.
        reader: Reads tag values.
        table: Where its segments lie.
        occupancy: Which bytes of the file are named by its structure.
        grid: How its pixels are cut.
        codec: Decodes and encodes its segments.

    Raises:
        MasterRefused: If it cannot be restored faithfully.
        StorageFailed: If the file cannot be read.
    """

    def __init__(
        self,
        path: Path | str,
        page: int | None = None,
        *,
        guarded: bool = True,
        level_at: int | None = None,
    ) -> None:
        self.path = Path(path)
        self._level_at = level_at
        self._guarded = guarded
        self._guard: GuardedDecoder | None = None
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
            said = str(error) or "it asks for more memory than it may have"
            raise MasterRefused(f"its structure makes no sense ({said})", self.path) from error

    def close(self) -> None:
        """Close the file; twice does no harm."""
        if self._tiff is not None:
            self._tiff.close()
        if self._guard is not None:
            self._guard.close()
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
                if self._guard is not None:
                    return self._guard.decode(segment, self.segment_bytes)
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

    def empty_segment(self, segment: int) -> bytes:
        """What an uncompressed segment that is left out stands for, all of it."""
        return self.empty_rows(self.grid.stored_rows(segment))

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
        if self._level_at is not None:
            self.directory = next(
                one for one in self.structure.directories() if one.at == self._level_at
            )
        self._require_of_its_own()
        self.page = read_page(self.path, self.directory.at, index)
        self._tiff = self.page.parent
        self.info = describe(self.structure, self.reader, self.directory, self.page, index)
        self.grid = self._grid()
        self.table = read_table(self.reader, self.directory, self.page, self.grid)
        self.occupancy = Occupancy(self.structure, self.reader, self.directory, self.table)
        if not self.occupancy.orderly():
            raise MasterRefused("its directories overlap with other data; it is damaged", self.path)
        self.info = replace(self.info, lossy=is_lossy(int(self.page.compression), self._head()))
        self.codec = Codec(self.page)
        if not self.raw_rows:
            require_plausible(self.codec, self.table.counts)
        if self._guarded and not self.raw_rows:
            at = self.directory.at
            self._guard = GuardedDecoder(self.path, self.descriptor, at, self.codec)

    def _require_of_its_own(self) -> None:
        """Refuse a page that is a second page, or a sub-image, as well: both would change."""
        names = [d.name for d in self.structure.directories() if d.at == self.directory.at]
        if len(names) > 1:
            raise MasterRefused(f"{' and '.join(names)} are the same one; it is damaged", self.path)

    def _head(self) -> bytes:
        """The beginning of the first tile or strip that is there."""
        held = np.flatnonzero(self.table.counts)
        if not len(held):
            return b""
        at, size = self.table.offsets[held[0]], self.table.counts[held[0]]
        return self.read(int(at), min(int(size), HEAD))

    def _grid(self) -> Grid:
        info = self.info
        samples = 1 if info.planar else info.samples
        row = row_bytes(info.bits, info.segment_width * samples)
        band = info.segment_height
        if int(self.page.compression) == 1:
            band = min(band, max(1, BAND // row))
        # Planes are joined: what lies over each other is in memory together.
        decoded = info.segment_height * info.segment_width * info.samples
        decoded *= np.dtype(info.dtype).itemsize
        if int(self.page.compression) != 1 and decoded > MAX_SEGMENT:
            what = "tile" if info.tiled else "strip"
            what += " of it, in all its planes," if info.planar else " of it"
            raise MasterRefused(
                f"one compressed {what} decodes to {decoded >> 20} MiB, more than "
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
