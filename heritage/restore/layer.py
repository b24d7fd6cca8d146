"""The layer: restored pixels as a sparse image with alpha, the reversible part of a restoration.

Where alpha is zero the master's pixel stands; where it is full, the layer's pixel replaces it,
exactly. The layer holds every sample of the master in its own data type and then alpha.
"""

from __future__ import annotations

import base64
import warnings
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.windows import Window as RasterWindow

from heritage.geometry import Box

Native = NDArray[Any]
BLOCK = 512  # pixels; also the block of masks
CACHE = 32 << 20  # bytes that GDAL may keep; it would take 5 % of the machine by itself
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
    """Context in which layers are read and written within a bounded cache, in bytes."""
    return rasterio.Env(GDAL_CACHEMAX=max(cache, CACHE) >> 20)


def raster_window(box: Box) -> RasterWindow:
    """A box as rasterio writes it."""
    return RasterWindow(box.x0, box.y0, box.width, box.height)


class LayerWriter:
    """Writes the layer of one master, block by block, in raster order.

    Args:
        path: The file to create.
        height: Rows of the master.
        width: Columns of the master.
        samples: The master's samples per pixel.
        dtype: The master's data type.
        icc: The master's ICC profile.
    """

    def __init__(
        self, path: Path, height: int, width: int, samples: int, dtype: str, icc: bytes | None
    ) -> None:
        self._dtype = layer_dtype(dtype)
        self._opaque = opaque(dtype)
        options: dict[str, Any] = {
            "tiled": True,
            "blockxsize": BLOCK,
            "blockysize": BLOCK,
            "interleave": "pixel",
            "compress": "deflate",
            "zlevel": 6,
            "SPARSE_OK": True,
            "BIGTIFF": "IF_SAFER",
            "photometric": "minisblack",
            "ALPHA": "NO",
        }
        if icc is not None:
            options["SOURCE_ICC_PROFILE"] = base64.b64encode(icc).decode()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            self._file = rasterio.open(
                path,
                "w",
                driver="GTiff",
                height=height,
                width=width,
                count=samples + 1,
                dtype=self._dtype,
                **options,
            )
        undefined = [ColorInterp.undefined] * (samples - 1)
        self._file.colorinterp = [ColorInterp.gray, *undefined, ColorInterp.alpha]

    def write(self, box: Box, native: Native, replaced: NDArray[np.bool_]) -> None:
        """Write one block.

        Args:
            box: A whole block, or what of it lies inside the raster.
            native: (h, w, samples) restored pixels; what is not replaced is ignored.
            replaced: (h, w).
        """
        block = np.zeros((native.shape[2] + 1, *replaced.shape), self._dtype)
        block[:-1] = np.where(replaced, np.moveaxis(native, 2, 0), 0)
        block[-1] = replaced * np.array(self._opaque, self._dtype)
        self._file.write(block, window=raster_window(box))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def __enter__(self) -> LayerWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class LayerReader:
    """Reads rectangles of a layer; several threads may share one.

    Args:
        path: The layer.
        dtype: The master's data type, in which pixels are given back.
    """

    def __init__(self, path: Path, dtype: str) -> None:
        self._guard = Lock()
        self._dtype = dtype
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
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

    def __enter__(self) -> LayerReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
