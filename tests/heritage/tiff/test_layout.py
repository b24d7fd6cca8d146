"""Laid out anew: no dead space, every pointer right; and in place where that is not safe."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heritage.tiff import compose, structure_differences
from heritage.tiff.picture import Picture


def noise(box: Any, pixels: Any) -> None:
    """Pixels that no compression makes small."""
    rng = np.random.default_rng(box.y0 * 1000 + box.x0)
    pixels[...] = rng.integers(0, 255, pixels.shape).astype(pixels.dtype)


def flat(box: Any, pixels: Any) -> None:
    """Pixels that every compression makes small."""
    pixels[...] = 7


def everything(box: Any) -> bool:
    return True


def unused(path: Path, page: int = 0) -> int:
    """Bytes of a file that its structure does not name, padding to an even position left out."""
    with Picture(path, page) as picture:
        named = np.zeros(picture.structure.bytes, np.bool_)
        starts = set()
        for at, size in picture.occupancy.ranges.tolist():
            named[at : at + size] = True
            starts.add(at)
        free = np.flatnonzero(~named).tolist()
        return sum(1 for at in free if not (at % 2 and at + 1 in starts))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), paint=st.sampled_from([noise, flat]), share=st.sampled_from([0.2, 1.0]))
def test_no_space_is_left_unused(any_recipe: Any, data: Any, paint: Any, share: float) -> None:
    recipe = data.draw(any_recipe.filter(lambda one: one.bits is None and one.dtype != "bool"))
    with tempfile.TemporaryDirectory() as folder:
        master, target = Path(folder, "m.tif"), Path(folder, "r.tif")
        recipe.write(master)

        def touched(box: Any) -> bool:
            return bool(np.random.default_rng(box.y0 * 99 + box.x0).random() < share)

        answer = compose(master, target, paint, touched)
        assert answer.dead_bytes == 0
        # Positions stay even, which may take a byte for each segment that changed.
        assert unused(target) <= unused(master) + answer.touched_segments
        assert structure_differences(master, target, 0, reencoded=False) == []


@pytest.mark.parametrize("paint", [noise, flat])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("page", [0, 1])
def test_pages_and_sub_images_move_along(
    tmp_path: Path, recipe: Any, paint: Any, bigtiff: bool, page: int
) -> None:
    master, target = tmp_path / "m.tif", tmp_path / "r.tif"
    before = recipe(height=64, width=64).pixels()
    with tifffile.TiffWriter(master, bigtiff=bigtiff) as writer:
        for _ in range(2):
            writer.write(
                before, photometric="rgb", compression="deflate", tile=(32, 32), subifds=2,
                metadata=None, iccprofile=b"p" * 301, resolution=(300, 300),
                extratags=[(65000, 7, 41, b"q" * 41, True)],
            )  # fmt: skip
            for step in (2, 4):
                small = before[::step, ::step]
                writer.write(small, photometric="rgb", subfiletype=1, metadata=None)
    answer = compose(master, target, paint, everything, page=page)
    assert answer.dead_bytes == 0
    assert structure_differences(master, target, page, reencoded=False) == []
    assert unused(target, page) <= unused(master, page) + answer.touched_segments
    with tifffile.TiffFile(master) as one, tifffile.TiffFile(target) as other:
        for index in (0, 1):
            for was, now in zip(one.pages[index].pages, other.pages[index].pages, strict=True):
                # Smaller versions of the page are made anew with it.
                assert np.array_equal(was.asarray(), now.asarray()) == (index != page)
        assert np.array_equal(one.pages[1 - page].asarray(), other.pages[1 - page].asarray())
        assert not np.array_equal(one.pages[page].asarray(), other.pages[page].asarray())


def test_a_page_written_anew_leaves_no_space_either(tmp_path: Path, recipe: Any) -> None:
    master, target = tmp_path / "m.tif", tmp_path / "r.tif"
    before = recipe(height=64, width=96).pixels()
    with tifffile.TiffWriter(master) as writer:
        for compression in ("jpeg", "deflate"):
            writer.write(
                before, photometric="ycbcr" if compression == "jpeg" else "rgb",
                compression=compression, tile=(32, 32), metadata=None,
            )  # fmt: skip
    answer = compose(master, target, noise, lambda box: box.x0 == 0, page=0)
    assert answer.reencoded is not None
    assert answer.dead_bytes == 0
    assert unused(target) <= unused(master) + answer.touched_segments
    assert structure_differences(master, target, 0, reencoded=True) == []
    with tifffile.TiffFile(target) as file:
        assert np.array_equal(file.pages[1].asarray(), before)


def strange(tmp_path: Path, kind: str) -> Path:
    """A compressed master that holds something which may point into the file."""
    master = tmp_path / "m.tif"
    if kind == "maker note":
        tifffile.imwrite(
            master, np.zeros((64, 64, 3), np.uint8), photometric="rgb", compression="deflate",
            tile=(32, 32), metadata=None,
            extratags=[(37500, 7, 29, b"offsets of which nobody knows", True)],
        )  # fmt: skip
        return master
    tifffile.imwrite(
        master, np.zeros((64, 64, 3), np.uint8), photometric="rgb", compression="deflate",
        tile=(32, 32), metadata=None,
    )  # fmt: skip
    master.write_bytes(master.read_bytes() + b"an index of a private kind")
    return master


@pytest.mark.parametrize("kind", ["maker note", "unknown bytes"])
def test_what_may_be_pointed_to_does_not_move(tmp_path: Path, kind: str) -> None:
    master, target = strange(tmp_path, kind), tmp_path / "r.tif"
    compose(master, target, noise, everything)
    one, other = master.read_bytes(), target.read_bytes()
    mark = b"offsets of which" if kind == "maker note" else b"an index of"
    assert one.index(mark) == other.index(mark)
    assert structure_differences(master, target, 0, reencoded=False) == []


def test_zeros_that_stay_behind_are_counted(tmp_path: Path) -> None:
    master, target = strange(tmp_path, "unknown bytes"), tmp_path / "r.tif"
    answer = compose(master, target, noise, lambda box: box.x0 == 0)
    mark = len(b"an index of a private kind")
    before = unused(master) - mark
    assert answer.dead_bytes > 0
    assert before <= unused(target) - mark - answer.dead_bytes <= before + 3
