"""A web server that misbehaves on demand, a storage in memory, a master and its restoration."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
import tifffile

import heritage
from heritage.remote.address import Address, parse_address
from heritage.remote.testing import RangeServer, serving

_number = itertools.count()


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder with a master whose pixels are much larger than its structure, and its mask."""
    folder = tmp_path / "scans"
    folder.mkdir()
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 65_535, (512, 512, 3), np.uint16)
    tifffile.imwrite(folder / "mill.tif", picture, photometric="rgb", tile=(64, 64))
    mask = np.zeros((512, 512), np.uint8)
    mask[20:30, 20:120] = 255
    tifffile.imwrite(folder / "mill.mask.tif", mask)
    return folder


@pytest.fixture
def server(scans: Path) -> Iterator[RangeServer]:
    with serving(scans) as running:
        yield running


@pytest.fixture
def bucket() -> Iterator[Address]:
    """An empty folder in memory."""
    name = f"/bucket{next(_number)}"
    yield parse_address(f"memory:/{name}")
    files = fsspec.filesystem("memory")
    if files.exists(name):
        files.rm(name, recursive=True)


@pytest.fixture
def waits() -> list[float]:
    """Seconds that would have been waited."""
    return []


@pytest.fixture
def no_sleep(waits: list[float]) -> Callable[[float], None]:
    return waits.append


@pytest.fixture
def finished(scans: Path, tmp_path: Path) -> Path:
    """The folder of a finished restoration."""
    return heritage.restore(scans / "mill.tif", model="telea", output=tmp_path / "out").folder
