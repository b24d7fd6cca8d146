"""Overviews: a first look at once, the true one later, and nothing lost when they are deleted."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile

from heritage.errors import MasterRefused, StorageFailed
from heritage.geometry import Box
from heritage.review.pictures import Levels, Scene, SceneClosed, View, overview, source, sparse
from heritage.review.pictures.frames import Frame
from heritage.review.pictures.memory import ByteCache
from heritage.review.pictures.overview import planes

WHOLE = Box(0, 0, 696, 928)
SIZE = (116, 87)


@pytest.fixture
def gigapixel(monkeypatch):
    """A small picture is treated like one that is too large to be read for a view."""
    monkeypatch.setattr(source, "EXACT", 1 << 15)
    monkeypatch.setattr(source, "SMALLEST", 64)
    monkeypatch.setattr(overview, "SMALLEST", 64)
    monkeypatch.setattr(sparse, "SECONDS", 1000)


def opened(made):
    return Scene(made.master, made.folder, made.cache)


def means(pixels):
    return pixels[:696, :928].reshape(87, 8, 116, 8, -1).mean(axis=(1, 3))


KINDS = {
    "strips": {"rowsperstrip": 7},
    "packed strips": {"rowsperstrip": 13, "compression": "lzw"},
    "packed tiles": {"tile": (32, 32), "compression": "zlib"},
    "wide tiles": {"tile": (256, 512), "compression": "zlib"},
}


def test_what_there_is_no_time_for_is_guessed_from_its_neighbours(
    restoration, gigapixel, monkeypatch
):
    monkeypatch.setattr(sparse, "SECONDS", 0)
    made = restoration(tile=(64, 64), compression="zlib")
    with Scene(made.master, None, made.cache) as scene:
        found = scene.render(View.BEFORE, WHOLE, *SIZE)
        wanted = means(made.damaged)
        assert np.abs(found.mean(axis=(0, 1)) - wanted.mean(axis=(0, 1))).max() < 40
        assert found.min() > 0


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_look_is_provisional_and_the_second_is_exact(restoration, gigapixel, kind, dtype):
    made = restoration(dtype, **KINDS[kind])
    scale = np.iinfo(dtype).max / 255
    with opened(made) as scene:
        for view in (View.BEFORE, View.AFTER, View.DIFFERENCE, View.TRATTEGGIO):
            assert scene.provisional(view, WHOLE, *SIZE)
        assert not scene.provisional(View.MASK, WHOLE, *SIZE)
        assert not scene.provisional(View.AFTER, Box(0, 0, 99, 99), 99, 99)
        first = scene.render(View.BEFORE, WHOLE, *SIZE)
        assert np.abs(first - means(made.damaged) / scale).mean() < 12
        assert scene.prepare()
        for view in View:
            assert not scene.provisional(view, WHOLE, *SIZE)
        found = scene.render(View.BEFORE, WHOLE, *SIZE)
        assert np.abs(found - means(made.damaged) / scale).max() <= 1.5
        found = scene.render(View.AFTER, WHOLE, *SIZE)
        assert np.abs(found - means(made.filled) / scale).max() <= 2


def test_what_was_kept_is_used_again_and_may_be_deleted(restoration, gigapixel):
    made = restoration()
    with opened(made) as scene:
        scene.prepare()
        wanted = scene.render(View.AFTER, WHOLE, *SIZE, undone=frozenset({2}))
        shutil.rmtree(made.cache)
        assert np.array_equal(scene.render(View.AFTER, WHOLE, *SIZE, undone=frozenset({2})), wanted)
    for _ in range(2):  # made anew, and then found
        with opened(made) as scene:
            scene.prepare()
    names = sorted(path.suffix for path in made.cache.iterdir())
    assert names == [".npz", ".overview"]
    with opened(made) as scene:
        assert not scene.provisional(View.AFTER, WHOLE, *SIZE)
        found = scene.render(View.AFTER, WHOLE, *SIZE, undone=frozenset({2}))
        assert np.array_equal(found, wanted)


def test_a_file_cut_short_is_not_taken_for_an_overview(restoration, gigapixel):
    made = restoration()
    with opened(made) as scene:
        scene.prepare()
        wanted = scene.render(View.AFTER, WHOLE, *SIZE)
    for path in made.cache.iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    with opened(made) as scene:
        assert scene.provisional(View.BEFORE, WHOLE, *SIZE)
        assert scene.prepare()
        assert np.array_equal(scene.render(View.AFTER, WHOLE, *SIZE), wanted)


def test_another_master_of_that_name_gets_an_overview_of_its_own(restoration, gigapixel, written):
    made = restoration()
    with Scene(made.master, None, made.cache) as scene:
        scene.prepare()
    written(made.master, 255 - made.damaged)
    os.utime(made.master, ns=(1, 1))
    with Scene(made.master, None, made.cache) as scene:
        assert scene.provisional(View.BEFORE, WHOLE, *SIZE)
        scene.prepare()
        found = scene.render(View.BEFORE, WHOLE, *SIZE)
        assert np.abs(found - (255 - means(made.damaged))).max() <= 1.5


def test_levels_apply_to_overviews_in_all_bits(tmp_path, gigapixel, written):
    pixels = np.full((701, 933), 1024, np.uint16)
    pixels[:, 400:] = 1279
    written(tmp_path / "a.tif", pixels)
    with Scene(tmp_path / "a.tif", None, tmp_path / "cache") as scene:
        scene.prepare()
        found = scene.render(View.BEFORE, WHOLE, *SIZE, Levels(1024 / 65535, 1279 / 65535))
        assert found[:, :50].max() == 0
        assert found[:, 50:].min() == 255


def test_a_damaged_tile_leaves_the_rest_to_be_seen(restoration, gigapixel):
    made = restoration(tile=(128, 128), compression="zlib")
    with tifffile.TiffFile(made.master) as file:
        at, size = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    data = bytearray(made.master.read_bytes())
    data[at : at + size] = bytes(size)
    made.master.write_bytes(data)
    with opened(made) as scene:
        assert not scene.prepare()
        assert isinstance(scene.fault, MasterRefused)
        assert scene.provisional(View.BEFORE, WHOLE, *SIZE)
        box = Box(256, 256, 384, 384)
        assert np.array_equal(scene.render(View.AFTER, box, 128, 128), made.filled[box.slices])
        with pytest.raises(MasterRefused):
            scene.render(View.BEFORE, Box(0, 0, 9, 9), 9, 9)


def test_a_disk_that_takes_nothing_leaves_the_first_look(restoration, gigapixel):
    made = restoration()
    made.cache.write_text("a file where a folder should be")
    with opened(made) as scene:
        assert not scene.prepare()
        assert isinstance(scene.fault, StorageFailed)
        assert scene.provisional(View.BEFORE, WHOLE, *SIZE)
        assert scene.render(View.BEFORE, WHOLE, *SIZE).shape == (87, 116, 3)


def test_closing_gives_up_the_background_and_leaves_nothing_half_made(restoration, gigapixel):
    made = restoration()
    before = threading.active_count()
    for _ in range(5):
        scene = opened(made)
        scene.prepare(0)
        scene.close()
        scene.close()
        with pytest.raises(SceneClosed):
            scene.render(View.BEFORE, WHOLE, *SIZE)
        with pytest.raises(SceneClosed):
            scene.provisional(View.BEFORE, WHOLE, *SIZE)
    assert threading.active_count() == before
    left = list(made.cache.iterdir()) if made.cache.exists() else []
    assert not [path for path in left if path.name.startswith(".")]


def test_many_threads_see_the_same_and_closing_waits_for_them(restoration, gigapixel):
    made = restoration(tile=(64, 64), compression="zlib")
    boxes = [Box(y, x, y + 128, x + 128) for y in range(0, 500, 100) for x in range(0, 700, 140)]
    scene = opened(made)

    def look(number):
        box, view = boxes[number % len(boxes)], list(View)[number % 5]
        try:
            return number, scene.render(view, box, 128, 128, undone=frozenset({2}))
        except SceneClosed:
            return number, None

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(look, range(150)))
        scene.prepare()
        last = [pool.submit(look, number) for number in range(150)]
        scene.close()
        found += [one.result() for one in last]
    with opened(made) as again:
        for number, picture in found:
            if picture is not None:
                box, view = boxes[number % len(boxes)], list(View)[number % 5]
                wanted = again.render(view, box, 128, 128, undone=frozenset({2}))
                assert np.array_equal(picture, wanted)


def test_two_scenes_of_one_master_share_its_overview(restoration, gigapixel):
    made = restoration()
    with opened(made) as one, Scene(made.master, None, made.cache) as other:
        with ThreadPoolExecutor(2) as pool:
            assert all(pool.map(lambda scene: scene.prepare(), (one, other)))
        assert np.array_equal(
            one.render(View.BEFORE, WHOLE, *SIZE), other.render(View.BEFORE, WHOLE, *SIZE)
        )
    assert len(list(made.cache.glob("*.overview"))) == 1


def test_a_pyramid_in_the_master_makes_an_overview_unnecessary(restoration, gigapixel):
    made = restoration(tile=(64, 64), levels=4)
    with Scene(made.master, None, made.cache) as scene:
        assert not scene.provisional(View.BEFORE, WHOLE, *SIZE)
        scene.prepare()
        assert not made.cache.exists()
        found = scene.render(View.BEFORE, WHOLE, *SIZE)
        assert np.abs(found - means(made.damaged)).mean() < 4


def test_levels_go_down_to_one_that_is_a_single_tile():
    found, size = planes(32768, 20000, 3)
    assert [plane.scale for plane in found] == [4, 8, 16, 32, 64]
    assert (found[-1].height, found[-1].width) == (512, 313)
    assert size == sum(plane.height * plane.width for plane in found) * 3


def test_caches_hold_no_more_than_their_bytes():
    cache = ByteCache(1000)
    made = []

    def make(number):
        made.append(number)
        return (np.zeros(400, np.uint8),)

    for number in (1, 2, 1, 3, 1, 2):
        cache.get((0, number), lambda number=number: make(number))
    assert made == [1, 2, 3, 2]
    cache.forget(0)
    cache.get((0, 1), lambda: make(1))
    assert made[-1] == 1
    with pytest.raises(ZeroDivisionError):
        cache.get((0, 9), lambda: (np.zeros(1 // 0),))
    assert cache.get((0, 9), lambda: (np.ones(1),))[0] == 1


def test_pieces_of_a_frame_are_the_frame():
    frame = Frame.of(Box(0, 0, 3000, 2000), 1200, 800)
    covered = np.zeros((1200, 800), int)
    for screen, piece in frame.pieces():
        covered[screen.slices] += 1
        assert (piece.height, piece.width) == (screen.height, screen.width)
        assert piece.top == pytest.approx(screen.y0 * 2.5)
    assert (covered == 1).all()
