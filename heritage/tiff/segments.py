"""The table of tiles or strips of a page, checked against the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tifffile
from numpy.typing import NDArray

from heritage.errors import MasterRefused
from heritage.tiff.codec import row_bytes
from heritage.tiff.grid import Grid
from heritage.tiff.parsing import StructureReader
from heritage.tiff.structure import Directory


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


def read_table(
    reader: StructureReader, directory: Directory, page: tifffile.TiffPage, grid: Grid
) -> SegmentTable:
    """Where the tiles or strips of a page lie.

    Args:
        reader: Reads tag values.
        directory: The page, as we read it.
        page: The same page, as tifffile reads it.
        grid: How its pixels are cut.

    Raises:
        MasterRefused: If any is missing, cut off or outside the file, or readers disagree.
    """
    tags, path = directory.tags, reader.path
    offsets_code = next((code for code in (324, 273, 513) if code in tags), 0)
    if not offsets_code:
        raise MasterRefused("it does not say where its pixels are", path)
    counts_code = {324: 325, 273: 279, 513: 514}[offsets_code]
    offsets = reader.values(tags[offsets_code])
    listed = tags[counts_code].count if counts_code in tags else len(offsets)
    # Before anything as long as that is made of what the file only claims.
    if len(offsets) != grid.segments or listed != grid.segments:
        raise MasterRefused(
            f"it needs {grid.segments} tiles or strips, but lists {len(offsets)} positions "
            f"and {listed} lengths; the file is damaged",
            path,
        )
    needed = _needed(page, grid)
    if counts_code in tags:
        counts = reader.values(tags[counts_code])
    elif needed is not None:
        counts = needed
    else:
        raise MasterRefused("it does not say how long its tiles or strips are", path)
    agreed = np.array_equal(offsets, np.asarray(page.dataoffsets, np.uint64))
    if counts_code in tags:
        agreed &= np.array_equal(counts, np.asarray(page.databytecounts, np.uint64))
    if not agreed:
        raise MasterRefused(
            "readers disagree about where its tiles or strips are; the file is damaged", path
        )
    counts = _checked(reader, offsets, counts, needed)
    return SegmentTable(offsets, counts, offsets_code, counts_code)


def _needed(page: tifffile.TiffPage, grid: Grid) -> NDArray[np.uint64] | None:
    """Bytes that the pixels of each uncompressed segment take; else not known."""
    if int(page.compression) != 1:
        return None
    samples = page.samplesperpixel if grid.planes == 1 else 1
    row = row_bytes(int(page.bitspersample), grid.segment_width * samples)
    plane = np.full(grid.per_plane, grid.segment_height * row, np.uint64)
    if not grid.tiled:
        plane[-1] = grid.stored_rows(grid.per_plane - 1) * row
    return np.tile(plane, grid.planes)


def _checked(
    reader: StructureReader,
    offsets: NDArray[np.uint64],
    counts: NDArray[np.uint64],
    needed: NDArray[np.uint64] | None,
) -> NDArray[np.uint64]:
    absent = (offsets == 0) & (counts == 0)
    if np.any(((offsets < 8) | (counts == 0)) & ~absent):
        raise MasterRefused("some of its tiles or strips are missing", reader.path)
    if needed is not None:
        if np.any((counts < needed) & ~absent):
            raise MasterRefused(
                "some of its tiles or strips are shorter than their pixels; "
                "the file is damaged or cut off",
                reader.path,
            )
        # A length may be generous; the pixels are at its beginning.
        counts = np.where(absent, np.uint64(0), needed)
    size = np.uint64(reader.bytes)
    if np.any(counts > size) or np.any(offsets > size - np.minimum(counts, size)):
        raise MasterRefused("its pixels reach past the end of the file; it is cut off", reader.path)
    return counts
