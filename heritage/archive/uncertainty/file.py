"""The file of an uncertainty map: a tiled TIFF that says in itself what its values mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

import heritage
from heritage.damage.masks import TILE
from heritage.errors import VerificationFailed
from heritage.geometry import Box
from heritage.restore.storage import partial_of, storage, sync, sync_folder

MOST: Final = 0.5
"""The largest standard deviation that values within 0..1 can have."""

LARGEST: Final = 65535
"""How ``MOST`` is written; a filled pixel is never 0, not even where all answers agree."""

_CLASSIC = 3 << 30  # bytes before compression up to which offsets of 32 bits are surely enough
_LEVEL = 6


def encoded(tile: NDArray[np.uint16]) -> bytes:
    """A tile as it stands in the file.

    Args:
        tile: (TILE, TILE), little-endian.
    """
    # its annotations know only bytes
    return bytes(imagecodecs.deflate_encode(tile, level=_LEVEL))  # type: ignore[arg-type]


def write_map(
    target: Path, height: int, width: int, tiles: Iterable[tuple[Box, bytes]], method: str
) -> None:
    """Write the map under its name in one step.

    Empty tiles are there, at some 500 bytes each: not every program takes a file without them.

    Args:
        target: The file; there is the whole of it or none.
        height: In pixels.
        width: In pixels.
        tiles: Those with filled pixels, ``encoded``, in raster order, each with where it lies.
        method: Name of the inpainter.
    """
    across = -(-width // TILE)
    count = across * -(-height // TILE)
    empty = encoded(np.zeros((TILE, TILE), "<u2"))

    def every_tile() -> Iterator[bytes]:
        done = 0
        for block, data in tiles:
            number = block.y0 // TILE * across + block.x0 // TILE
            yield from (empty for _ in range(number - done))
            yield data
            done = number + 1
        yield from (empty for _ in range(count - done))

    with partial_of(target) as partial:
        large = count * TILE * TILE * 2 > _CLASSIC
        with tifffile.TiffWriter(partial, bigtiff=large, byteorder="<") as file:
            file.write(
                every_tile(),
                shape=(height, width),
                dtype="<u2",
                tile=(TILE, TILE),
                photometric="minisblack",
                compression="adobe_deflate",
                description=_description(method),
                metadata=None,
                software=f"heritage {heritage.__version__}",
            )
        sync(partial)
        partial.replace(target)
    sync_folder(target.parent)


def summary(path: Path) -> dict[str, Any]:
    """What an uncertainty map says over all filled pixels, as JSON values.

    Args:
        path: A file of ``write_map``.

    Returns:
        ``pixels``, and of their standard deviations (full scale is 1) the ``mean``, the ``p95``
        that 95 % do not exceed, and the ``largest``; 0 where no pixel is filled.

    Raises:
        VerificationFailed: If it is no such file.
        StorageFailed: If it cannot be read.
    """
    with storage(path):
        counts = _histogram(path)
    counts[0] = 0
    pixels = int(counts.sum())
    below = np.cumsum(counts)
    sum_of = int((counts * np.arange(len(counts))).sum())
    found = {
        "mean": sum_of / max(pixels, 1),
        "p95": int(np.searchsorted(below, 0.95 * pixels)),
        "largest": int(np.flatnonzero(counts).max(initial=0)),
    }
    return {"pixels": pixels} | {
        name: round(MOST * value / LARGEST, 6) for name, value in found.items()
    }


def _description(method: str) -> str:
    said = (
        f"Uncertainty of the digital completion by {method}. 0: a pixel of the original scan. "
        f"v from 1 to {LARGEST}: standard deviation v / {LARGEST} * {MOST} of full scale among "
        "the fills over eight flips and quarter turns (root mean square over red, green, blue). "
        "It tells how far the answers scatter, not how far they are from what was lost."
    )
    return said.encode("ascii", "replace").decode()


def _histogram(path: Path) -> NDArray[np.int64]:
    """How often each value stands in the file, edges of its tiles included."""
    counts = np.zeros(LARGEST + 1, np.int64)
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            if page.dtype != np.uint16 or page.samplesperpixel != 1 or not page.is_tiled:
                raise VerificationFailed("is no uncertainty map", path)
            for index, (at, size) in enumerate(
                zip(page.dataoffsets, page.databytecounts, strict=True)
            ):
                file.filehandle.seek(at)
                tile, _, _ = page.decode(file.filehandle.read(size), index)
                if tile is not None:
                    counts += np.bincount(np.ravel(tile), minlength=len(counts))
    except (tifffile.TiffFileError, ValueError, RuntimeError) as error:
        raise VerificationFailed(f"is no uncertainty map: {error}", path) from error
    return counts
