import cv2
import numpy as np
import pytest

from heritage.evaluate.grain import grain_match


def _grainy(strength: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, strength, (192, 192, 1))
    return (0.5 + np.repeat(noise, 3, axis=2)).astype(np.float32)


def test_the_same_grain_matches(hole):
    assert grain_match(_grainy(0.05), hole) < 1.5


def test_half_the_grain_is_six_decibels_off(hole):
    picture = _grainy(0.05)
    picture[hole] = _grainy(0.025, seed=1)[hole]
    assert grain_match(picture, hole) == pytest.approx(6.02, abs=1.0)


def test_blur_and_coarser_grain_do_not_match(hole):
    picture = _grainy(0.05)
    flat, coarse = picture.copy(), picture.copy()
    flat[hole] = 0.5
    coarse[hole] = cv2.GaussianBlur(picture, (0, 0), 2.0)[hole]
    assert grain_match(flat, hole) > 15
    assert grain_match(coarse, hole) > 8


def test_a_flat_picture_with_a_flat_fill_matches(hole):
    assert grain_match(np.full((192, 192, 3), 0.5, np.float32), hole) == pytest.approx(0)


def test_thin_holes_tell_nothing():
    line = np.zeros((192, 192), bool)
    line[100:104] = True
    assert grain_match(_grainy(0.05), line) is None
    assert grain_match(_grainy(0.05), np.ones((192, 192), bool)) is None
