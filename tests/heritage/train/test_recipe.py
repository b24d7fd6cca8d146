import dataclasses

import pytest

from heritage.train.recipe import Recipe, RecipeRefused, read_recipe
from models.training.objectives import LossWeights


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
        ("centre = 192\n", "leaves nothing known"),
        ("betas = [0.5]\n", "betas must be two numbers"),
        ("betas = [0.5, 1.0]\n", "betas must be two numbers"),
        ('adversarial = "logistic"\n', "adversarial must be one of"),
        ('features = "vgg16"\n', "features must be"),
        ('features = "vgg19:gone.pth"\n', "features: there is no file"),
        ('segmentation = "gone.pth"\n', "segmentation: there is no file"),
        ('teacher = "gone.safetensors"\n', "teacher: there is no file"),
        ('discriminator = { kind = "oracle" }\n', "discriminator: no kind"),
        ("discriminator = { cnum = 8 }\n", "discriminator: lama takes no 'cnum'"),
        ("[losses]\nhigh_receptive_field = 30.0\n", "needs segmentation"),
        ("[losses]\ndistillation = 2.0\n", "needs a teacher"),
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


def test_files_are_relative_to_the_recipe_too(tmp_path):
    for name in ("vgg.pth", "encoder.pth", "teacher.safetensors"):
        (tmp_path / name).touch()
    text = 'features = "vgg19:vgg.pth"\nsegmentation = "encoder.pth"\n'
    recipe = read_recipe(write(tmp_path, text + 'teacher = "teacher.safetensors"\n'))
    assert recipe.features == f"vgg19:{tmp_path / 'vgg.pth'}"
    assert recipe.segmentation == tmp_path / "encoder.pth"
    assert recipe.teacher == str(tmp_path / "teacher.safetensors")


def test_what_is_not_said_is_as_it_always_was(tmp_path):
    recipe = read_recipe(write(tmp_path, ""))
    assert recipe.discriminator == {"ndf": 48, "n_layers": 3}
    assert recipe.betas == (0.5, 0.99)
    assert recipe.features == "squeezenet"
    used = {name for name, weight in vars(recipe.losses).items() if weight}
    assert used == {"hole", "perceptual", "adversarial", "matching", "r1", "gamma", "band"}


@pytest.mark.parametrize("kind", [Recipe, LossWeights])
def test_every_field_of_a_recipe_is_described(kind):
    for field in dataclasses.fields(kind):
        assert f"    {field.name}: " in kind.__doc__
