import dataclasses
from pathlib import Path

import pytest
from pydantic import ValidationError

from heritage.train.recipe import SHIPPED, RecipeRefused, find_recipe, keys_of, read_recipe
from heritage.train.schema import Recipe
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
        ("[watch]\nnoise = 1\n", "unknown key watch.noise; there are grace, "),
        ("[augmentation]\nnoise = 1\n", "unknown key augmentation.noise; there are colour, "),
        ("steps = 5\nminutes = 3\n", "give steps or minutes, not both"),
        ("minutes = -1\n", "minutes: input should be greater than 0, not -1"),
        ('batch = "many"\n', "batch: "),
        ("batch = 0\n", "batch: "),
        ("weight_decay = 0.1\n", "weight_decay needs optimiser = 'adamw'"),
        ('optimiser = "sgd"\n', "optimiser: input should be 'adam' or 'adamw', not 'sgd'"),
        ("rate = nan\n", "rate: "),
        ("validate_every = 3\n", "unknown key validate_every; there are .* validate, "),
        ('[losses]\nhole = "much"\n', "losses.hole: "),
        ("losses = 3\n", "losses: "),
        ("[watch]\ngradient_factor = 0.5\n", "watch.gradient_factor: "),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(tmp_path, text, said):
    with pytest.raises(RecipeRefused, match=said) as refused:
        read_recipe(write(tmp_path, text))
    assert "\n" not in str(refused.value)


def test_a_recipe_without_pictures_is_incomplete(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('name = "x"\n')
    with pytest.raises(RecipeRefused, match="incomplete: it must say pictures, validation"):
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


@pytest.mark.parametrize("table", ["", "watch", "augmentation"])
def test_every_field_of_a_recipe_is_described(table):
    kind = keys_of(Recipe)[table] if table else Recipe
    assert all(field.description for field in kind.model_fields.values())


def test_every_weight_of_a_loss_is_described():
    for field in dataclasses.fields(LossWeights):
        assert f"    {field.name}: " in LossWeights.__doc__


def test_a_recipe_cannot_be_changed(tmp_path):
    recipe = read_recipe(write(tmp_path, "validate = 3\n"))
    assert recipe.validate_every == 3
    with pytest.raises(ValidationError):
        recipe.steps = 7


def test_a_recipe_of_minutes_needs_no_steps(tmp_path):
    assert read_recipe(write(tmp_path, 'minutes = 2.5\nbatch = "auto"\n')).minutes == 2.5


def test_a_bare_name_is_a_shipped_recipe_unless_there_is_such_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_recipe("fine-tune") == SHIPPED / "fine-tune.toml"
    (tmp_path / "fine-tune").touch()
    assert find_recipe("fine-tune") == Path("fine-tune")
    with pytest.raises(RecipeRefused, match="those that come with this are aotgan, art-small"):
        find_recipe("fine-tuna")


def test_other_folders_take_the_place_of_the_recipes(tmp_path, monkeypatch):
    path = write(tmp_path, 'masks = "nowhere"\n')
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    places = {"pictures": Path("mine"), "validation": None, "masks": None}
    recipe = read_recipe(path, places)
    assert recipe.pictures == tmp_path / "mine"
    assert recipe.validation == tmp_path / "validation"
    assert recipe.masks is None  # those of other pictures, and not there
    with pytest.raises(RecipeRefused, match="masks: there is no folder"):
        read_recipe(path, {"masks": Path("missing")})
