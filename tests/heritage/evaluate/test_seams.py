import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.evaluate.seams import seam_visibility, window_borders, window_visibility


def test_the_undamaged_picture_has_no_seam(picture, hole):
    assert seam_visibility(picture, hole) == pytest.approx(1, abs=0.2)


def test_another_brightness_in_the_hole_is_seen_and_a_blur_is_soft(picture, hole):
    brighter = picture.copy()
    brighter[hole] = np.clip(brighter[hole] + 0.3, 0, 1)
    assert seam_visibility(brighter, hole) > 3
    smooth = np.tile(np.linspace(0, 1, 192, dtype=np.float32)[None, :, None], (192, 1, 3))
    grainy = smooth + np.random.default_rng(0).normal(0, 0.05, smooth.shape).astype(np.float32)
    grainy[hole] = smooth[hole]
    assert seam_visibility(grainy, hole) < 0.9


def test_without_surroundings_nothing_can_be_said(picture):
    assert seam_visibility(picture, np.ones((192, 192), bool)) is None
    assert seam_visibility(picture, np.zeros((192, 192), bool)) is None


def test_borders_of_windows_show_where_windows_differ(picture, hole):
    stepped = picture.copy()
    stepped[96:128, 64:128] = np.clip(stepped[96:128, 64:128] + 0.3, 0, 1)
    assert window_visibility(picture, hole, [96], []) == pytest.approx(1, abs=0.3)
    assert window_visibility(stepped, hole, [96], []) > 3
    assert window_visibility(stepped, hole, [], []) is None
    assert window_visibility(stepped, hole, [10], []) is None, "no border crosses the hole"


def test_windows_that_see_everything_have_no_borders():
    assert window_borders(512, None) == []
    assert window_borders(256, 256) == []
    assert window_borders(200, 256) == []
    assert window_borders(512, 256) == [128, 256, 384]


@given(st.integers(1, 600), st.integers(2, 300))
def test_borders_are_those_of_the_tiles(length, side):
    from models.tiling import _starts

    found = window_borders(length, side)
    if length > side:
        edges = {edge for start in _starts(length, side) for edge in (start, start + side)}
        assert set(found) == edges - {0, length}
    assert all(0 < border < length for border in found)
