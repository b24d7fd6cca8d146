import colorsys
import math

import imagecodecs
import numpy as np
import pytest

from heritage.errors import BadSetting, MasterRefused
from heritage.geometry import Box
from heritage.restore.profiles import romm_rgb
from heritage.tone import apply_tone, estimate_tone
from heritage.tone import overview as overview_module
from heritage.tone.colorimetry import from_lab, less_yellow, to_lab
from heritage.tone.overview import look
from tests.heritage.tone.conftest import page, print_of_brown


def _yellowed(picture):
    return (0.1 + 0.8 * picture) * np.array((1.0, 0.94, 0.75))


def test_a_yellowed_faded_page_comes_nearer_to_what_it_was(save) -> None:
    clean = page()
    old = _yellowed(clean).astype(np.float32)
    tone = estimate_tone(save(old))
    assert tone.ground
    assert tone.hue == "neutralised"
    after = apply_tone(tone, old, Box(0, 0, *old.shape[:2]))
    assert np.abs(after - clean).mean() < 0.5 * np.abs(old - clean).mean()
    light = clean.mean(axis=2) > 0.7
    blueness = [(p[..., 2] / p[..., 0])[light].mean() for p in (old, after, clean)]
    assert blueness[0] + 0.05 < blueness[1] < blueness[2]


def test_a_brown_print_gains_contrast_and_stays_brown(save) -> None:
    old = print_of_brown()
    tone = estimate_tone(save(old))
    assert (tone.ground, tone.hue, tone.field) == (False, "kept", None)
    after = apply_tone(tone, old, Box(0, 0, *old.shape[:2]))
    assert np.ptp(after) > 1.2 * np.ptp(old)
    pixels = [picture[::20, ::20].reshape(-1, 3) for picture in (old, after)]
    for before, now in zip(*pixels, strict=True):
        one, other = colorsys.rgb_to_hsv(*map(float, before)), colorsys.rgb_to_hsv(*map(float, now))
        assert other[0] == pytest.approx(one[0], abs=0.004)
        assert other[1] == pytest.approx(one[1], abs=0.03)


def test_hue_and_field_are_what_is_asked_for(save) -> None:
    old = _yellowed(page()).astype(np.float32)
    rows = np.linspace(1, 0.8, len(old))[:, None, None]
    master = save((old * rows).astype(np.float32))
    kept = estimate_tone(master, neutralise=False, field=False)
    assert (kept.hue, kept.field) == ("kept", None)
    whites = zip(kept.curves, kept.white, strict=True)
    ratio = [curve(np.array([white]))[0] / white for curve, white in whites]
    assert ratio == pytest.approx([ratio[0]] * 3, abs=1e-4)
    assert estimate_tone(master).field is not None
    grey = estimate_tone(master, neutralise=False, field=True).field
    assert grey is not None
    assert np.ptp(np.array(grey.log_gain), axis=2).max() == 0
    brown = save(print_of_brown(), "brown")
    assert estimate_tone(brown, neutralise=True).hue == "neutralised"


@pytest.mark.parametrize("picture", [page(), print_of_brown()], ids=["page", "print"])
def test_strength_0_changes_nothing(save, picture) -> None:
    tone = estimate_tone(save(picture), strength=0.0)
    assert tone.is_identity
    assert np.array_equal(apply_tone(tone, picture, Box(0, 0, *picture.shape[:2])), picture)


def test_strength_goes_from_little_to_much(save) -> None:
    old = _yellowed(page()).astype(np.float32)
    master, box = save(old), Box(0, 0, *old.shape[:2])
    moved = [
        np.abs(apply_tone(estimate_tone(master, strength=s), old, box) - old).mean()
        for s in (0.2, 0.5, 1.0)
    ]
    assert moved == sorted(moved)
    assert moved[0] < 0.4 * moved[2]


@pytest.mark.parametrize("value", [0.0, 0.03, 0.5, 1.0])
def test_a_blank_sheet_is_left_as_it_is(save, value: float) -> None:
    blank = np.full((64, 64, 3), value, np.float32)
    tone = estimate_tone(save(blank))
    assert tone.is_identity
    assert "too little contrast" in tone.note


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 300), (40, 5)])
def test_the_smallest_pictures_have_a_tone(save, size: tuple[int, int]) -> None:
    light = np.linspace(0.5, 0.9, size[0] * size[1], dtype=np.float32).reshape(*size, 1)
    picture = np.repeat(np.maximum(light, 0.8), 3, axis=2)
    tone = estimate_tone(save(picture), field=True)
    after = apply_tone(tone, picture, Box(0, 0, *size))
    assert np.isfinite(after).all()


def test_the_profile_says_what_is_yellow(save) -> None:
    """The same numbers are another colour in ProPhoto RGB."""
    white = (0.85, 0.8, 0.68)
    plain, romm = less_yellow(white, None), less_yellow(white, romm_rgb())
    assert plain is not None
    assert romm is not None
    assert np.abs(np.subtract(plain, romm)).max() > 0.005
    for icc, found in ((None, plain), (romm_rgb(), romm)):
        before, after = to_lab(white, icc), to_lab(found, icc)
        assert after[0] == pytest.approx(before[0], abs=0.1)
        assert 6 <= math.hypot(*after[1:]) < math.hypot(*before[1:])
        assert from_lab(before, icc) == pytest.approx(white, abs=2e-3)
    bare = estimate_tone(save(_yellowed(page())))
    tagged = estimate_tone(save(_yellowed(page()), "romm", iccprofile=romm_rgb()))
    assert bare.curves != tagged.curves


def test_blue_and_nearly_white_are_no_yellowing() -> None:
    assert less_yellow((0.7, 0.8, 0.95), None) is None
    assert less_yellow((0.9, 0.9, 0.89), None) is None


def test_a_profile_that_cannot_be_used_keeps_hues(save) -> None:
    grey = imagecodecs.cms_profile("gray", gamma=2.2)
    tone = estimate_tone(save(_yellowed(page()), iccprofile=bytes(grey)))
    assert tone.hue == "kept"
    assert "profile" in tone.note


def test_grey_has_no_hue(save) -> None:
    tone = estimate_tone(save(_yellowed(page()).mean(axis=2)))
    assert tone.hue == "kept"
    assert tone.curves[0] == tone.curves[1] == tone.curves[2]


def test_the_overview_is_the_mean_of_blocks_and_counts_every_pixel(save, monkeypatch) -> None:
    monkeypatch.setattr(overview_module, "LONGEST", 50)
    monkeypatch.setattr(overview_module, "_PIECE", 64 * 64)
    picture = np.random.default_rng(0).random((130, 240, 3)).astype(np.float32)
    seen = look(save(picture))
    assert seen.step == 5
    means = picture.reshape(26, 5, 48, 5, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(seen.picture, means, atol=1e-4)
    assert (seen.counts.sum(axis=1) == 130 * 240).all()
    assert seen.quantiles(0.5) == pytest.approx(np.median(picture, axis=(0, 1)), abs=0.01)


def test_two_tones_are_no_tones(save) -> None:
    bilevel = save(np.ones((32, 32)), "line", depth=8)
    import tifffile

    tifffile.imwrite(bilevel, np.ones((32, 32), bool), photometric="minisblack")
    with pytest.raises(MasterRefused, match="has no tones"):
        estimate_tone(bilevel)


@pytest.mark.parametrize("strength", [-0.1, 1.01, float("nan")])
def test_a_strength_beyond_all_bounds_is_wrong_usage(save, strength: float) -> None:
    with pytest.raises(BadSetting, match="strength"):
        estimate_tone(save(page()), strength=strength)
