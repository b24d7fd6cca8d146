import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.damage.simulate import FAMILIES, craquelure, from_real, simulate


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_mask(family):
    masks = [FAMILIES[family](np.random.default_rng(5), 200, 150) for _ in range(2)]
    assert masks[0].dtype == np.uint8
    assert masks[0].shape == (200, 150)
    assert set(np.unique(masks[0])) <= {0, 1}
    np.testing.assert_array_equal(*masks)


@settings(max_examples=20, deadline=None)
@given(st.integers(48, 200), st.integers(48, 200), st.integers(0, 2**31))
def test_a_mixture_is_never_empty_and_never_everything(height, width, seed):
    real = [np.eye(90, dtype=np.uint8)]
    mix = dict.fromkeys([*FAMILIES, "real"], 1.0)
    mask = simulate(np.random.default_rng(seed), height, width, mix, real)
    assert mask.shape == (height, width)
    assert 0 < mask.mean() < 0.7


def test_hairlines_are_thin_and_thick_strokes_are_not():
    import cv2

    def radius(family):
        masks = (FAMILIES[family](np.random.default_rng(i), 256, 256) for i in range(8))
        return np.mean([cv2.distanceTransform(m, cv2.DIST_L2, 5).max() for m in masks])

    assert radius("hairlines") < 6
    assert radius("thick") > 12


def test_craquelure_is_a_network_of_thin_lines():
    mask = craquelure(np.random.default_rng(1), 512, 512, cell=48)
    assert 0.01 < mask.mean() < 0.15


def test_a_real_mask_is_only_turned_and_enlarged():
    rng = np.random.default_rng(2)
    cut = from_real(rng, 300, 300, [np.ones((80, 64), np.uint8)])
    assert cut.all()


def test_an_unknown_family_is_an_error():
    with pytest.raises(KeyError):
        simulate(np.random.default_rng(0), 64, 64, {"coffee": 1.0})
