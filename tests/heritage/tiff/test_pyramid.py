"""Smaller versions in the same file follow the picture where it changed, and nowhere else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from heritage.geometry import Box
from heritage.tiff import compose, level_differences, structure_differences
from heritage.tiff.picture import Picture
from heritage.tiff.pyramid import levels_of

HEIGHT, WIDTH = 203, 150


def write(path: Path, picture: Any, as_pages: bool = False, **kind: Any) -> list[Any]:
    """A master with two smaller versions, made by taking every second and fourth pixel."""
    levels = [picture[::step, ::step] for step in (2, 4)]
    with tifffile.TiffWriter(path) as writer:
        writer.write(picture, tile=(32, 48), subifds=0 if as_pages else 2, metadata=None, **kind)
        for level in levels:
            writer.write(level, tile=(16, 16), subfiletype=1, metadata=None, **kind)
    return levels


def pages(path: Path) -> list[Any]:
    """All pictures of a file, as tifffile reads them."""
    with tifffile.TiffFile(path) as file:
        first = file.pages[0]
        rest = first.pages if first.pages else file.pages[1:]
        return [first.asarray(), *(one.asarray() for one in rest)]


def mean(picture: Any, step: int) -> Any:
    """By another way than the code under test: pixel by pixel."""
    height, width = (-(-size // step) for size in picture.shape[:2])
    out = np.zeros((height, width, *picture.shape[2:]))
    for y in range(height):
        for x in range(width):
            block = picture[y * step : (y + 1) * step, x * step : (x + 1) * step]
            out[y, x] = block.mean(axis=(0, 1))
    return out


@pytest.mark.parametrize("as_pages", [False, True])
@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_levels_are_means_of_the_restored_picture(
    tmp_path: Path, painting: Any, dtype: str, compression: str | None, as_pages: bool
) -> None:
    master, target = tmp_path / "m.tif", tmp_path / "r.tif"
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 100, (HEIGHT, WIDTH, 3)).astype(dtype)
    write(master, picture, as_pages, photometric="rgb", compression=compression)
    work = painting(picture, 3, 100, 0.005, 1)
    answer = compose(master, target, work.paint, work.touched)
    assert answer.levels == 2
    before, after = pages(master), pages(target)
    restored = work.applied(picture)
    assert np.array_equal(after[0], restored)
    for step, was, now in zip((2, 4), before[1:], after[1:], strict=True):
        changed = mean((work.mask & (picture != restored).any(2))[..., None], step)[..., 0] > 0
        wanted = mean(restored.astype(np.float64), step)
        off = 1e-3 if dtype == "float32" else 0.5
        assert np.abs(now - wanted)[changed].max() <= off
        assert np.array_equal(now[~changed], was[~changed])
    assert structure_differences(master, target, 0, reencoded=False) == []
    assert level_differences(master, target, 0, lambda box: work.mask[box.slices]) == []


def test_colours_of_a_table_are_not_averaged(tmp_path: Path, painting: Any) -> None:
    master, target = tmp_path / "m.tif", tmp_path / "r.tif"
    picture = np.random.default_rng(0).choice([3, 200], (HEIGHT, WIDTH)).astype(np.uint8)
    colours = np.arange(3 * 256, dtype=np.uint16).reshape(3, 256)
    write(master, picture, photometric="palette", colormap=colours, compression="lzw")
    work = painting(picture[..., None], 1, 255, 0.02, 1)
    work.values[...] = 77
    compose(master, target, work.paint, work.touched)
    for level in pages(target)[1:]:
        assert set(np.unique(level).tolist()) == {3, 77, 200}


def test_thumbnails_of_another_kind_stay_as_they_are(tmp_path: Path, painting: Any) -> None:
    master, target = tmp_path / "m.tif", tmp_path / "r.tif"
    picture = np.random.default_rng(0).integers(0, 60_000, (HEIGHT, WIDTH, 3), np.uint16)
    with tifffile.TiffWriter(master) as writer:
        writer.write(picture, photometric="rgb", compression="zstd", subifds=3, metadata=None)
        eight = (picture >> 8).astype(np.uint8)
        odd = {"photometric": "rgb", "subfiletype": 1, "metadata": None}
        writer.write(eight[::2, ::2], **odd)  # 8 bits
        writer.write(picture[::2, ::3], **odd)  # another shape
        writer.write(eight[::4, ::4], compression="jpeg", **odd)
    work = painting(picture, 3, 60_000, 0.3, 1)
    answer = compose(master, target, work.paint, work.touched)
    assert answer.levels == 0
    for was, now in zip(pages(master)[1:], pages(target)[1:], strict=True):
        assert np.array_equal(was, now)
    assert structure_differences(master, target, 0, reencoded=False) == []


def test_other_pages_are_no_levels(tmp_path: Path) -> None:
    master = tmp_path / "m.tif"
    with tifffile.TiffWriter(master) as writer:
        for step in (1, 2, 4):
            small = np.zeros((64 // step, 64 // step, 3), np.uint8)
            writer.write(small, photometric="rgb", metadata=None)
    with Picture(master) as picture:
        assert list(levels_of(picture)) == []


def test_a_level_that_changed_elsewhere_is_found(tmp_path: Path, painting: Any) -> None:
    master, target = tmp_path / "m.tif", tmp_path / "r.tif"
    picture = np.random.default_rng(0).integers(0, 200, (HEIGHT, WIDTH, 3), np.uint8)
    write(master, picture, photometric="rgb")
    work = painting(picture, 3, 200, 0.0, 1)
    compose(master, target, work.paint, work.touched)
    with Picture(target) as one:
        level = next(levels_of(one))
        at = int(level.picture.table.offsets[0])
        if work.mask[:2, :2].any():  # the one painted pixel must not be here
            at += 3
        level.picture.close()
    raw = bytearray(target.read_bytes())
    raw[at] ^= 1
    target.write_bytes(raw)
    words = level_differences(master, target, 0, lambda box: work.mask[box.slices])
    assert words == ["page 1, sub-image 1: pixels changed that are not made from damaged ones"]


def test_a_level_that_nothing_reaches_keeps_its_bytes(tmp_path: Path) -> None:
    master, target = tmp_path / "m.tif", tmp_path / "r.tif"
    picture = np.random.default_rng(0).integers(0, 200, (HEIGHT, WIDTH, 3), np.uint8)
    write(master, picture, photometric="rgb", compression="deflate")

    def paint(box: Box, pixels: Any) -> None:
        pixels[...] = pixels  # asked, and left alone

    answer = compose(master, target, paint, lambda box: True)
    assert answer.levels == 0
    assert target.read_bytes() == master.read_bytes()


def test_samples_that_did_not_change_and_numbers_that_are_none_stay(tmp_path: Path) -> None:
    master, target = tmp_path / "m.tif", tmp_path / "r.tif"
    picture = np.random.default_rng(0).random((HEIGHT, WIDTH, 4)).astype(np.float32)
    picture[::9, ::9, :3] = np.nan
    write(master, picture, photometric="rgb", extrasamples=["unassalpha"])
    before = pages(master)

    def paint(box: Box, pixels: Any) -> None:
        pixels[..., :3][(box.y0 + np.arange(box.height) < 40)] = 0.5

    compose(master, target, paint, lambda box: True)
    for step, was, now in zip((2, 4), before[1:], pages(target)[1:], strict=True):
        rows = np.arange(len(was)) * step < 40
        assert (now[rows][..., :3] == 0.5).all()
        assert now[..., 3].tobytes() == was[..., 3].tobytes()  # nobody painted the alpha
        assert now[~rows].tobytes() == was[~rows].tobytes()
