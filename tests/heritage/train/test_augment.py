from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from heritage.train.augment import Augmentation, augment
from heritage.train.looks import LUMA, PAPERS, chroma_matrix, grain_envelope

STILL = {"flip": 0.0, "turns": False, "tone": 0.0}
NEW = ("colour", "tint", "grain", "jpeg")


def rng(seed=1):
    return np.random.default_rng(seed)


def picture(kind=np.uint8, side=48):
    levels = cv2.resize(rng(7).integers(0, 256, (6, 6, 3), dtype=np.uint8), (side, side))
    return levels if kind == np.uint8 else (levels / 255).astype(np.float32)


def only(**more):
    return Augmentation(**(STILL | more))


def cut_before(rng, window):
    """What was done to windows before there was an Augmentation, word by word."""
    window = np.rot90(window, int(rng.integers(4)))
    if rng.random() < 0.5:
        window = window[:, ::-1]
    if rng.random() < 0.3:
        gain, gamma = rng.uniform(0.85, 1.1, 3), rng.uniform(0.8, 1.25)
        window = np.clip(255 * gain * (window / 255.0) ** gamma, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(window)


@given(seed=st.integers(0, 10_000))
def test_the_defaults_do_what_was_always_done_bit_by_bit(seed):
    one, two = rng(seed), rng(seed)
    assert np.array_equal(augment(one, picture(), Augmentation()), cut_before(two, picture()))
    assert one.random() == two.random()  # nothing more was drawn


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    kind=st.sampled_from([np.uint8, np.float32]),
    chances=st.fixed_dictionaries({name: st.sampled_from([0.0, 0.5, 1.0]) for name in NEW}),
)
def test_a_window_keeps_its_shape_and_range_whatever_happens(seed, kind, chances):
    given = picture(kind)
    kept = given.copy()
    made = augment(rng(seed), given, Augmentation(**chances))
    assert made.shape == given.shape
    assert made.flags.c_contiguous
    assert np.array_equal(given, kept)
    assert made.dtype in (np.uint8, np.float32)
    assert made.dtype == np.uint8 or 0 <= made.min() <= made.max() <= 1
    assert np.array_equal(made, augment(rng(seed), given, Augmentation(**chances)))


@pytest.mark.parametrize("name", NEW)
def test_bytes_and_floats_of_a_picture_become_the_same(name):
    how = only(**{name: 1.0})
    one, two = augment(rng(), picture(), how), augment(rng(), picture(np.float32), how)
    assert np.allclose(one, two, atol=1e-6)
    assert not np.allclose(two, picture(np.float32), atol=0.004)


def test_flips_and_turns_only_move_pixels():
    made = augment(rng(3), picture(), Augmentation(tone=0))
    assert not np.array_equal(made, picture())
    assert np.array_equal(np.sort(made.reshape(-1, 3), 0), np.sort(picture().reshape(-1, 3), 0))


@given(saturation=st.floats(0, 2), hue=st.floats(-180, 180))
def test_greys_keep_their_colour(saturation, hue):
    assert np.allclose(chroma_matrix(saturation, hue) @ np.full(3, 0.7), 0.7)


def test_no_saturation_leaves_the_brightness():
    made = augment(rng(), picture(np.float32), only(
        colour=1, saturation=(0, 0), hue=0, contrast=(1, 1)))  # fmt: skip
    assert np.allclose(made, (picture(np.float32) @ LUMA)[..., None], atol=1e-5)


def test_contrast_turns_around_mid_grey():
    made = augment(rng(), picture(np.float32), only(
        colour=1, saturation=(1, 1), hue=0, contrast=(0.5, 0.5)))  # fmt: skip
    assert np.allclose(made, 0.25 + picture(np.float32) / 2, atol=1e-5)


def test_a_full_tint_makes_white_the_colour_of_a_paper():
    white = np.ones((8, 8, 3), np.float32)
    seen = [augment(rng(n), white, only(tint=1, tint_strength=(1, 1)))[0, 0] for n in range(40)]
    assert np.array_equal(np.unique(seen, axis=0), np.unique(PAPERS, axis=0))


def test_tone_is_gain_and_gamma():
    how = only(tone=1, gain=(0.9, 0.9), gamma=(1.2, 1.2))
    made = augment(rng(), picture(np.float32), how)
    assert np.allclose(made, 0.9 * picture(np.float32) ** 1.2, atol=1e-5)


@pytest.mark.parametrize("size", [0.8, 1.0, 1.6])
def test_grain_is_as_strong_and_as_coarse_as_said(size):
    grey = np.full((256, 256, 3), 0.5, np.float32)
    how = only(grain=1, grain_strength=(0.02, 0.02), grain_size=(size, size))
    noise = augment(rng(), grey, how) - grey
    assert noise.std() == pytest.approx(0.02 * float(grain_envelope(np.float32(0.5))), rel=0.05)
    beside = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
    assert beside == pytest.approx(np.exp(-1 / (4 * size**2)), abs=0.1)
    assert np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1] > 0.8


def test_a_jpeg_of_low_quality_loses_more():
    losses = [
        np.abs(
            augment(rng(), picture(np.float32), only(jpeg=1, jpeg_quality=(q, q)))
            - picture(np.float32)
        ).mean()
        for q in (95, 60, 10)
    ]
    assert losses == sorted(losses)
    assert losses[0] < 0.01


@pytest.mark.parametrize(
    "wrong",
    [
        {"flip": 1.5},
        {"tone": -0.1},
        {"gain": (1.2, 0.8)},
        {"scales": (0.0, 2.0)},
        {"jpeg_quality": (0, 90)},
        {"degrees": 60},
        {"sharpen": 1},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        Augmentation(**wrong)


def test_every_field_says_what_it_is():
    assert all(field.description for field in Augmentation.model_fields.values())


def test_a_table_of_a_recipe_gives_one():
    how = Augmentation.model_validate({"tint": 0.2, "scales": [0.8, 1.5]})
    assert (how.tint, how.scales) == (0.2, (0.8, 1.5))


def test_every_field_is_documented():
    page = Path(__file__).parents[3] / "docs" / "training-data.md"
    told = page.read_text(encoding="utf-8")
    assert [name for name in Augmentation.model_fields if f"`{name}`" not in told] == []
