"""The layer: restored pixels as a sparse image with alpha, the reversible part of a restoration.

Where alpha is zero the master's pixel stands; where it is full, the layer's pixel replaces it,
exactly. The layer holds every sample of the master in its own data type and then alpha. It is a
TIFF in tiles of 512 x 512, DEFLATE-compressed; tiles without damage are left out.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, local
from typing import Any

import imagecodecs
import numpy as np
import rasterio
import tifffile
from numpy.typing import NDArray
from rasterio.windows import Window as RasterWindow

from heritage.closing import Closing
from heritage.damage.mask_source import ungeoreferenced
from heritage.geometry import Box

Native = NDArray[Any]
BLOCK = 512  # pixels; also the block of masks
CACHE = 32 << 20  # bytes that GDAL may keep; it would take 5 % of the machine by itself
# Measured on tiles with cracks: half the time of zlib's level 6, and smaller; libdeflate gives the
# same bytes on every processor.
_LEVEL = 3
_CLASSIC = 3 << 30  # bytes before compression up to which offsets of 32 bits are surely enough
# rasterio has no such samples: the next larger kind holds them exactly.
_STORED_AS = {"bool": "uint8", "float16": "float32"}


def layer_dtype(dtype: str) -> str:
    """The data type in which a layer keeps samples of a master's data type."""
    return _STORED_AS.get(dtype, dtype)


def opaque(dtype: str) -> int:
    """The alpha value that means "replaced"."""
    kind = np.dtype(layer_dtype(dtype))
    return int(np.iinfo(kind).max) if kind.kind in "iu" and kind.itemsize <= 2 else 1


def gdal_environment(cache: int = CACHE) -> rasterio.Env:
    """Context in which layers are read within a bounded cache, in bytes."""
    return rasterio.Env(GDAL_CACHEMAX=max(cache, CACHE) >> 20)


def raster_window(box: Box) -> RasterWindow:
    """A box as rasterio writes it."""
    return RasterWindow(box.x0, box.y0, box.width, box.height)


@dataclass(frozen=True)
class LayerFormat:
    """What a layer has in common with its master.

    Args:
        height: Rows of the master.
        width: Columns of the master.
        samples: The master's samples per pixel.
        dtype: The master's data type.
        icc: The master's ICC profile.
    """

    height: int
    width: int
    samples: int
    dtype: str
    icc: bytes | None = None


class BlockEncoder:
    """Makes the tiles of a layer; several threads may share one.

    Args:
        layer: The layer's format.
    """

    def __init__(self, layer: LayerFormat) -> None:
        self._shape = (BLOCK, BLOCK, layer.samples + 1)
        self._dtype = layer_dtype(layer.dtype)
        self._opaque = opaque(layer.dtype)
        self._mine = local()

    def encode(self, restored: Native, damaged: NDArray[np.bool_]) -> bytes:
        """The compressed tile of one block.

        Args:
            restored: (n, samples), of the damaged pixels in raster order.
            damaged: (h, w); less than a whole block at the raster's lower and right edge.
        """
        # One tile a thread, cleaned after use: fresh memory costs more than the little in it.
        tile = getattr(self._mine, "tile", None)
        if tile is None:
            tile = self._mine.tile = np.zeros(self._shape, self._dtype)
        there = tile[: damaged.shape[0], : damaged.shape[1]]
        pixels = np.empty((len(restored), self._shape[2]), self._dtype)
        pixels[:, :-1], pixels[:, -1] = restored, self._opaque
        there[damaged] = pixels
        # its annotations know only bytes
        encoded = bytes(imagecodecs.deflate_encode(tile, level=_LEVEL))  # type: ignore[arg-type]
        there[damaged] = 0
        return encoded


def write_layer(path: Path, layer: LayerFormat, tiles: Iterable[tuple[Box, bytes]]) -> None:
    """Write a layer, and read it back to see that the disk has it.

    Args:
        path: The file to create.
        layer: Its format.
        tiles: Blocks with their encoded tiles, in raster order.

    Raises:
        OSError: If the disk does not hold what was written.
    """
    checksums: dict[int, int] = {}
    across = -(-layer.width // BLOCK)
    count = across * -(-layer.height // BLOCK)

    def every_tile() -> Iterator[bytes]:
        done = 0
        for block, data in tiles:
            number = block.y0 // BLOCK * across + block.x0 // BLOCK
            checksums[number] = zlib.crc32(data)
            yield from (b"" for _ in range(number - done))
            yield data
            done = number + 1
        yield from (b"" for _ in range(count - done))

    dtype = np.dtype(layer_dtype(layer.dtype))
    raw = count * BLOCK * BLOCK * (layer.samples + 1) * dtype.itemsize
    with tifffile.TiffWriter(path, bigtiff=raw > _CLASSIC) as file:
        file.write(
            every_tile(),
            shape=(layer.height, layer.width, layer.samples + 1),
            dtype=dtype,
            tile=(BLOCK, BLOCK),
            photometric="minisblack",
            planarconfig="contig",
            extrasamples=["unspecified"] * (layer.samples - 1) + ["unassalpha"],
            compression="adobe_deflate",
            iccprofile=layer.icc,
            metadata=None,
            software=False,
        )
    _read_back(path, checksums)


def _read_back(path: Path, checksums: dict[int, int]) -> None:
    """Have it written through, then see that every tile is where the file says it is."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        places = zip(page.dataoffsets, page.databytecounts, strict=True)
        descriptor = file.filehandle.fileno()
        os.fsync(descriptor)
        found = {
            number: zlib.crc32(os.pread(descriptor, size, at))
            for number, (at, size) in enumerate(places)
            if size
        }
    if found != checksums:
        raise OSError("the disk did not keep what was written; is it full?")


class LayerReader(Closing):
    """Reads rectangles of a layer; several threads may share one.

    Args:
        path: The layer.
        dtype: The master's data type, in which pixels are given back.
    """

    def __init__(self, path: Path, dtype: str) -> None:
        self._guard = Lock()
        self._dtype = dtype
        ungeoreferenced()
        self._file = rasterio.open(path)
        self.height: int = self._file.height
        self.width: int = self._file.width
        self.samples: int = self._file.count - 1
        self.stored_dtype: str = self._file.dtypes[0]

    def read(self, box: Box) -> tuple[Native, NDArray[Any]]:
        """Pixels (h, w, samples) in the master's data type, and alpha (h, w) as stored."""
        with self._guard:
            block = self._file.read(window=raster_window(box))
        return np.moveaxis(block[:-1], 0, 2).astype(self._dtype), block[-1]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
