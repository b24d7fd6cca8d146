import pytest

from heritage.train.recipe import RecipeRefused, read_recipe


def write(folder, text):
    for name in ("pictures", "validation"):
        (folder / name).mkdir(exist_ok=True)
    path = folder / "r.toml"
    path.write_text('name = "x"\npictures = "pictures"\nvalidation = "validation"\n' + text)
    return path


def test_folders_are_relative_to_the_recipe_and_the_rest_has_defaults(tmp_path):
    recipe = read_recipe(write(tmp_path, "batch = 3\n[losses]\nhole = 5.0\n"))
    assert recipe.pictures == tmp_path / "pictures"
    assert recipe.batch == 3
    assert recipe.losses.hole == 5
    assert recipe.losses.perceptual == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("crop = 100\n", "crop"),
        ("colour = 1\n", "unknown key colour"),
        ("[losses]\nsharpness = 1\n", "unknown key losses.sharpness"),
        ('masks = "nowhere"\n', "there is no folder"),
        ("= 3\n", "cannot be read"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(tmp_path, text, said):
    with pytest.raises(RecipeRefused, match=said):
        read_recipe(write(tmp_path, text))


def test_a_recipe_without_pictures_is_incomplete(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('name = "x"\n')
    with pytest.raises(RecipeRefused, match="incomplete"):
        read_recipe(path)
