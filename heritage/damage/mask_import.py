"""Bring any mask a person hands in into the one form the rest of the system reads.

The form: a TIFF in tiles of 512 x 512, DEFLATE-compressed, one uint8 sample, 0 or 255. Tiles
without damage are left out, so a mask costs what the damage costs. The same source gives the same
bytes.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from heritage.damage.mask_source import bands_of, open_source
from heritage.damage.mask_writing import CACHE_BYTES, TILE, write_mask
from heritage.errors import MaskRefused, StorageFailed


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
    palette), what is not black. Alpha, nodata marks and georeferencing say nothing; NaN is no
    damage. The target appears whole or not at all.

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

    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES), open_source(source) as mask:
        _refuse_size(source, mask.height, mask.width, height, width)
        bands = ((top, 0, band) for top, band in bands_of(source, mask, TILE))
        return write_mask(partial, height, width, bands)


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
