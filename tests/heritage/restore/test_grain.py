"""Grain: measured right, absent on clean pictures, and the same however the work is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.geometry import Box
from heritage.restore.grain import STRONGEST, measure, missing, noise, softness_of

SIZE = 256


def picture():
    y, x = np.mgrid[:SIZE, :SIZE]
    grey = 0.5 + 0.3 * np.sin(x / 40) * np.cos(y / 30)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float32)


def hole():
    mask = np.zeros((SIZE, SIZE), np.bool_)
    mask[90:150, 100:160] = True
    return mask


def measured(known, filled, hole, fill):
    planes = (np.ascontiguousarray(np.moveaxis(one, 2, 0)) for one in (known, filled))
    return measure(*planes, hole, fill)


def lacks(found):
    """Covariance of what would be added."""
    mixing = missing(found.around, found.inside, softness_of([found]))
    return mixing @ mixing


@settings(deadline=None, max_examples=25)
@given(
    y=st.integers(0, 100_000),
    x=st.integers(0, 100_000),
    cut=st.integers(1, 39),
    softness=st.sampled_from([0.0, 0.6, 1.1]),
)
def test_noise_does_not_depend_on_where_it_is_cut(y, x, cut, softness):
    whole = noise(Box(y, x, y + 30, x + 40), 5, softness)
    part = noise(Box(y, x + cut, y + 30, x + 40), 5, softness)
    assert np.array_equal(whole[:, cut:], part)


@pytest.mark.parametrize("softness", [0.0, 0.8])
def test_noise_has_unit_variance_and_depends_on_the_seed(softness):
    one = noise(Box(0, 0, 300, 300), 1, softness)
    assert one.std() == pytest.approx(1, abs=0.02)
    assert abs(one.mean()) < 0.02
    assert abs(np.corrcoef(one[..., 0].ravel(), one[..., 1].ravel())[0, 1]) < 0.03
    assert not np.array_equal(one, noise(Box(0, 0, 300, 300), 2, softness))


@pytest.mark.parametrize("softness", [0.0, 0.5, 0.8, 1.1])
@pytest.mark.parametrize("sigma", [0.005, 0.02])
def test_the_missing_grain_is_that_of_the_surroundings(softness, sigma):
    clean = picture()
    grainy = clean + np.float32(sigma) * noise(Box(0, 0, SIZE, SIZE), 3, softness)
    filled = np.where(hole()[..., None], clean, grainy)
    found = measured(grainy, filled, hole(), hole())
    assert np.sqrt(np.diag(lacks(found))) == pytest.approx([sigma] * 3, rel=0.1)
    assert softness_of([found]) == pytest.approx(softness, abs=0.1)


def test_a_fill_with_its_own_grain_gets_almost_none():
    grainy = picture() + np.float32(0.02) * noise(Box(0, 0, SIZE, SIZE), 3, 0.6)
    found = measured(grainy, grainy, hole(), hole())
    assert np.diag(lacks(found)).max() < (0.35 * 0.02) ** 2


def test_grain_that_all_channels_share_stays_shared():
    shared = noise(Box(0, 0, SIZE, SIZE), 3, 0)[..., :1]
    grainy = picture() + np.float32(0.02) * shared
    found = measured(grainy, np.where(hole()[..., None], picture(), grainy), hole(), hole())
    covariance = lacks(found)
    assert covariance[0, 1] == pytest.approx(covariance[0, 0], rel=0.05)


def test_a_flat_graphic_gets_no_grain_at_all():
    graphic = np.zeros((SIZE, SIZE, 3), np.float32)
    graphic[::32] = 1
    graphic[:, 60:120] = 0.5
    assert not lacks(measured(graphic, graphic, hole(), hole())).any()


def test_an_8_bit_gradient_gets_less_than_one_level():
    stepped = (np.round(picture() * 255) / 255).astype(np.float32)
    found = measured(stepped, picture(), hole(), hole())
    assert np.sqrt(np.diag(lacks(found))).max() * 255 < 0.6


def test_the_strongest_texture_is_not_taken_for_grain():
    wild = np.random.default_rng(0).random((SIZE, SIZE, 3), np.float32)
    found = measured(wild, picture(), hole(), hole())
    assert np.sqrt(np.linalg.eigvalsh(lacks(found)).max()) <= STRONGEST * 1.001


def test_a_window_without_known_pixels_measures_nothing():
    everything = np.ones((SIZE, SIZE), np.bool_)
    found = measured(picture(), picture(), everything, everything)
    assert found.weight == 0
    assert not found.tells
