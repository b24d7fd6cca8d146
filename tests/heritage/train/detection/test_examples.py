import numpy as np
import pytest

from heritage.damage.classes import DamageClass
from heritage.train.detection.examples import IGNORED, load_material, make_example


@pytest.fixture
def material(recipe):
    return load_material(recipe)


def test_what_is_held_out_is_not_trained_on(material):
    own, held_out = material
    assert (len(own.pictures), len(held_out.pictures)) == (4, 2)
    assert (len(own.masks), len(held_out.masks)) == (3, 1)
    for kept in held_out.pictures:
        assert not any(np.array_equal(kept, one) for one in own.pictures)


def test_the_same_seed_makes_the_same_square(recipe, material):
    one, two = (make_example(np.random.default_rng(5), material[0], recipe) for _ in range(2))
    assert np.array_equal(one.picture, two.picture)
    assert np.array_equal(one.truth, two.truth)
    assert one.picture.shape == (96, 96, 3)


def test_a_clean_square_has_no_damage(recipe, material):
    clean = recipe.model_copy(update={"clean": 1.0})
    made = [make_example(np.random.default_rng(n), material[0], clean) for n in range(8)]
    assert not any(one.truth.any() for one in made)


def test_real_patterns_become_cracks(recipe, material):
    cracked = recipe.model_copy(update={"clean": 0.0, "real": 1.0})
    made = [make_example(np.random.default_rng(n), material[0], cracked) for n in range(20)]
    truths = np.stack([one.truth for one in made])
    assert set(np.unique(truths)) <= {0, DamageClass.CRACKS, IGNORED}
    assert (truths == DamageClass.CRACKS).mean() > 0.005
    darker = [
        one.picture[one.truth == DamageClass.CRACKS].mean() < one.picture[one.truth == 0].mean()
        for one in made
        if (one.truth == DamageClass.CRACKS).any()
    ]
    assert np.mean(darker) > 0.6  # a few are pale


def test_changes_that_nobody_sees_count_neither_way(recipe, material):
    damaged = recipe.model_copy(update={"clean": 0.0, "real": 0.0})
    made = [make_example(np.random.default_rng(n), material[0], damaged) for n in range(30)]
    truths = np.stack([one.truth for one in made])
    assert (truths == IGNORED).any()
    assert not np.isin(truths, (DamageClass.FADING, DamageClass.LIGHTLEAK)).any()
    assert len(np.unique(truths)) > 5
