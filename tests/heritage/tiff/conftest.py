"""Masters of every kind, written by tifffile."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import strategies as st

from heritage.geometry import Box


@dataclass(frozen=True)
class Recipe:
    """How to write a master."""

    height: int
    width: int
    dtype: str
    samples: int
    colour: str
    extra: int
    tile: tuple[int, int] | None
    rows: int | None
    planar: bool
    byteorder: str
    bigtiff: bool
    compression: str | None
    predictor: bool
    bits: int | None
    seed: int

    @property
    def colour_samples(self) -> int:
        return self.samples - self.extra

    def pixels(self) -> Any:
        """Shape (height, width, samples); smooth with noise, full range."""
        rng = np.random.default_rng(self.seed)
        shape = self.height, self.width, self.samples
        if self.dtype == "bool":
            return rng.random(shape) < 0.3
        if self.dtype.startswith("float"):
            pixels = rng.normal(size=shape).astype(self.dtype)
            pixels[0, 0] = np.nan
            return pixels
        info = np.iinfo(self.dtype)
        top = info.max if self.bits is None else 2**self.bits - 1
        low = info.min if self.bits is None else 0
        steps = rng.integers(-3, 4, shape).cumsum(axis=1)
        return np.clip(steps + top // 3, low, top).astype(self.dtype)

    def write(self, path: Path, **more: Any) -> Any:
        """Write the master; returns its pixels."""
        pixels = self.pixels()
        data = pixels[..., 0] if self.samples == 1 else pixels
        if self.planar:
            data = np.moveaxis(pixels, -1, 0)
        with tifffile.TiffWriter(path, bigtiff=self.bigtiff, byteorder=self.byteorder) as writer:
            writer.write(
                data,
                photometric=self.colour,
                planarconfig=self._planarconfig(),
                extrasamples=["unassalpha", *["unspecified"] * (self.extra - 1)]
                if self.extra
                else None,
                tile=self.tile,
                rowsperstrip=self.rows,
                compression=self.compression,
                predictor=self.predictor or None,
                bitspersample=self.bits,
                metadata=None,
                **more,
            )
        return pixels

    def _planarconfig(self) -> str | None:
        if self.samples == 1:
            return None
        return "separate" if self.planar else "contig"


KINDS = [
    ("bool", None), ("uint8", None), ("uint8", 2), ("uint8", 4), ("uint16", None), ("uint16", 12),
    ("uint32", None), ("uint64", None), ("int8", None), ("int16", None), ("int32", None),
    ("float16", None), ("float32", None), ("float64", None),
]  # fmt: skip
COLOURS = [("minisblack", 1), ("miniswhite", 1), ("rgb", 3), ("separated", 4), ("cielab", 3)]
COMPRESSIONS = [None, "deflate", "lzw", "zstd", "packbits", "lzma"]


@st.composite
def recipes(draw: Callable[..., Any]) -> Recipe:
    """Any dtype, layout, byte order and lossless compression that tifffile writes."""
    dtype, bits = draw(st.sampled_from(KINDS))
    colour, samples = draw(st.sampled_from(COLOURS))
    if dtype == "bool" or bits is not None:
        colour, samples = draw(st.sampled_from(COLOURS[:2]))
    extra = draw(st.integers(0, 2)) if dtype != "bool" and bits is None else 0
    # tifffile packs bits only where it does not compress.
    compression = draw(st.sampled_from(COMPRESSIONS)) if bits is None else None
    predictable = (
        compression not in (None, "packbits") and bits is None and dtype not in ("bool", "uint64")
    )
    tile = draw(st.sampled_from([None, (16, 16), (32, 16), (16, 48)]))
    height, width = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    return Recipe(
        height=height,
        width=width,
        dtype=dtype,
        samples=samples + extra,
        colour=colour,
        extra=extra,
        tile=tile,
        rows=None if tile else draw(st.sampled_from([1, 7, 16, 100])),
        planar=samples + extra > 1 and draw(st.booleans()),
        byteorder=draw(st.sampled_from("<>")),
        bigtiff=draw(st.booleans()),
        compression=compression,
        predictor=predictable and draw(st.booleans()),
        bits=bits,
        seed=draw(st.integers(0, 99)),
    )


@dataclass
class Painting:
    """New values for the pixels of a mask; what an engine would hand to ``compose``."""

    mask: Any
    values: Any

    def touched(self, box: Box) -> bool:
        return bool(self.mask[box.slices].any())

    def paint(self, box: Box, pixels: Any) -> None:
        mask = self.mask[box.slices]
        pixels[..., : self.values.shape[2]][mask] = self.values[box.slices][mask]

    def applied(self, pixels: Any) -> Any:
        """The whole picture, painted."""
        after = pixels.copy()
        self.paint(Box(0, 0, *self.mask.shape), after)
        return after


def painting_of(pixels: Any, colours: int, top: int, share: float, seed: int) -> Painting:
    """Random values of the right type in a random share of the pixels, at least one."""
    rng = np.random.default_rng(seed)
    mask = rng.random(pixels.shape[:2]) < share
    mask[rng.integers(mask.shape[0]), rng.integers(mask.shape[1])] = True
    shape = *mask.shape, colours
    if pixels.dtype.kind == "f":
        return Painting(mask, rng.normal(size=shape).astype(pixels.dtype))
    values = rng.integers(0, top, shape, endpoint=True, dtype=np.int64).astype(pixels.dtype)
    return Painting(mask, values)


@pytest.fixture(scope="session")
def any_recipe() -> st.SearchStrategy[Recipe]:
    return recipes()


@pytest.fixture(scope="session")
def recipe() -> Callable[..., Recipe]:
    """A plain RGB master in uncompressed strips, but for what is asked for."""

    def make(**changes: Any) -> Recipe:
        plain: dict[str, Any] = {
            "height": 40, "width": 50, "dtype": "uint8", "samples": 3, "colour": "rgb",
            "extra": 0, "tile": None, "rows": 16, "planar": False, "byteorder": "<",
            "bigtiff": False, "compression": None, "predictor": False, "bits": None, "seed": 1,
        }  # fmt: skip
        return Recipe(**plain | changes)

    return make


@pytest.fixture(scope="session")
def painting() -> Callable[..., Painting]:
    return painting_of


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where to compose to."""
    return tmp_path / "out.tif"
