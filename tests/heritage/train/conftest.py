from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from heritage.train.pictures import load_pictures
from heritage.train.recipe import read_recipe
from heritage.train.workers import Windows
from models.device import one_thread
from models.testing import CONFIGS

RECIPES = Path(__file__).parents[3] / "heritage" / "train" / "recipes"

# What makes a published recipe small: the window, and the discriminator's arguments.
_DISCRIMINATORS = {
    "aot": {"ndf": 4},
    "biggan": {"width": 4, "n_down": 3},
    "context-encoder": {"ndf": 4},
    "deepfillv2": {"cnum": 8},
    "edgeconnect": {"ndf": 4},
    "lama": {"ndf": 4, "n_layers": 2},
    "stylegan2": {"resolution": 64, "channel_base": 512, "channel_max": 8},
}
_NETWORKS = {**CONFIGS, "edgeconnect-edge": {"width": 8, "blocks": 2}}
_CENTRES = {"context-encoder": 24}


def changed(recipe, **changes):
    """A recipe with other fields, as unchecked as a test needs them."""
    return recipe.model_copy(update=changes)


@pytest.fixture(autouse=True)
def _quick():
    """Networks this small are done sooner by one thread, several times so on a busy machine."""
    with one_thread():
        yield


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a handful of painted pictures, and a validation that takes seconds."""
    monkeypatch.setattr("heritage.train.validation.PICTURES", 2)
    rng = np.random.default_rng(3)
    for name, count in (("pictures", 4), ("validation", 3)):
        (tmp_path / name).mkdir()
        for number in range(count):
            small = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
            picture = Image.fromarray(small).resize((400, 300), Image.Resampling.BICUBIC)
            picture.save(tmp_path / name / f"{number}.png")
    return tmp_path


@pytest.fixture
def recipe(folder):
    """A training that takes seconds: a tiny network."""
    path = folder / "tiny.toml"
    path.write_text(
        'name = "tiny"\npictures = "pictures"\nvalidation = "validation"\n'
        "config = { ngf = 8, n_downsampling = 2, n_blocks = 1, activation = 'none', shuffle = 2 }\n"
        "crop = 64\nbatch = 2\nsteps = 6\nwarmup = 2\nr1_interval = 2\n"
        "precision = '32-true'\ndiscriminator = { ndf = 8, n_layers = 2 }\n"
    )
    return read_recipe(path)


@pytest.fixture
def published(folder):
    """A function from a recipe's name to that recipe over the painted pictures."""

    def read(name):
        lines = (RECIPES / f"{name}.toml").read_text(encoding="utf-8").splitlines()
        places = ("pictures = ", "validation = ", "masks = ")
        kept = [line for line in lines if not line.startswith(places)]
        path = folder / f"{name}.toml"
        own = ['pictures = "pictures"', 'validation = "validation"']
        path.write_text("\n".join([*own, *kept]))
        return read_recipe(path)

    return read


@pytest.fixture
def small(published):
    """The same, with tiny networks; losses, weights and optimisers are the recipe's."""

    def read(which, **changes):
        recipe = published(which)
        discriminator = {"kind": "lama", **recipe.discriminator}
        discriminator |= _DISCRIMINATORS[discriminator["kind"]]
        config = {key: value for key, value in recipe.config.items() if key in ("side", "overlap")}
        config |= _NETWORKS[recipe.architecture]
        small = changed(
            recipe, config=config, discriminator=discriminator, crop=64, batch=2, steps=6,
            centre=_CENTRES.get(which, 0), r1_interval=min(2, recipe.r1_interval),
            precision="32-true",
        )  # fmt: skip
        return changed(small, **changes)

    return read


@pytest.fixture
def samples():
    """A function that gives the batches of some steps of a training."""

    def cut(recipe, first, last, labels=None):
        pictures = load_pictures(recipe.pictures, smallest=recipe.crop)
        windows = Windows(
            pictures, [], recipe.crop, recipe.batch, recipe.mix, recipe.native, recipe.seed,
            labels, recipe.centre,
        )  # fmt: skip
        return [windows.step(number) for number in range(first, last)]

    return cut
