"""What a mask that a person hands in says: any TIFF or PNG, as damaged or not, from the top."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from heritage.errors import MaskRefused

if TYPE_CHECKING:
    from rasterio import DatasetReader

Bool = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

BAND_BYTES = 32 << 20
"""Source samples read at once."""

BLOCK_BYTES = 256 << 20
"""The largest strip or tile that is unpacked, as it must be at once."""

# Of GDAL's many formats only these: others may be lossy, or name further files to be opened.
_DRIVERS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "GTiff"), (b"MM\0*", "GTiff"), (b"II+\0", "GTiff"), (b"MM\0+", "GTiff"),
)  # fmt: skip


@contextmanager
def open_source(source: Path) -> Iterator[DatasetReader]:
    """Open a TIFF or PNG whose samples can say damaged or not.

    Raises:
        MaskRefused: If it is neither, or its samples are of no such kind.
    """
    import rasterio

    driver = _driver(source)
    ungeoreferenced()
    try:
        mask = rasterio.open(source, driver=driver)
    except rasterio.errors.RasterioError as error:
        words = "the mask is damaged or of a kind that cannot be read; save it as an 8-bit PNG"
        raise MaskRefused(words, source) from error
    with mask:
        if np.dtype(mask.dtypes[0]).kind not in "buif":
            words = f"a mask of {mask.dtypes[0]} samples says nothing; save it as an 8-bit PNG"
            raise MaskRefused(words, source)
        rows, columns = mask.block_shapes[0]
        if rows * columns * np.dtype(mask.dtypes[0]).itemsize > BLOCK_BYTES:
            words = "the mask is one single huge strip; save it as a PNG or a tiled TIFF"
            raise MaskRefused(words, source)
        yield mask


def _driver(source: Path) -> str:
    with source.open("rb") as file:
        head = file.read(8)
    for magic, name in _DRIVERS:
        if head.startswith(magic):
            return name
    raise MaskRefused("the mask is neither a TIFF nor a PNG; save it as one of them", source)


def ungeoreferenced() -> None:
    """Paintings lie nowhere on earth, and rasterio need not warn of it, in the whole process.

    ``warnings.catch_warnings`` is not for several threads: what one restores, another had set.
    """
    from rasterio.errors import NotGeoreferencedWarning

    warnings.simplefilter("ignore", NotGeoreferencedWarning)


def bands_of(source: Path, mask: DatasetReader, band_height: int) -> Iterator[tuple[int, Bytes]]:
    """The mask as 0 and 255, in bands of full width from the top.

    Args:
        source: For messages.
        mask: Opened from it.
        band_height: Rows of each band but the last.

    Yields:
        The band's first row and its (rows, width) uint8.

    Raises:
        MaskRefused: If the samples do not decode.
    """
    bands = _colour_bands(mask)
    black = _black_entries(mask)
    row_bytes = mask.width * sum(np.dtype(mask.dtypes[band - 1]).itemsize for band in bands)
    rows = max(1, min(band_height, BAND_BYTES // row_bytes))
    for top in range(0, mask.height, band_height):
        bottom = min(top + band_height, mask.height)
        marked = np.empty((bottom - top, mask.width), np.uint8)
        for row in range(top, bottom, rows):
            samples = _read(source, mask, bands, row, min(rows, bottom - row))
            marked[row - top : row - top + samples.shape[1]] = _damaged(samples, black)
        yield top, marked


def _read(
    source: Path, mask: DatasetReader, bands: list[int], row: int, rows: int
) -> npt.NDArray[Any]:
    import rasterio
    from rasterio.windows import Window

    try:
        return np.asarray(mask.read(bands, window=Window(0, row, mask.width, rows)))
    except rasterio.errors.RasterioError as error:
        words = f"the mask does not decode near row {row}; save it again from its program"
        raise MaskRefused(words, source) from error


def _damaged(samples: npt.NDArray[Any], black: Bool | None) -> Bytes:
    if black is not None:
        return np.where(black[samples[0]], np.uint8(0), np.uint8(255))
    marked = np.asarray((samples != 0).any(axis=0), np.bool_)
    if samples.dtype.kind == "f":
        marked &= ~np.isnan(samples).any(axis=0)
    return np.asarray(marked.view(np.uint8) * np.uint8(255))


def _colour_bands(mask: DatasetReader) -> list[int]:
    from rasterio.enums import ColorInterp

    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    bands = [number for number, meaning in enumerate(mask.colorinterp, 1) if meaning in colours]
    return bands if len(bands) == 3 else [1]


def _black_entries(mask: DatasetReader) -> Bool | None:
    """Which palette entries are black; None where stored values speak for themselves."""
    from rasterio.enums import ColorInterp

    # Python writes a boolean array as "min is white", which GDAL shows as a palette from white to
    # black; who wrote True meant damage, so the stored value counts there.
    inverted = mask.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE")
    if mask.colorinterp[0] != ColorInterp.palette or inverted:
        return None
    if np.dtype(mask.dtypes[0]).kind != "u":
        return None
    black = np.ones(np.iinfo(mask.dtypes[0]).max + 1, np.bool_)
    for index, colour in mask.colormap(1).items():
        black[index] = not any(colour[:3])
    return black
