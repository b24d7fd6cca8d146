"""A picture as static tiles: a IIIF image service that any web server can be, without a program.

IIIF Image API 3.0, compliance level 0: https://iiif.io/api/image/3.0/compliance/
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import rasterio

from heritage.archive.access.copies import encoded
from heritage.archive.access.flat import Flat, flattened
from heritage.archive.access.rasters import BLOCK, create, read_window, resized, write_window
from heritage.archive.access.upright import Upright
from heritage.geometry import Box
from heritage.restore.storage import storage
from heritage.review.iiif.description import image_info
from heritage.review.iiif.encoding import QUALITY
from heritage.review.iiif.request import LIMIT, largest
from heritage.review.pictures.areas import reduced

if TYPE_CHECKING:
    from rasterio import DatasetReader

BY_PROGRAM: Final = ("extraFormats", "extraQualities", "extraFeatures")
"""Members of the review room's description that files alone cannot keep."""


@dataclass(frozen=True)
class ImageInfo:
    """An image service that lies in a folder.

    Attributes:
        uri: Of the service, without slash at its end.
        upright: How the original's rows and columns lie in it.
        sizes: Width and height of the whole picture as it is there, smallest first; the last is
            what ``max`` delivers.
    """

    uri: str
    upright: Upright
    sizes: tuple[tuple[int, int], ...]

    @property
    def width(self) -> int:
        """Columns of the picture."""
        return self.upright.width

    @property
    def height(self) -> int:
        """Rows of the picture."""
        return self.upright.height

    def whole(self, size: tuple[int, int]) -> str:
        """URI of the whole picture in one of the sizes."""
        asked = "max" if size == self.sizes[-1] else f"{size[0]},{size[1]}"
        return f"{self.uri}/full/{asked}/0/default.jpg"


def write_tiles(
    source: Path, folder: Path, page: int, uri: str, tile: int = BLOCK, rights: str | None = None
) -> ImageInfo:
    """Write every picture that a client of ``info.json`` asks for, and ``info.json`` itself.

    Paths are as OpenSeadragon and others make them from it: of a tile always ``w,h``, of the whole
    picture ``w,h`` of the sizes listed, and ``max``. Each smaller version is the mean of the one
    before, and memory does not grow with the picture.

    Args:
        source: A master or what was restored from it; only read.
        folder: Is made if missing.
        page: Which page, from 0.
        uri: Where the folder will be found on the web, without slash at its end.
        tile: Side of the tiles, in pixels.
        rights: URI of a licence or rights statement.

    Raises:
        MasterRefused: If the source cannot be read faithfully.
        StorageFailed: If a file cannot be read, or the disk does not take it.
    """
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with flattened(source, page, folder) as flat:
            info = describe(uri, flat.width, flat.height, tile, rights)
            sizes = [(size["width"], size["height"]) for size in info.get("sizes", [])]
            for factor, level in _levels(flat, info["tiles"][0]["scaleFactors"]):
                for box in _grid(level.height, level.width, tile):
                    path = tile_path(box, factor, flat.width, flat.height)
                    _put(folder / path, encoded(read_window(level, box), QUALITY))
                whole = folder / f"full/{level.width},{level.height}/0/default.jpg"
                if (level.width, level.height) in sizes and not whole.exists():
                    box = Box(0, 0, level.height, level.width)
                    _put(whole, encoded(read_window(level, box), QUALITY))
            most = largest(flat.width, flat.height)
            whole = folder / "full/max/0/default.jpg"
            if not whole.exists():
                _put(whole, encoded(resized(flat.dataset, most[1], most[0]), QUALITY))
        _put(folder / "info.json", json.dumps(info, indent=1).encode())
    return ImageInfo(uri, flat.upright, (*sizes, most))


def describe(
    uri: str, width: int, height: int, tile: int = BLOCK, rights: str | None = None
) -> dict[str, Any]:
    """What ``info.json`` says: only what lies in the folder.

    Args:
        uri: Of the service.
        width: Columns of the picture.
        height: Rows of the picture.
        tile: Side of the tiles, in pixels.
        rights: URI of a licence or rights statement.
    """
    said = image_info(uri, width, height)
    for member in BY_PROGRAM:
        said.pop(member, None)
    factors = [1]
    while max(width, height) > factors[-1] * tile:
        factors.append(2 * factors[-1])
    smaller = [(-(-width // factor), -(-height // factor)) for factor in reversed(factors[1:])]
    sizes = [{"width": w, "height": h} for w, h in smaller if max(w, h) <= LIMIT]
    said |= {"profile": "level0", "sizes": sizes}
    said["tiles"] = [{"width": tile, "height": tile, "scaleFactors": factors}]
    if not sizes:
        del said["sizes"]
    return said if rights is None else said | {"rights": rights}


def tile_path(box: Box, factor: int, width: int, height: int) -> str:
    """Where a tile lies below its service.

    Args:
        box: In pixels of the smaller version.
        factor: How many pixels of the picture go into one of its, along each side.
        width: Columns of the picture.
        height: Rows of the picture.
    """
    left, top = box.x0 * factor, box.y0 * factor
    wide, high = min(box.width * factor, width - left), min(box.height * factor, height - top)
    region = "full" if (wide, high) == (width, height) else f"{left},{top},{wide},{high}"
    size = "max" if (box.width, box.height) == (width, height) else f"{box.width},{box.height}"
    return f"{region}/{size}/0/default.jpg"


def _levels(flat: Flat, factors: list[int]) -> Iterator[tuple[int, DatasetReader]]:
    """The picture and its smaller versions, largest first, each open until the next is asked for.

    The files go with the folder of the first.
    """
    yield 1, flat.dataset
    finer = flat.path
    for factor in factors[1:]:
        coarser = flat.path.with_name(f"level-{factor}.tif")
        _halve(finer, coarser)
        with rasterio.open(coarser) as level:
            yield factor, level
        finer = coarser


def _halve(finer: Path, coarser: Path) -> None:
    with rasterio.open(finer) as big:
        height, width = -(-big.height // 2), -(-big.width // 2)
        with create(coarser, height, width) as small:
            for box in _grid(height, width, BLOCK):
                covered = Box(2 * box.y0, 2 * box.x0, 2 * box.y1, 2 * box.x1)
                pixels = read_window(big, covered.clipped(big.height, big.width))
                write_window(small, box, reduced(pixels, 2))


def _grid(height: int, width: int, side: int) -> Iterator[Box]:
    for y in range(0, height, side):
        for x in range(0, width, side):
            yield Box(y, x, min(y + side, height), min(x + side, width))


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
