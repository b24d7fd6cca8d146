"""Small files to start from: every layout that tifffile and Pillow write, and the team's own."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image, TiffImagePlugin

LARGEST = 200_000
"""Bytes of the team's pictures that are small enough to be tried thousands of times."""


def write_corpus(folder: Path, shared: Path | None = None) -> int:
    """Fill a folder; returns the number of files.

    Args:
        folder: Made where it is missing.
        shared: The team's collection of TIFF files, valid and malformed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels, more in layouts():
        tifffile.imwrite(folder / f"{name}.tif", pixels, metadata=None, **more)
    _with_family(folder / "pages.tif", bigtiff=False)
    _with_family(folder / "pages-big.tif", bigtiff=True)
    _with_exif(folder / "exif.tif")
    _with_holes(folder / "sparse.tif")
    _with_palette(folder / "palette.tif")
    for file in sorted(shared.rglob("*.[tT]*")) if shared is not None and shared.is_dir() else []:
        if file.stat().st_size < LARGEST:
            shutil.copyfile(file, folder / file.name)
    return len(list(folder.iterdir()))


def layouts() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Name, pixels and tifffile's arguments of files with one page."""
    grey, rgb = _pixels((30, 37)), _pixels((30, 37, 3))
    cuts: list[dict[str, Any]] = [{"rowsperstrip": 7}, {"tile": (16, 16)}]
    squeezers = [None, "deflate", "lzw", "zstd", "packbits", "lzma"]
    for compression, cut, order in itertools.product(squeezers, cuts, "<>"):
        more = cut | {"compression": compression, "byteorder": order, "photometric": "rgb"}
        more["predictor"] = compression in ("deflate", "lzw") or None
        name = f"{compression}-{next(iter(cut))}-{'le' if order == '<' else 'be'}"
        yield name, rgb, more
        yield f"{name}-planar", np.moveaxis(rgb, 2, 0), more | {"planarconfig": "separate"}
        yield f"{name}-big", rgb, more | {"bigtiff": True}
    for compression in ("jpeg", "png", "webp", "jpeg2000", "jpegxl", "lerc"):
        for cut in cuts:
            name = f"{compression}-{next(iter(cut))}"
            yield name, rgb, cut | {"compression": compression, "photometric": "rgb"}
    yield "jpeg-ycbcr", rgb, {"compression": "jpeg", "photometric": "ycbcr", "tile": (16, 16)}
    for dtype in ("bool", "int8", "uint16", "int16", "uint32", "float16", "float32", "float64"):
        for compression in (None, "deflate"):
            yield f"{dtype}-{compression}", grey.astype(dtype), {"compression": compression}
    yield "float-predicted", grey.astype(np.float32), {"compression": "deflate", "predictor": 3}
    for bits in (1, 2, 4, 6, 12):
        small = (grey.astype(np.uint16) % 2**bits).astype(np.uint16 if bits > 8 else np.uint8)
        yield f"{bits}-bits", small, {"bitspersample": bits, "rowsperstrip": 7}
    yield "white-is-zero", grey, {"photometric": "miniswhite", "compression": "lzw"}
    yield "cmyk", _pixels((20, 20, 4)), {"photometric": "separated", "compression": "deflate"}
    yield "lab", rgb, {"photometric": "cielab", "compression": "lzw"}
    yield "alpha", _pixels((20, 20, 4)), {"photometric": "rgb", "extrasamples": ["unassalpha"]}
    yield "icc", rgb, {"photometric": "rgb", "iccprofile": b"\1" * 200, "resolution": (300, 300)}


def _pixels(shape: tuple[int, ...]) -> Any:
    rng = np.random.default_rng(5)
    return np.clip(rng.integers(-4, 5, shape).cumsum(axis=1) + 90, 0, 255).astype(np.uint8)


def _with_family(path: Path, *, bigtiff: bool) -> None:
    """Pages, sub-images and private tags."""
    pixels = _pixels((40, 44, 3))
    extra = [(65000, 7, 40, bytes(range(40)), True), (315, 2, 0, "Somebody", True)]
    rgb: dict[str, Any] = {"photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(path, bigtiff=bigtiff) as writer:
        writer.write(
            pixels, compression="deflate", predictor=True, tile=(16, 16), subifds=2,
            extratags=extra, **rgb,
        )  # fmt: skip
        for step in (2, 4):
            writer.write(pixels[::step, ::step], subfiletype=1, compression="lzw", **rgb)
        writer.write(pixels[..., 0], photometric="minisblack", metadata=None)
        writer.write(pixels[:9, :9, 0], photometric="minisblack", subfiletype=1, metadata=None)


def _with_exif(path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[271], tags[33432] = "Maker", "Copyright"
    tags[34665] = {36867: "2026:11:23 10:00:00", 37500: b"a maker's own note"}
    tags[34853] = {1: "N", 2: (48.0, 8.0, 9.5)}
    Image.fromarray(_pixels((20, 30, 3))).save(path, tiffinfo=tags, dpi=(300, 300))


def _with_holes(path: Path) -> None:
    """Tiles that are left out."""
    tiles = iter([_pixels((16, 16)), None, None, _pixels((16, 16))])
    tifffile.imwrite(
        path, tiles, shape=(32, 32), dtype=np.uint8, tile=(16, 16), compression="deflate",
        photometric="minisblack", metadata=None,
    )  # fmt: skip


def _with_palette(path: Path) -> None:
    table = np.arange(3 * 256, dtype=np.uint16).reshape(3, 256)
    tifffile.imwrite(
        path, _pixels((20, 20)), photometric="palette", colormap=table, compression="packbits",
        metadata=None,
    )  # fmt: skip
