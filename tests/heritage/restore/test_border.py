import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.restore.border import membrane, settle_border

SIDE = 200


@pytest.fixture(scope="module")
def hole():
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    return (y - 100) ** 2 + (x - 90) ** 2 < 45**2


def gradient():
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    return np.stack([0.2 + x / 500, 0.3 + y / 600, 0.6 - x / 700], axis=-1).astype(np.float32)


@given(offset=st.tuples(*[st.floats(-0.3, 0.3)] * 3), grain=st.sampled_from([0.0, 0.01]))
@settings(max_examples=15, deadline=None)
def test_a_constant_offset_is_removed(hole, offset, grain):
    noise = np.random.default_rng(0).normal(0, grain, (SIDE, SIDE, 3))
    picture = (gradient() + noise).astype(np.float32)
    settled = settle_border(picture + hole[..., None] * np.float32(offset), picture, hole)
    left = np.abs((settled - picture)[hole]).mean(axis=0)
    # What is no larger than the doubt may stay.
    assert (left < 0.012).all()


def test_a_fill_that_agrees_is_left_alone(hole):
    picture = gradient()
    assert np.abs(settle_border(picture, picture, hole) - picture).max() < 1e-3


def test_the_truth_of_a_textured_picture_is_hardly_moved(hole):
    from scipy import ndimage

    noise = np.random.default_rng(1).standard_normal((SIDE, SIDE, 3))
    picture = (0.5 + 0.8 * ndimage.gaussian_filter(noise, (2, 2, 0))).astype(np.float32)
    moved = np.abs(settle_border(picture, picture, hole) - picture).mean()
    assert moved < 0.05 * picture.std()


def test_outside_the_hole_nothing_changes(hole):
    rng = np.random.default_rng(2)
    picture, fill = rng.random((SIDE, SIDE, 3), np.float32), rng.random((SIDE, SIDE, 3), np.float32)
    np.testing.assert_array_equal(settle_border(fill, picture, hole)[~hole], fill[~hole])


def test_what_lies_under_the_hole_does_not_matter(hole):
    picture, fill = gradient(), gradient() + np.float32(0.1)
    other = np.where(hole[..., None], np.float32(7), picture)
    np.testing.assert_array_equal(
        settle_border(fill, picture, hole), settle_border(fill, other, hole)
    )


def test_hairlines_and_arrays_without_a_border_are_left_alone(hole):
    picture = gradient()
    hairline = np.zeros_like(hole)
    hairline[50:52] = True
    for thin in (hairline, np.zeros_like(hole), np.ones_like(hole)):
        np.testing.assert_array_equal(settle_border(picture + 1, picture, thin), picture + 1)


def test_a_membrane_keeps_what_is_known_and_stays_within_it():
    rng = np.random.default_rng(3)
    known = (rng.random((77, 50)) < 0.02).astype(np.float32)
    values = rng.random((77, 50, 2), np.float32)
    continued = membrane(values, known)
    np.testing.assert_array_equal(continued[known > 0], values[known > 0])
    assert continued.min() >= values[known > 0].min() - 1e-6
    assert continued.max() <= values[known > 0].max() + 1e-6
    constant = membrane(np.where(known[..., None] > 0, 0.4, 9).astype(np.float32), known)
    np.testing.assert_allclose(constant, 0.4, atol=1e-6)
