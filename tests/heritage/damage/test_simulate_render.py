"""Rendered damage: the truth is known to the pixel."""

import numpy as np
import pytest

from heritage.damage.classes import DamageClass
from heritage.damage.simulate import render
from heritage.damage.simulate.ageing import fade, yellow
from heritage.damage.simulate.grounds import GROUNDS, MATERIALS
from heritage.damage.simulate.render import AGEING, APPEARANCES
from heritage.errors import HeritageError

CLASS_OF = {
    "cracks": {DamageClass.CRACKS},
    "abrasion": {DamageClass.MATERIAL_LOSS, DamageClass.LACUNA},
    "losses": {DamageClass.MATERIAL_LOSS, DamageClass.LACUNA},
    "flaking": {DamageClass.PEEL},
    "stains": {DamageClass.STAINING},
    "tide-lines": {DamageClass.STAINING},
    "foxing": {DamageClass.STAINING},
    "dirt": {DamageClass.DIRT},
    "light-leaks": {DamageClass.LIGHTLEAK},
    "folds": {DamageClass.FOLD},
    "scratches": {DamageClass.SCRATCH},
    "burns": {DamageClass.BURN_MARK},
    "writing": {DamageClass.WRITING},
    "stamps": {DamageClass.STAMP},
    "punctures": {DamageClass.PUNCTURE},
    "tears": {DamageClass.PUNCTURE},
    "stickers": {DamageClass.STICKER},
    "dust": {DamageClass.DUST},
    "hairs": {DamageClass.HAIR},
}


@pytest.fixture(scope="module")
def picture():
    """A quiet painting: soft colours over 160 x 200 pixels."""
    y, x = np.mgrid[0:160, 0:200].astype(np.float32)
    layers = [0.5 + 0.2 * np.sin(x / 31 + k) * np.cos(y / (23 + 4 * k)) for k in range(3)]
    return np.stack(layers, axis=2).astype(np.float32)


def test_every_kind_of_local_damage_has_a_class():
    assert set(CLASS_OF) == set(APPEARANCES)
    assert set.union(*CLASS_OF.values()) == set(DamageClass) - {
        DamageClass.NONE,
        DamageClass.FADING,
    }


@pytest.mark.parametrize("name", APPEARANCES)
@pytest.mark.parametrize("material", MATERIALS)
def test_outside_the_damage_the_picture_is_untouched(picture, name, material):
    seen = set()
    for seed in range(3):
        damaged = render(np.random.default_rng(seed), picture, {name: 1.0}, material)
        assert damaged.picture.dtype == np.float32
        assert damaged.mask.dtype == damaged.classes.dtype == np.uint8
        assert 0 <= damaged.picture.min() <= damaged.picture.max() <= 1
        untouched = damaged.classes == 0
        np.testing.assert_array_equal(damaged.picture[untouched], picture[untouched])
        assert damaged.classes[damaged.mask > 0].all()
        seen |= set(np.unique(damaged.classes).tolist())
    assert seen - {0} <= CLASS_OF[name]
    assert len(seen) > 1


def test_the_same_seed_gives_the_same_damage(picture):
    one, two = (render(np.random.default_rng(3), picture) for _ in range(2))
    for a, b in zip(
        (one.picture, one.mask, one.classes), (two.picture, two.mask, two.classes), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_the_truth_is_left_as_it_was(picture):
    before = picture.copy()
    for seed in range(8):
        render(np.random.default_rng(seed), picture)
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("name", AGEING)
def test_ageing_has_no_mask(picture, name):
    found = set()
    for seed in range(6):
        damaged = render(np.random.default_rng(seed), picture, {name: 1.0}, "paper")
        assert not damaged.mask.any()
        found |= set(np.unique(damaged.classes).tolist())
    assert found <= {DamageClass.NONE, DamageClass.FADING}
    assert DamageClass.FADING in found


@pytest.mark.parametrize("material", MATERIALS)
def test_a_material_has_its_usual_damage(picture, material):
    for seed in range(6):
        damaged = render(np.random.default_rng(seed), picture, material=material)
        assert not np.array_equal(damaged.picture, picture)
        assert damaged.mask.mean() < 0.8


def test_fading_takes_contrast_and_leaves_what_it_fades_to(picture):
    rng = np.random.default_rng(0)
    faded, strength = fade(rng, picture, 0.6)
    assert faded.std() < 0.8 * picture.std()
    assert faded.mean() > picture.mean()
    assert strength.shape == picture.shape[:2]
    unchanged, _ = fade(np.random.default_rng(0), picture, 0.0)
    np.testing.assert_allclose(unchanged, picture, atol=1e-5)


def test_yellow_varnish_takes_the_blue(picture):
    yellowed, _ = yellow(np.random.default_rng(0), picture, 0.8)
    change = (yellowed - picture).mean(axis=(0, 1))
    assert change[2] < change[1] < 0
    unchanged, _ = yellow(np.random.default_rng(0), picture, 0.0)
    np.testing.assert_allclose(unchanged, picture, atol=1e-6)


def test_a_large_loss_is_a_lacuna_and_a_small_one_is_not(picture):
    found = set()
    for seed in range(30):
        damaged = render(np.random.default_rng(seed), picture, {"losses": 1.0}, "wall")
        lacunae = damaged.classes == DamageClass.LACUNA
        if lacunae.any():
            assert lacunae.mean() > 0.01
        found |= set(np.unique(damaged.classes).tolist())
    assert {DamageClass.LACUNA, DamageClass.MATERIAL_LOSS} <= found


@pytest.mark.parametrize("name", GROUNDS)
def test_a_ground_has_its_own_colour_and_texture(name):
    laid = GROUNDS[name].lay(np.random.default_rng(1), 90, 70)
    assert laid.shape == (90, 70, 3)
    assert 0 <= laid.min() <= laid.max() <= 1
    np.testing.assert_allclose(laid.mean(axis=(0, 1)), GROUNDS[name].colour, atol=0.2)
    assert laid.std(axis=(0, 1)).min() > 0.005


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"mix": {"coffee": 1.0}}, "unknown damage coffee; there are cracks"),
        ({"mix": {}}, "no damage has a chance"),
        ({"material": "marble"}, "unknown material 'marble'; there are canvas"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(picture, arguments, says):
    with pytest.raises(HeritageError, match=says):
        render(np.random.default_rng(0), picture, **arguments)


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 4), (20, 64, 3)])
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises(HeritageError, match=r"is not \(H, W, 3\)"):
        render(np.random.default_rng(0), np.zeros(shape, np.float32))
