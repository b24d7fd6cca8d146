"""Any rectangle, as tifffile would have read it whole."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.errors import MasterRefused
from heritage.geometry import Box
from heritage.tiff import open_master


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_box_holds_the_pixels_of_the_whole(any_recipe: Any, data: Any) -> None:
    recipe = data.draw(any_recipe)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.tif")
        recipe.write(path)
        whole = tifffile.imread(path)
        if recipe.planar:
            whole = np.moveaxis(whole, 0, -1)
        whole = whole.reshape(recipe.height, recipe.width, recipe.samples)
        with open_master(path, cache_bytes=data.draw(st.sampled_from([0, 5000, 1 << 20]))) as one:
            for _ in range(4):
                y0 = data.draw(st.integers(0, recipe.height - 1))
                x0 = data.draw(st.integers(0, recipe.width - 1))
                box = Box(
                    y0,
                    x0,
                    data.draw(st.integers(y0 + 1, recipe.height)),
                    data.draw(st.integers(x0 + 1, recipe.width)),
                )
                pixels = one.read(box)
                assert pixels.dtype == whole.dtype.newbyteorder("=")
                assert pixels.tobytes() == whole[box.slices].astype(pixels.dtype).tobytes()
            info = one.info
            assert (info.dtype, info.planar, info.samples, info.colour_samples) == (
                recipe.dtype, recipe.planar, recipe.samples, recipe.colour_samples,
            )  # fmt: skip


def test_real_masters_are_read_as_tifffile_reads_them(shared: Path) -> None:
    for path in sorted((shared / "data/tiff/valid").glob("*.[tT]*")):
        try:
            with open_master(path) as master:
                info = master.info
                pixels = master.read(Box(0, 0, info.height, info.width))
        except MasterRefused:
            continue
        with tifffile.TiffFile(path) as file:
            whole = file.pages[info.page].asarray()
        if info.planar:
            whole = np.moveaxis(whole, 0, -1)
        assert pixels.tobytes() == whole.astype(pixels.dtype).tobytes(), path.name


def test_threads_may_share_a_master(recipe: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.tif"
    plain = recipe(height=300, width=300, tile=(64, 64), compression="deflate")
    whole = plain.write(path)
    boxes = [Box(y, x, y + 90, x + 90) for y in range(0, 210, 30) for x in range(0, 210, 30)]
    with open_master(path, cache_bytes=100_000) as master, ThreadPoolExecutor(8) as pool:
        for box, pixels in zip(boxes, pool.map(master.read, boxes), strict=True):
            assert np.array_equal(pixels, whole[box.slices])


def test_a_damaged_tile_names_itself_to_every_thread(recipe: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.tif"
    recipe(height=64, width=64, tile=(32, 32), compression="deflate").write(path)
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].dataoffsets[3]
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 8)

    def reason(_: int) -> str:
        with pytest.raises(MasterRefused) as caught:
            master.read(Box(40, 40, 50, 50))
        return str(caught.value)

    with open_master(path) as master, ThreadPoolExecutor(4) as pool:
        assert all("tile 4 of 4" in one for one in pool.map(reason, range(8)))
        assert master.read(Box(0, 0, 32, 64)).shape == (32, 64, 3)


def test_a_box_outside_is_a_mistake_of_the_caller(recipe: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.tif"
    recipe().write(path)
    with open_master(path) as master, pytest.raises(ValueError, match="leaves the page"):
        master.read(Box(0, 0, 41, 10))


def test_the_largest_page_at_full_resolution_is_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "m.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.zeros((90, 90), np.uint8), subfiletype=1, metadata=None)
        writer.write(np.zeros((20, 20), np.uint8), metadata=None)
        writer.write(np.zeros((50, 50), np.uint8), metadata=None)
    with open_master(path) as master:
        assert (master.info.page, master.info.pages, master.info.width) == (2, 3, 50)
    with open_master(path, page=0) as master:
        assert master.info.width == 90
