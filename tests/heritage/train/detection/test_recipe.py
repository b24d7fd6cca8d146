import pytest

from heritage.train.detection.recipe import (
    SHIPPED,
    DetectorRecipe,
    find_detector_recipe,
    read_detector_recipe,
)
from heritage.train.recipe import RecipeRefused


def test_folders_are_relative_to_the_recipe(recipe, tmp_path):
    assert recipe.pictures == tmp_path / "pictures"
    other = tmp_path / "others"
    other.mkdir()
    assert read_detector_recipe(tmp_path / "r.toml", other).pictures == other


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("crop = 100", "crop"),
        ("colour = 1", "colour"),
        ('pictures = "nowhere"', "there is no folder"),
        ("minutes = 0", "minutes"),
        ("= 3", "cannot be read"),
        ('pairs_show = "CRACK"', "no class of damage"),
        ("[augmentation]\nscales = [3.0, 1.0]", "scales"),
    ],
)
def test_what_is_wrong_is_said(recipe, tmp_path, line, said):
    text = (tmp_path / "r.toml").read_text()
    key = line.partition(" ")[0]
    kept = "\n".join(row for row in text.splitlines() if row.partition(" ")[0] != key)
    (tmp_path / "r.toml").write_text(f"{kept}\n{line}\n")
    with pytest.raises(RecipeRefused, match=said):
        read_detector_recipe(tmp_path / "r.toml")


def test_the_shipped_recipe_says_nothing_unknown():
    import tomllib

    table = tomllib.loads(SHIPPED.read_text())
    assert DetectorRecipe.model_validate(table).name == "damage"


def test_a_detector_s_recipe_is_told_from_an_inpainter_s(recipe, tmp_path):
    assert find_detector_recipe("damage") == SHIPPED
    assert find_detector_recipe(tmp_path / "r.toml") == tmp_path / "r.toml"
    (tmp_path / "other.toml").write_text('name = "x"\n')
    (tmp_path / "broken.toml").write_text("= 1")
    for name in ("art-small", tmp_path / "other.toml", tmp_path / "broken.toml"):
        assert find_detector_recipe(name) is None
