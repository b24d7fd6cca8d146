"""Masters are read window by window, in the colours that a restoration shows to networks."""

import builtins
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import imagecodecs
import numpy as np
import pytest
import tifffile

from heritage.geometry import Box
from heritage.restore.colour import WorkingSpace
from heritage.tiff import open_master
from heritage.tiff.picture import Picture
from heritage.train.masters import MasterFile, Shelf
from heritage.train.pictures import load_pictures
from heritage.train.sources import open_sources
from heritage.train.workers import Windows

MIX = {"thick": 1.0}


@pytest.fixture
def decoded(monkeypatch):
    """Bytes of every tile, strip or band that is decoded."""
    sizes = []
    joined = Picture.joined

    def counted(self, cell):
        pixels = joined(self, cell)
        sizes.append(pixels.nbytes)
        return pixels

    monkeypatch.setattr(Picture, "joined", counted)
    return sizes


def noise(height, width, samples=3, dtype=np.uint16, seed=1):
    top = np.iinfo(dtype).max
    shape = (height, width, samples) if samples > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, top, shape, dtype=dtype, endpoint=True)


def write(path, pixels, photometric="rgb", **how):
    tifffile.imwrite(path, pixels, photometric=photometric, metadata=None, **how)


@pytest.mark.parametrize(
    "how",
    [
        {"tile": (256, 256), "compression": "deflate"},
        {"tile": (256, 256)},
        {"rowsperstrip": 64, "compression": "lzw"},
        {"rowsperstrip": 4096},
    ],
    ids=["tiles", "plain-tiles", "strips", "one-plain-strip"],
)
def test_only_what_a_window_touches_is_decoded(tmp_path, decoded, how):
    column = np.arange(3072, dtype=np.uint16)[None, :, None]
    write(tmp_path / "big.tif", np.broadcast_to(column * 20, (4096, 3072, 3)), **how)
    whole = 4096 * 3072 * 6
    sources = open_sources(tmp_path, 64, 1 << 20)
    assert not decoded
    windows = Windows(sources, [], 64, 1, MIX, 1.0, 1)
    for number in range(4):
        before = sum(decoded)
        windows.step(number)
        assert 0 < sum(decoded) - before < whole / 20
    assert max(decoded) < whole / 40


def test_memory_stays_small_over_a_large_master(tmp_path):
    # 300 MB decoded, written tile by tile so that the test itself stays small.
    tile = noise(256, 256)
    with tifffile.TiffWriter(tmp_path / "big.tif") as writer:
        writer.write(
            (tile for _ in range(28 * 28)), shape=(7168, 7168, 3), dtype=np.uint16,
            tile=(256, 256), photometric="rgb",
        )  # fmt: skip
    room = 8 << 20
    tracemalloc.start()
    try:
        windows = Windows(open_sources(tmp_path, 128, room), [], 128, 2, MIX, 0.5, 1)
        for number in range(5):
            windows.step(number)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 << 20


CASES = {
    "rgb-8": (noise(40, 50, dtype=np.uint8), {}),
    "rgb-16-tiled": (noise(40, 50), {"tile": (16, 16), "compression": "deflate"}),
    "planar": (np.moveaxis(noise(40, 50), 2, 0), {"planarconfig": "separate"}),
    "grey-16": (noise(40, 50, 1), {"photometric": "minisblack"}),
    "white-is-zero": (noise(40, 50, 1, np.uint8), {"photometric": "miniswhite"}),
    "cmyk": (noise(40, 50, 4, np.uint8), {"photometric": "separated"}),
    "lab": (noise(40, 50, 3, np.uint8), {"photometric": "cielab"}),
    "float": (noise(40, 50).astype(np.float32) / 1000, {}),
    "lzw-predictor": (noise(40, 50), {"compression": "lzw", "predictor": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_colours_are_those_that_a_restoration_shows_to_networks(tmp_path, case):
    pixels, how = CASES[case]
    path = tmp_path / "m.tif"
    write(path, pixels, **how)
    box = Box(5, 10, 37, 42)
    source = MasterFile(path, Shelf(0))
    window = source.read(box)
    with open_master(path) as master:
        low_high = None
        if case == "float":
            low_high = float(pixels.min()), float(pixels.max())
        space = WorkingSpace.of(master.info, low_high)
        assert np.array_equal(window, space.to_rgb(master.read(box)))
    assert window.dtype == np.float32
    assert 0 <= window.min() <= window.max() <= 1


def test_sixteen_bits_are_not_rounded_to_eight(tmp_path):
    levels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64, 1) + np.zeros(3, np.uint16)
    write(tmp_path / "m.tif", levels)
    windows = Windows(open_sources(tmp_path, 64, 0), [], 64, 1, MIX, 1.0, 3)
    seen = max(len(np.unique(windows.step(number)[0].numpy())) for number in range(4))
    assert seen >= 64 * 64


def test_an_icc_profile_changes_nothing_as_it_does_when_restoring(tmp_path):
    pixels = noise(32, 32)
    profile = imagecodecs.cms_profile("adobergb")
    write(tmp_path / "m.tif", pixels, iccprofile=bytes(profile))
    read = MasterFile(tmp_path / "m.tif", Shelf(0)).read(Box(0, 0, 32, 32))
    assert np.allclose(read, pixels / 65535, atol=1e-7)


def test_a_small_master_is_enlarged_to_the_window(tmp_path):
    write(tmp_path / "m.tif", noise(40, 50))
    source = MasterFile(tmp_path / "m.tif", Shelf(0), smallest=80)
    assert (source.height, source.width) == (80, 100)
    window = source.read(Box(0, 20, 80, 100))
    assert window.shape == (80, 80, 3)
    assert 0 <= window.min() <= window.max() <= 1


def test_more_masters_than_may_be_open_are_read_all_the_same(tmp_path):
    shelf = Shelf(1 << 20, places=2)
    files = []
    for number in range(6):
        path = tmp_path / f"{number}.tif"
        write(path, np.full((16, 16, 3), number, np.uint8))
        files.append(MasterFile(path, shelf))
    for _ in range(2):
        greys = [int(file.read(Box(0, 0, 4, 4))[0, 0, 0] * 255 + 0.5) for file in files]
        assert greys == list(range(6))
    assert len(shelf._open) <= 2


def test_a_master_in_use_is_not_closed_to_make_room(tmp_path):
    shelf = Shelf(0, places=1)
    for name in "ab":
        write(tmp_path / f"{name}.tif", noise(16, 16))
    with shelf.borrow(tmp_path / "a.tif") as first:
        with shelf.borrow(tmp_path / "b.tif") as second:
            second.read(Box(0, 0, 4, 4))
        first.read(Box(0, 0, 4, 4))


def test_a_damaged_tile_costs_only_the_windows_on_it(tmp_path, caplog):
    path = tmp_path / "m.tif"
    write(path, noise(256, 256), tile=(64, 64), compression="deflate")
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].dataoffsets[5]
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 64)
    windows = Windows(open_sources(tmp_path, 64, 0), [], 64, 8, MIX, 1.0, 1)
    image, _, _ = windows.step(0)
    assert image.shape == (8, 3, 64, 64)
    assert caplog.text.count("another window is taken instead") == 1
    assert "m.tif: tile 6 of 16 cannot be decoded" in caplog.text


def test_without_the_codecs_a_master_is_left_out_and_says_what_to_install(
    tmp_path, monkeypatch, caplog
):
    write(tmp_path / "m.tif", noise(16, 16))
    imported = builtins.__import__

    def without(name, *rest):
        if name == "heritage.tiff":
            raise ModuleNotFoundError("No module named 'imagecodecs'", name="imagecodecs")
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    imagecodecs.imwrite(str(tmp_path / "n.png"), noise(16, 16, dtype=np.uint8))
    assert len(load_pictures(tmp_path)) == 1
    assert "m.tif: TIFF masters need the package imagecodecs" in caplog.text


def test_the_pieces_of_a_master_cover_it_once(tmp_path):
    write(tmp_path / "m.tif", noise(300, 200, dtype=np.uint8), tile=(64, 64))
    source = MasterFile(tmp_path / "m.tif", Shelf(0))
    seen = np.zeros((300, 200), int)
    for box in source.pieces():
        seen[box.slices] += 1
    assert np.all(seen == 1)


def test_masters_are_read_without_rasterio(tmp_path):
    write(tmp_path / "m.tif", noise(80, 80))
    program = (
        "import sys; from pathlib import Path; import heritage.train.windows\n"
        "from heritage.train.sources import open_sources\n"
        "from heritage.geometry import Box\n"
        f"open_sources(Path({str(tmp_path)!r}), 0, 0)[0].read(Box(0, 0, 8, 8))\n"
        "print({'rasterio', 'sqlalchemy', 'prefect', 'torchvision'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_many_threads_share_few_places(tmp_path):
    shelf = Shelf(0, places=2)
    files = []
    for number in range(5):
        path = tmp_path / f"{number}.tif"
        write(path, np.full((16, 16, 3), number, np.uint8))
        files.append(MasterFile(path, shelf))
    with ThreadPoolExecutor(8) as pool:
        asked = [number % 5 for number in range(200)]
        read = pool.map(lambda n: files[n].read(Box(0, 0, 2, 2))[0, 0, 0] * 255, asked)
        assert [round(float(value)) for value in read] == asked
    assert len(shelf._open) <= 2
    assert not any(shelf._readers.values())
