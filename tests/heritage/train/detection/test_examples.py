import numpy as np
import pytest
from PIL import Image

from heritage.damage.classes import DamageClass
from heritage.errors import HeritageError
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


def test_pairs_are_cut_at_their_own_scale(recipe, tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    picture = np.full((80, 150, 3), 200, np.uint8)  # lower than a square: mirrored
    picture[:, 40:44] = 30
    Image.fromarray(picture).save(folder / "a.jpg", quality=95)
    Image.fromarray(((picture[..., 0] < 100) * 255).astype(np.uint8)).save(folder / "a.mask.png")
    told = recipe.model_copy(update={"pairs": folder, "paired": 1.0, "pairs_show": "SCRATCH"})
    own, _ = load_material(told)
    made = [make_example(np.random.default_rng(n), own, told) for n in range(6)]
    scratched = [one for one in made if one.truth.any()]
    assert scratched
    for one in scratched:
        assert set(np.unique(one.truth)) == {0, DamageClass.SCRATCH}
        assert one.picture[one.truth > 0].mean() < 60 < one.picture[one.truth == 0].mean()


@pytest.mark.parametrize(("name", "said"), [("b", "no picture b"), ("a", "another size"), ("", "")])
def test_pairs_that_are_none_are_refused(recipe, tmp_path, name, said):
    folder = tmp_path / "pairs"
    folder.mkdir()
    Image.fromarray(np.zeros((80, 90, 3), np.uint8)).save(folder / "a.png")
    if name:
        Image.fromarray(np.zeros((70, 90), np.uint8)).save(folder / f"{name}.mask.png")
    with pytest.raises(HeritageError, match=said or r"no NAME\.mask\.png"):
        load_material(recipe.model_copy(update={"pairs": folder}))
