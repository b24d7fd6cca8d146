"""Every recipe that comes with the project, at a size that a test can afford."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch

import models
from heritage.train.loop import Training
from heritage.train.recipe import RecipeRefused
from heritage.train.release import release
from models.checkpoints import load_weights, save_weights
from models.importing import import_weights
from models.registry import ARCHITECTURES
from models.testing import tiny_network

RECIPES = Path(__file__).parents[3] / "heritage" / "train" / "recipes"
NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))


def train(recipe, folder, samples, first=0, last=3):
    training = Training(recipe, folder, accelerator="cpu")
    labels = [0, 1, 2, 3] if hasattr(training.network, "classes") else None
    return training, [training.step(*each) for each in samples(recipe, first, last, labels)]


def parameters(network):
    return {name: p.detach().clone() for name, p in network.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_can_be_read_and_names_what_it_makes(published, name):
    recipe = published(name)
    assert recipe.name == name
    text = (RECIPES / f"{name}.toml").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert max(map(len, text.splitlines())) <= 100


def test_every_architecture_has_a_recipe(published):
    covered = {published(name).architecture for name in NAMES}
    # One layout of DeepFillv2 is as good as the other, and EdgeConnect is trained in halves.
    assert covered == set(ARCHITECTURES) - {"deepfillv2-tf", "edgeconnect"}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "art-small"])
def test_three_steps_are_finite_and_move_everything(small, samples, tmp_path, name):
    recipe = small(name, batch=4 if name == "biggan" else 2)
    training = Training(recipe, tmp_path / "run", accelerator="cpu")
    networks = {"generator": training.network, "discriminator": training.critic}
    before = {part: parameters(network) for part, network in networks.items()}
    labels = [0, 1, 2, 3] if hasattr(training.network, "classes") else None
    terms = [training.step(*each) for each in samples(recipe, 0, 3, labels)]
    assert all(math.isfinite(value) for step in terms for value in step.values())
    still = [
        f"{part} {key}"
        for part, network in networks.items()
        for key, value in parameters(network).items()
        if torch.equal(value, before[part][key])
    ]
    assert still == []
    wanted = {name for name, weight in vars(recipe.losses).items() if weight}
    wanted &= {"perceptual", "style", "matching", "r1", "orthogonal", "overlap_l2", "stages"}
    assert wanted | {"adversarial", "discriminator"} <= terms[0].keys()
    assert "nothing" not in terms[0]
