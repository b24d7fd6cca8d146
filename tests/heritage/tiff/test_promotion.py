"""A classic TIFF that outgrows 4 GiB becomes a BigTIFF in which everything is still there.

The limit is lowered for these tests: they would need gigabytes otherwise.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.errors
import tifffile
from PIL import Image, TiffImagePlugin

from heritage.errors import HeritageError, MasterRefused
from heritage.geometry import Box
from heritage.tiff import compose, inspect, rewriting, structure_differences


@pytest.fixture(autouse=True)
def low_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "CLASSIC_END", 100)


def noise(box: Box, pixels: Any) -> None:
    rng = np.random.default_rng(box.y0 * 1000 + box.x0)
    pixels[:] = rng.integers(0, 2, pixels.shape)


def loud(box: Box, pixels: Any) -> None:
    """Noise that no compression makes shorter than what was there."""
    rng = np.random.default_rng(box.y0 * 1000 + box.x0)
    pixels[:] = rng.integers(0, 256, pixels.shape)


def everywhere(box: Box) -> bool:
    return True


@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("compression", ["deflate", "jpeg"])
def test_pages_sub_images_and_tags_survive(
    recipe: Any, out: Path, byteorder: str, compression: str
) -> None:
    master = out.with_name("m.tif")
    before = recipe(height=64, width=64).pixels()
    with tifffile.TiffWriter(master, byteorder=byteorder) as writer:
        for _ in range(3):
            writer.write(
                before,
                photometric="ycbcr" if compression == "jpeg" else "rgb",
                compression=compression,
                tile=(32, 32),
                subifds=2,
                metadata=None,
                iccprofile=b"p" * 300,
                resolution=(300, 300),
                extratags=[
                    (65000, 7, 40, b"q" * 40, True),
                    (65001, 3, 3, (1, 2, 3), True),
                    (65002, 2, 0, "six", True),
                ],
            )
            for step in (2, 4):
                writer.write(
                    before[::step, ::step], photometric="rgb", subfiletype=1, metadata=None
                )
    # All but one tile: the others keep their bytes.
    answer = compose(master, out, loud, lambda box: box.x0 + box.y0 > 0, page=1)
    assert answer.bigtiff_promoted
    again = answer.reencoded is not None
    assert again == (compression == "jpeg")
    assert structure_differences(master, out, 1, again) == []
    with tifffile.TiffFile(master) as one, tifffile.TiffFile(out) as other:
        assert other.is_bigtiff
        assert other.byteorder == byteorder
        assert np.array_equal(one.pages[1].asarray()[:32, :32], other.pages[1].asarray()[:32, :32])
        for was, now in zip(one.pages, other.pages, strict=True):
            for small, same in zip(was.pages, now.pages, strict=True):
                assert np.array_equal(small.asarray(), same.asarray())
        for code in (34675, 282, 65000, 65001, 65002):
            assert one.pages[1].tags[code].value == other.pages[1].tags[code].value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(f"GTIFF_DIR:2:{out}") as file, tifffile.TiffFile(out) as other:
            assert np.array_equal(np.moveaxis(file.read(), 0, -1), other.pages[1].asarray())


def test_exif_and_gps_survive(out: Path) -> None:
    master = out.with_name("m.tif")
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[34665] = {36867: "2026:11:23 10:00:00", 37500: b"a maker's own note"}
    tags[34853] = {1: "N", 2: (48.0, 8.0, 9.5)}
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(master, tiffinfo=tags)
    raw = bytearray(master.read_bytes())
    with tifffile.TiffFile(master) as file:
        page = file.pages[0]
        # Two pages that share their pixels: the painted one must go elsewhere.
        at, size = page.offset, 2 + 12 * len(page.tags) + 4
        raw[at + size - 4 : at + size] = len(raw).to_bytes(4, "little")
        raw += raw[at : at + size - 4] + bytes(4)
    master.write_bytes(raw)
    answer = compose(master, out, noise, everywhere, page=0)
    assert answer.bigtiff_promoted
    assert structure_differences(master, out, 0, reencoded=False) == []
    with Image.open(master) as one, Image.open(out) as other:
        for block in (34665, 34853):
            assert one.getexif().get_ifd(block) == other.getexif().get_ifd(block) != {}


def test_every_real_classic_master_can_be_promoted(shared: Path, tmp_path: Path) -> None:
    promoted, refused = 0, []
    for number, master in enumerate(sorted((shared / "data/tiff/valid").glob("*.[tT]*"))):
        if master.stat().st_size > 60_000:
            continue
        try:
            info = inspect(master)
        except HeritageError:
            continue
        target = tmp_path / f"{number}.tif"
        try:
            answer = compose(master, target, noise, everywhere)
        except MasterRefused as error:
            refused.append((master.name, error.reason))
            continue
        again = answer.reencoded is not None
        assert structure_differences(master, target, info.page, again) == [], master.name
        assert inspect(target).pages == info.pages
        promoted += answer.bigtiff_promoted
    assert promoted >= 8
    # Something that no tag names lies where the longer header goes.
    assert all("bytes of unknown use" in reason for _, reason in refused)
    assert len(refused) <= 5
