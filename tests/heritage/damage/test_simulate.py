"""The families of masks: their sizes, their seeds, and what must never change."""

import time
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.damage.simulate import FAMILIES, from_real, hairlines, losses, scratches, simulate
from heritage.errors import HeritageError

SIZES = ((1, 512, 512), (2, 128, 128), (3, 200, 77))


def shares(family, count=12, side=512):
    return [FAMILIES[family](np.random.default_rng(i), side, side).mean() for i in range(count)]


def radii(family, side=256):
    """Greatest distance to the border inside each of eight masks."""
    masks = (FAMILIES[family](np.random.default_rng(i), side, side) for i in range(8))
    return [float(cv2.distanceTransform(m, cv2.DIST_L2, 5).max()) for m in masks]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_mask(family):
    masks = [FAMILIES[family](np.random.default_rng(5), 200, 150) for _ in range(2)]
    assert masks[0].dtype == np.uint8
    assert masks[0].shape == (200, 150)
    assert masks[0].flags.c_contiguous
    assert set(np.unique(masks[0])) <= {0, 1}
    np.testing.assert_array_equal(*masks)


@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "half"])
def test_another_seed_gives_another_mask(family):
    masks = {FAMILIES[family](np.random.default_rng(i), 120, 120).tobytes() for i in range(12)}
    assert len(masks) >= 3


@pytest.mark.parametrize(
    ("family", "digests"),
    [
        ("thick", (3143853735, 2210643994, 3042753692)),
        ("medium", (3677314084, 3890130069, 2392048683)),
        ("dense-hairlines", (2148293096, 1508284963, 2511684578)),
    ],
)
def test_the_families_that_published_numbers_rest_on_never_change(family, digests):
    found = [
        zlib.crc32(FAMILIES[family](np.random.default_rng(seed), height, width).tobytes())
        for seed, height, width in SIZES
    ]
    assert tuple(found) == digests


@pytest.mark.parametrize(
    ("family", "low", "high"),
    [
        ("hairlines", 0.01, 0.04), ("losses", 0.1, 0.3), ("large-losses", 0.3, 0.5),
        ("half", 0.5, 0.5), ("flaking", 0.02, 0.15), ("abrasion", 0.02, 0.12),
    ],
)  # fmt: skip
def test_a_family_covers_the_share_it_promises(family, low, high):
    found = shares(family)
    assert min(found) >= low - 1e-4
    assert max(found) <= high + 1e-4


def test_hairlines_cover_as_much_of_a_small_window_and_dense_ones_more():
    assert 0.01 <= np.mean(shares("hairlines", side=128)) <= 0.045
    assert 0.05 <= np.mean(shares("dense-hairlines", 30, side=128)) <= 0.25


def test_hairlines_are_one_to_three_pixels_wide():
    mask = hairlines(np.random.default_rng(3), 256, 256, widths=(1, 1))
    wider = cv2.erode(mask, np.ones((2, 2), np.uint8))  # at corners and crossings only
    assert wider.sum() < 0.1 * mask.sum()
    for seed in range(6):
        one = hairlines(np.random.default_rng(seed), 400, 400, share=(0.001, 0.0015))
        assert cv2.distanceTransform(one, cv2.DIST_L2, 5).max() <= 3  # crossings are wider


def test_thin_families_are_thin_and_thick_ones_are_not():
    assert np.mean(radii("hairlines")) < 4
    assert np.mean(radii("scratches")) < 4
    assert np.mean(radii("thick")) > 12
    assert np.mean(radii("large-losses")) > 12


def test_scratches_are_nearly_straight():
    mask = scratches(np.random.default_rng(0), 300, 300, bundles=(1, 1), lines=(1, 1))
    y, x = np.nonzero(mask)
    spread = np.linalg.eigvalsh(np.cov(np.stack([x, y]).astype(float)))
    assert spread[0] < 0.01 * spread[1]


def test_the_edge_of_a_loss_is_ragged():
    mask = losses(np.random.default_rng(1), 512, 512)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(outlines, key=cv2.contourArea)
    round_one = 2 * np.sqrt(np.pi * cv2.contourArea(largest))
    assert cv2.arcLength(largest, True) > 1.8 * round_one


def test_half_is_each_of_the_four_sides():
    sides = {FAMILIES["half"](np.random.default_rng(i), 64, 48).tobytes() for i in range(40)}
    assert len(sides) == 4


@settings(max_examples=40, deadline=None)
@given(st.integers(24, 200), st.integers(24, 200), st.integers(0, 2**31))
def test_a_mixture_is_never_empty_and_never_everything(height, width, seed):
    real = [np.eye(90, dtype=np.uint8)]
    mix = dict.fromkeys([*FAMILIES, "real"], 1.0)
    mask = simulate(np.random.default_rng(seed), height, width, mix, real)
    assert mask.shape == (height, width)
    assert 0 < mask.mean() < 1


@pytest.mark.parametrize("family", [f for f in FAMILIES if not f.startswith("ntire-")])
def test_our_families_leave_three_tenths_of_a_picture(family):
    assert 0 < simulate(np.random.default_rng(8), 96, 96, {family: 1.0}).mean() < 0.7


def test_a_real_mask_is_only_turned_and_enlarged():
    rng = np.random.default_rng(2)
    cut = from_real(rng, 300, 300, [np.ones((80, 64), np.uint8)])
    assert cut.all()


def test_an_unknown_family_is_an_error():
    with pytest.raises(KeyError):
        simulate(np.random.default_rng(0), 64, 64, {"coffee": 1.0})


@pytest.mark.parametrize("mix", [{}, {"thick": 0.0}, {"real": 1.0}])
def test_a_mixture_of_nothing_says_so(mix):
    with pytest.raises(HeritageError, match="gives no usable mask"):
        simulate(np.random.default_rng(0), 64, 64, mix)


def test_a_mask_for_training_takes_milliseconds():
    start = time.process_time()
    for seed in range(3):
        for family in FAMILIES.values():
            family(np.random.default_rng(seed), 192, 192)
    # About 1 ms on the average; ten times as much is left for busy machines.
    assert (time.process_time() - start) / (3 * len(FAMILIES)) < 0.012
