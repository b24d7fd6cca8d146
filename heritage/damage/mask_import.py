"""Bring any mask a person hands in into the one form the rest of the system reads.

The form: a tiled (512 x 512), DEFLATE-compressed, sparse GeoTIFF-less TIFF with one uint8 sample, 0 or
255. Tiles without damage take no room, so a mask costs what the damage costs. The same source gives
the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from heritage.errors import MaskRefused, StorageFailed

TILE = 512
"""Rows and columns of a tile of an imported mask, in pixels."""

CACHE_BYTES = 64 << 20
"""What GDAL may keep in memory while a mask is imported."""

BAND_BYTES = 32 << 20
"""Source samples read at once."""

# Of GDAL's many formats only these: others may be lossy, or name further files to be opened.
_DRIVERS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "GTiff"), (b"MM\0*", "GTiff"), (b"II+\0", "GTiff"), (b"MM\0+", "GTiff"),
)  # fmt: skip

Bool = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class MaskInfo:
    """An imported mask: where it lies, what it came from, how much it marks.

    Attributes:
        path: The imported mask.
        sha256: Of the imported file.
        source: The file a person handed in.
        source_sha256: Of that file.
        pixels: Damaged pixels.
        height: Rows.
        width: Columns.
    """

    path: Path
    sha256: str
    source: Path
    source_sha256: str
    pixels: int
    height: int
    width: int


def import_mask(source: Path, target: Path, height: int, width: int) -> MaskInfo:
    """Check the mask ``source`` against its master's size and keep it as ``target``.

    Damaged is what is not zero in the first band, as stored; of a picture in colours (RGB or
    palette), what is not black. Alpha, nodata marks and georeferencing say nothing; NaN is no damage.
    The target appears whole or not at all.

    Args:
        source: A TIFF or PNG of any integer, float or one-bit kind.
        target: Where to keep it; overwritten.
        height: Rows of the master.
        width: Columns of the master.

    Raises:
        MaskRefused: Missing, unreadable, of another size, empty, or covering everything.
        StorageFailed: The target cannot be written.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        source_sha256 = _sha256_of_source(source)
        pixels = _convert(source, partial, height, width)
        _refuse_nonsense(source, pixels, height, width)
        sha256 = _publish(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return MaskInfo(target, sha256, source, source_sha256, pixels, height, width)


def _sha256_of_source(source: Path) -> str:
    try:
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise MaskRefused("there is no such mask; check the name", source) from None
    except OSError as error:
        raise MaskRefused(f"the mask cannot be read ({error.strerror})", source) from error


def _convert(source: Path, partial: Path, height: int, width: int) -> int:
    """Stream ``source`` into ``partial``; the number of damaged pixels."""
    import rasterio

    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES), _opened(source) as mask:
        _refuse_size(source, mask.height, mask.width, height, width)
        profile = {
            "driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "uint8",
            "tiled": True, "blockxsize": TILE, "blockysize": TILE, "compress": "deflate",
            "zlevel": 6, "sparse_ok": True, "bigtiff": "IF_SAFER",
        }  # fmt: skip
        try:
            with _ungeoreferenced(), rasterio.open(partial, "w", **profile) as kept:
                return sum(_write(kept, top, band) for top, band in _bands(source, mask))
        except (rasterio.errors.RasterioError, OSError) as error:
            raise StorageFailed(f"the mask cannot be kept ({error})", partial.parent) from error


def _write(kept: Any, top: int, band: Bytes) -> int:
    from rasterio.windows import Window

    kept.write(band, 1, window=Window(0, top, band.shape[1], band.shape[0]))
    return int(np.count_nonzero(band))


@contextmanager
def _opened(source: Path) -> Iterator[Any]:
    import rasterio

    with source.open("rb") as file:
        driver = next((name for magic, name in _DRIVERS if file.peek(8).startswith(magic)), None)
    if driver is None:
        raise MaskRefused("the mask is neither a TIFF nor a PNG; save it as one of them", source)
    try:
        with _ungeoreferenced():
            mask = rasterio.open(source, driver=driver)
    except rasterio.errors.RasterioError as error:
        raise MaskRefused(f"the mask cannot be read as {driver} ({error})", source) from error
    with mask:
        if np.dtype(mask.dtypes[0]).kind not in "buif":
            raise MaskRefused(f"a mask of {mask.dtypes[0]} samples says nothing; use 8-bit", source)
        yield mask


@contextmanager
def _ungeoreferenced() -> Iterator[None]:
    """Masks of paintings lie nowhere on earth, and rasterio need not warn of it."""
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def _bands(source: Path, mask: Any) -> Iterator[tuple[int, Bytes]]:
    """The mask as 0/255 in bands of one tile's height, from the top."""
    import rasterio
    from rasterio.windows import Window

    bands = _colour_bands(mask)
    black = _black_entries(mask)
    row_bytes = mask.width * sum(np.dtype(mask.dtypes[band - 1]).itemsize for band in bands)
    rows = max(1, min(TILE, BAND_BYTES // row_bytes))
    for top in range(0, mask.height, TILE):
        bottom = min(top + TILE, mask.height)
        marked = np.empty((bottom - top, mask.width), np.uint8)
        for row in range(top, bottom, rows):
            part = Window(0, row, mask.width, min(rows, bottom - row))
            try:
                samples = mask.read(bands, window=part)
            except rasterio.errors.RasterioError as error:
                words = f"the mask cannot be read at row {row}; save it again from its program"
                raise MaskRefused(words, source) from error
            marked[row - top : row - top + samples.shape[1]] = _damaged(samples, black)
        yield top, marked


def _damaged(samples: npt.NDArray[Any], black: Bool | None) -> Bytes:
    if black is not None:
        return np.where(black[samples[0]], np.uint8(0), np.uint8(255))
    marked = (samples != 0).any(axis=0)
    if samples.dtype.kind == "f":
        marked &= ~np.isnan(samples).any(axis=0)
    return marked.view(np.uint8) * np.uint8(255)


def _colour_bands(mask: Any) -> list[int]:
    from rasterio.enums import ColorInterp

    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    bands = [number for number, meaning in enumerate(mask.colorinterp, 1) if meaning in colours]
    return bands if len(bands) == 3 else [1]


def _black_entries(mask: Any) -> Bool | None:
    """Which palette entries are black; None where stored values speak for themselves."""
    from rasterio.enums import ColorInterp

    # Python writes a boolean array as "min is white", which GDAL shows as a palette from white to
    # black; who wrote True meant damage, so the stored value counts there.
    if mask.colorinterp[0] != ColorInterp.palette or mask.tags(ns="IMAGE_STRUCTURE").get(
        "MINISWHITE"
    ):
        return None
    if np.dtype(mask.dtypes[0]).kind != "u":
        return None
    black = np.ones(np.iinfo(mask.dtypes[0]).max + 1, np.bool_)
    for index, colour in mask.colormap(1).items():
        black[index] = not any(colour[:3])
    return black


def _refuse_size(source: Path, h: int, w: int, height: int, width: int) -> None:
    if (h, w) == (height, width):
        return
    hint = "it seems turned by 90 degrees" if (h, w) == (width, height) else "make it the same size"
    raise MaskRefused(
        f"the mask is {w} x {h} pixels but the master is {width} x {height}; {hint}", source
    )


def _refuse_nonsense(source: Path, pixels: int, height: int, width: int) -> None:
    if pixels == 0:
        raise MaskRefused(
            f"the mask is empty: none of its {width} x {height} pixels is marked; paint the damage "
            "white on black",
            source,
        )
    if pixels == height * width:
        raise MaskRefused(
            f"the mask covers everything: all {width} x {height} pixels are marked, so nothing is "
            "left to restore from; paint only the damage white, the rest black",
            source,
        )


def _publish(partial: Path, target: Path) -> str:
    """Make the finished file durable and visible; its SHA-256."""
    try:
        with partial.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        partial.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StorageFailed(f"the mask cannot be kept ({error.strerror})", target) from error
    return sha256
