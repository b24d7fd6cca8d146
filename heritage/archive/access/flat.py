"""A master as 8-bit sRGB in a temporary file, from which every access copy is made.

One pass over the master, whatever its depth, colours and compression; after that any part of the
picture is read at the cost of its own pixels. Colours are those of the review room, to which staff
have said yes. Memory does not grow with the picture, and the file is gone in the end.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import rasterio

from heritage.archive.access.rasters import CACHE, Bytes, create, gdal, read_window, write_window
from heritage.archive.access.upright import Upright
from heritage.damage.masks import MaskReader, open_mask
from heritage.errors import MaskRefused
from heritage.geometry import Box
from heritage.restore.storage import require_space, storage
from heritage.review.pictures.display import Display
from heritage.review.pictures.frames import Frame
from heritage.review.pictures.marks import hatched
from heritage.review.pictures.memory import ByteCache
from heritage.review.pictures.overview import scan
from heritage.review.pictures.pages import PageReader
from heritage.review.pictures.source import Source
from heritage.tiff import MasterInfo
from heritage.tiff.picture import Picture

if TYPE_CHECKING:
    from rasterio import DatasetReader

PIXEL: Final = 5
"""Bytes that must be free on the disk for each pixel: the file itself, a third more for smaller
versions of it, and what is made from it."""
PER_INCH: Final = {"inch": 1.0, "centimetre": 2.54}


@dataclass(frozen=True, eq=False)
class Flat:
    """A picture in the temporary file.

    Attributes:
        path: The file.
        info: What it was made from.
        dataset: The file, open for reading.
    """

    path: Path
    info: MasterInfo
    dataset: DatasetReader

    @property
    def upright(self) -> Upright:
        """How the original's rows and columns lie in it."""
        return Upright(self.info.orientation, self.info.height, self.info.width)

    @property
    def height(self) -> int:
        """Rows."""
        return self.upright.height

    @property
    def width(self) -> int:
        """Columns."""
        return self.upright.width

    @property
    def per_inch(self) -> tuple[float, float] | None:
        """Pixels of the original per inch, across and down; None where it does not say."""
        if self.info.resolution is None or self.info.resolution[2] not in PER_INCH:
            return None
        first, second, unit = self.info.resolution
        across, down = (second, first) if self.upright.lying else (first, second)
        return across * PER_INCH[unit], down * PER_INCH[unit]

    def read(self, box: Box) -> Bytes:
        """A part of it, (h, w, 3) sRGB."""
        return read_window(self.dataset, box)


@contextmanager
def flattened(
    source: Path,
    page: int,
    scratch: Path,
    hatch: Path | None = None,
    tags: Mapping[str, str] | None = None,
) -> Iterator[Flat]:
    """The picture of a file in sRGB, upright, for as long as it is needed.

    Args:
        source: A master or what was restored from it; only read.
        page: Which page, from 0.
        scratch: Folder in which the temporary file may lie.
        hatch: A mask of the same size; what it marks is hatched by fine vertical lines.
        tags: What the file says of itself, by GDAL's names.

    Raises:
        MasterRefused: If the source cannot be read faithfully.
        MaskRefused: If the mask is not of its size.
        StorageFailed: If a file cannot be read, or the disk does not take it.
    """
    with storage(scratch), tempfile.TemporaryDirectory(prefix=".access-", dir=scratch) as folder:
        path = Path(folder) / "flat.tif"
        with gdal(scratch):
            info = _write(path, source, page)
            with rasterio.open(path, "r+") as dataset:
                flat = Flat(path, info, dataset)
                if hatch is not None:
                    with closing(fitting_mask(hatch, info)) as mask:
                        _hatch(flat, mask)
                dataset.update_tags(**(tags or {}), **_resolution(flat))
            with rasterio.open(path) as dataset:
                yield Flat(path, info, dataset)


def fitting_mask(mask: Path, info: MasterInfo) -> MaskReader:
    """A mask, open, to be closed by the caller.

    Raises:
        MaskRefused: If it is not of the size of the picture.
        StorageFailed: If it cannot be read.
    """
    reader = open_mask(mask)
    if (reader.height, reader.width) != (info.height, info.width):
        reader.close()
        words = f"the mask has {reader.width} x {reader.height} pixels"
        raise MaskRefused(f"{words}, the picture {info.width} x {info.height}", mask)
    return reader


def _write(path: Path, source: Path, page: int) -> MasterInfo:
    cache = ByteCache(CACHE)
    with Picture(source, page) as picture:
        boxes = list(scan(PageReader(picture, cache, 0)))
    nowhere = path.with_name("overview")
    with closing(Source(source, page, cache, 0, nowhere)) as looked_at:
        info, display = looked_at.info, Display(looked_at.form)
        require_space(path.parent, PIXEL * info.height * info.width)
        upright = Upright(info.orientation, info.height, info.width)
        with create(path, upright.height, upright.width) as flat:
            for box in boxes:
                colours = display.rgb(looked_at.native(box))
                write_window(flat, upright.box(box), upright.turned(colours))
    return info


def _hatch(flat: Flat, mask: MaskReader) -> None:
    """Lines follow from a pixel's place in the upright picture, so that pieces fit together."""
    for block in mask.blocks():
        place = flat.upright.box(block)
        filled = flat.upright.turned(mask.read(block)).astype(np.float32)
        frame = Frame.of(place, place.height, place.width)
        write_window(flat.dataset, place, hatched(flat.read(place), filled, frame))


def _resolution(flat: Flat) -> dict[str, str]:
    """The scale of the original, so that a length can be measured on the copy."""
    if flat.per_inch is None:
        return {}
    across, down = (f"{one:g}" for one in flat.per_inch)
    inches = {"TIFFTAG_RESOLUTIONUNIT": "2"}
    return inches | {"TIFFTAG_XRESOLUTION": across, "TIFFTAG_YRESOLUTION": down}
