import numpy as np
import pytest

from heritage.geometry import Box
from heritage.restore.guide import enlarge, merge_guide
from heritage.restore.levels import reduce_known, reduced_box


@pytest.fixture
def hole():
    hole = np.zeros((300, 300), bool)
    hole[50:250, 50:250] = True
    return hole


def test_a_guide_that_agrees_changes_nothing(hole):
    fill = np.random.default_rng(0).random((300, 300, 3), np.float32)
    np.testing.assert_array_equal(merge_guide(fill, fill, hole), fill)


def test_the_guides_colour_rules_in_depth_and_not_at_the_border(hole):
    fill = np.random.default_rng(0).random((300, 300, 3), np.float32)
    merged = merge_guide(fill, fill + 0.5, hole)
    np.testing.assert_allclose(merged[150, 150], fill[150, 150] + 0.5, atol=1e-4)
    np.testing.assert_allclose(merged[50, 150], fill[50, 150], atol=1e-3)
    np.testing.assert_array_equal(merged[~hole], fill[~hole])


def test_the_fills_own_grain_survives(hole):
    grain = np.random.default_rng(0).normal(0, 0.1, (300, 300, 3)).astype(np.float32)
    merged = merge_guide(0.2 + grain, np.full_like(grain, 0.6), hole)
    depth = np.s_[140:160, 140:160]
    assert merged[depth].std() == pytest.approx(0.1, rel=0.1)
    assert merged[depth].mean() == pytest.approx(0.6, abs=0.02)


def test_where_the_guide_says_nothing_the_fill_stands(hole):
    fill = np.zeros((300, 300, 3), np.float32)
    guide = np.full_like(fill, np.nan)
    guide[:, :150] = 1.0
    known = np.zeros((300, 300), bool)
    known[:, :150] = True
    merged = merge_guide(fill, guide, hole, known)
    assert np.isfinite(merged).all()
    assert not merged[:, 150:].any()
    assert merged[150, 140, 0] > 0.9


def test_without_damage_the_fill_comes_back(hole):
    fill = np.ones((300, 300, 3), np.float32)
    assert merge_guide(fill, fill * 2, np.zeros_like(hole)) is fill


def test_one_channel_is_merged_like_three(hole):
    fill = np.zeros((300, 300, 1), np.float32)
    assert merge_guide(fill, fill + 1, hole).shape == fill.shape


@pytest.mark.parametrize("box", [Box(0, 0, 40, 60), Box(7, 13, 30, 41), Box(11, 0, 12, 60)])
def test_a_ramp_survives_reducing_and_enlarging_and_boxes_agree(box):
    y, x = np.mgrid[0:40, 0:60].astype(np.float32)
    ramp = np.stack([x + 2 * y] * 3, axis=-1)
    coarse, _ = reduce_known(ramp, np.ones((40, 60), np.float32))
    around = reduced_box(box).grown(1).clipped(20, 30)
    enlarged = enlarge(coarse[around.slices], around, box)
    inner = np.s_[2:-2, 2:-2]
    np.testing.assert_allclose(enlarged[inner], ramp[box.slices][inner], atol=1e-3)
    whole = enlarge(coarse, Box(0, 0, 20, 30), Box(0, 0, 40, 60))
    np.testing.assert_array_equal(enlarged, whole[box.slices])
