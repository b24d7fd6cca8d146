"""Brush, eraser and polygon on a mask, wherever its tiles are cut."""

import numpy as np
import pytest
import tifffile

from heritage.damage.interchange.strokes import Stroke, correct_mask
from heritage.damage.mask_import import import_mask
from heritage.damage.masks import open_mask
from heritage.errors import MaskRefused
from heritage.geometry import Box

HEIGHT, WIDTH = 1300, 1700


@pytest.fixture
def mask(tmp_path):
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    picture[100:200, 100:300] = 255
    picture[500:530, 480:560] = 255
    tifffile.imwrite(tmp_path / "given.tif", picture)
    import_mask(tmp_path / "given.tif", tmp_path / "mask.tif", HEIGHT, WIDTH)
    return tmp_path / "mask.tif"


def read(path):
    with open_mask(path) as opened:
        return opened.read(Box(0, 0, HEIGHT, WIDTH))


def stroke(adds, width, *points):
    return Stroke(adds, width, np.array(points, np.float64))


def test_a_stroke_is_as_wide_as_the_brush_over_tiles(mask, tmp_path):
    line = stroke(True, 21, (300, 900.5), (1500, 900.5))
    count = correct_mask(mask, [line], tmp_path / "new.tif")
    before, after = read(mask), read(tmp_path / "new.tif")
    assert count == after.sum()
    added = after & ~before
    assert not (before & ~after).any()
    columns = added[:, 320:1480].sum(axis=0)
    assert set(columns.tolist()) == {21}
    rows = np.flatnonzero(added[:, 1000])
    assert abs(rows.mean() - 900) < 0.01
    ends = np.flatnonzero(added[900])
    assert 288 <= ends[0] <= 291
    assert 1508 <= ends[-1] <= 1511


def test_where_tiles_are_cut_does_not_matter(mask, tmp_path):
    rng = np.random.default_rng(4)
    strokes = [
        Stroke(bool(n % 3), float(rng.uniform(1, 60)), rng.uniform(0, 1300, (9, 2)))
        for n in range(12)
    ]
    correct_mask(mask, strokes, tmp_path / "new.tif")
    after = read(tmp_path / "new.tif")
    moved = [Stroke(s.adds, s.width, s.points + 200) for s in strokes]
    bare = np.zeros((HEIGHT + 400, WIDTH + 400), np.uint8)
    bare[200 : 200 + HEIGHT, 200 : 200 + WIDTH] = read(mask) * np.uint8(255)
    tifffile.imwrite(tmp_path / "given2.tif", bare)
    import_mask(tmp_path / "given2.tif", tmp_path / "mask2.tif", *bare.shape)
    correct_mask(tmp_path / "mask2.tif", moved, tmp_path / "new2.tif")
    with open_mask(tmp_path / "new2.tif") as opened:
        assert (opened.read(Box(200, 200, 200 + HEIGHT, 200 + WIDTH)) == after).all()


def test_later_strokes_lie_over_earlier_ones(mask, tmp_path):
    square = [(600, 600), (700, 600), (700, 700), (600, 700)]
    strokes = [stroke(True, 0, *square), stroke(False, 40, (650, 650)), stroke(True, 2, (650, 650))]
    correct_mask(mask, strokes, tmp_path / "new.tif")
    after = read(tmp_path / "new.tif")
    assert after[610, 610]
    assert not after[650, 640]
    assert after[650, 650]
    assert abs(int(after[590:710, 590:710].sum()) - (100 * 100 - np.pi * 20**2)) < 250


def test_an_eraser_takes_a_region_away(mask, tmp_path):
    correct_mask(mask, [stroke(False, 100, (480, 515), (560, 515))], tmp_path / "new.tif")
    after = read(tmp_path / "new.tif")
    assert not after[480:560].any()
    assert after[100:200, 100:300].all()


def test_nothing_left_is_no_mask(mask, tmp_path):
    everything = [(-10, -10), (WIDTH + 10, -10), (WIDTH + 10, HEIGHT + 10), (-10, HEIGHT + 10)]
    with pytest.raises(MaskRefused, match="nothing is left"):
        correct_mask(mask, [stroke(False, 0, *everything)], tmp_path / "new.tif")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given.tif", "mask.tif"]


@pytest.mark.parametrize(
    ("width", "points"),
    [(5, []), (5, [(1, 2, 3)]), (5, [(np.nan, 1)]), (5, [(2e9, 1)]), (-1, [(1, 1)]),
     (9000, [(1, 1)]), (0, [(1, 1), (2, 2)])],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(width, points):
    with pytest.raises(MaskRefused):
        Stroke(True, width, np.array(points, np.float64))
