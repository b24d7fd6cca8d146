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
from models.importing.checkpoint import import_checkpoint
from models.registry import ARCHITECTURES
from models.testing import tiny_network
from models.training.adversarial import plain

RECIPES = Path(__file__).parents[3] / "heritage" / "train" / "recipes"
NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))
# art-small's first steps have no adversary; those after it train the same network.
SAME_NETWORK = {"art-small", "fine-tune", "full", "single-gpu"}


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
    # One layout of DeepFillv2 is as good as the other; the rest is made of parts that are trained.
    made_of_others = {"edgeconnect", "by-width"}
    assert covered == set(ARCHITECTURES) - {"deepfillv2-tf"} - made_of_others


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SAME_NETWORK])
def test_three_steps_are_finite_and_move_everything(small, samples, tmp_path, name):
    recipe = small(name, batch=4 if name == "biggan" else 2)
    training = Training(recipe, tmp_path / "run", device="cpu")
    networks = {"generator": training.network, "discriminator": plain(training.critic)}
    for network in networks.values():
        for key, parameter in network.named_parameters():
            if key == "attention.gain":  # a gate that starts shut: what is behind it waits
                torch.nn.init.constant_(parameter, 0.5)
    before = {part: parameters(network) for part, network in networks.items()}
    labels = [0, 1, 2, 3] if hasattr(training.network, "classes") else None
    terms = [training.step(*each) for each in samples(recipe, 0, 3, labels)]
    training.save()
    assert all(math.isfinite(value) for step in terms for value in step.values())
    still = [
        f"{part} {key}"
        for part, network in networks.items()
        for key, value in parameters(network).items()
        if torch.equal(value, before[part][key])
    ]
    # In a hinge loss the last bias gains from filled patches what it loses on real ones.
    if recipe.warmup < 3:
        assert set(still) <= {"discriminator local.bias", "discriminator whole.bias"}
    else:  # no adversary in these steps
        assert all(key.startswith("discriminator ") for key in still)
    wanted = {name for name, weight in vars(recipe.losses).items() if weight}
    wanted &= {"perceptual", "style", "matching", "r1", "orthogonal", "overlap_l2", "stages"}
    if recipe.warmup < 3:
        wanted |= {"adversarial", "discriminator", "real_right", "fake_right", "critic"}
    assert wanted | {"loss", "gradient"} <= terms[0].keys()
    assert "nothing" not in terms[0]


@pytest.mark.parametrize("name", NAMES)
def test_steps_in_bfloat16_are_finite_too(small, samples, tmp_path, name):
    recipe = small(name, precision="bf16-mixed", warmup=0)
    training = Training(recipe, tmp_path / "run", device="cpu")
    terms = [training.step(*each) for each in samples(recipe, 0, 2)]
    assert all(math.isfinite(value) for step in terms for value in step.values())


def saved(recipe, folder, samples):
    """A training of one step, and what it leaves in its folder."""
    training = Training(recipe, folder, device="cpu")
    training.step(*samples(recipe, 0, 1)[0])
    training.save()
    (folder / "metrics.jsonl").write_text('{"step": 1, "elapsed": 2.0}\n')
    return training


@pytest.mark.parametrize("name", [name for name in NAMES if name != "edgeconnect-edge"])
def test_what_a_training_leaves_is_released_and_loaded_by_name(small, samples, tmp_path, name):
    recipe = small(name, name="mine")
    training = saved(recipe, tmp_path / "run", samples)
    release(recipe, tmp_path / "run", tmp_path / "models")
    inpainter = models.load("mine", device="cpu", folder=tmp_path / "models")
    assert inpainter.card.licence == recipe.licence
    assert inpainter.card.architecture == recipe.architecture
    loaded = inpainter.network.state_dict()
    for key, tensor in training.average.state_dict().items():
        assert torch.allclose(loaded[key].float(), tensor.float(), rtol=1e-3, atol=1e-4), key
    image = torch.rand(1, 3, 72, 80)
    mask = torch.zeros(1, 1, 72, 80)
    mask[..., 20:40, 30:50] = 1
    filled = inpainter(image, mask)
    assert torch.equal(filled * (1 - mask), image * (1 - mask))


def test_both_halves_of_edgeconnect_make_one_inpainter(small, samples, tmp_path):
    edge = small("edgeconnect-edge")
    saved(edge, tmp_path / "edge", samples)
    saved(small("edgeconnect-inpaint"), tmp_path / "inpaint", samples)
    files = [tmp_path / part / "weights.safetensors" for part in ("edge", "inpaint")]
    import_checkpoint(files, "both", tmp_path / "models")
    inpainter = models.load("both", device="cpu", folder=tmp_path / "models")
    assert inpainter.card.architecture == "edgeconnect"
    with pytest.raises(RecipeRefused, match="fills nothing alone"):
        release(edge, tmp_path / "edge", tmp_path / "models")


@pytest.mark.parametrize("name", ["comodgan", "deepfillv2", "migan", "biggan"])
def test_a_training_that_was_cut_gives_the_losses_of_one_that_was_not(
    small, samples, tmp_path, name
):
    recipe = small(name)
    torch.manual_seed(11)
    training = Training(recipe, tmp_path / "whole", device="cpu")
    whole = [training.step(*each) for each in samples(recipe, 0, 4)]
    first = Training(recipe, tmp_path / "cut", device="cpu")
    cut = [first.step(*each) for each in samples(recipe, 0, 2)]
    first.save()
    torch.manual_seed(12)  # another process starts from another state
    again = Training(recipe, tmp_path / "cut", device="cpu")
    cut += [again.step(*each) for each in samples(recipe, 2, 4)]
    assert cut == whole
    for key, tensor in training.average.state_dict().items():
        assert torch.equal(again.average.state_dict()[key], tensor), key


def test_two_seeds_draw_different_latents(small, samples, tmp_path):
    one, two = (
        Training(small("comodgan", seed=seed), tmp_path / str(seed), device="cpu")
        for seed in (1, 2)
    )
    two.network.load_state_dict(one.network.state_dict())
    (sample,) = samples(one.recipe, 0, 1)
    assert one.step(*sample)["adversarial"] != two.step(*sample)["adversarial"]


def test_a_teacher_adds_its_term(small, samples, tmp_path):
    teacher = tiny_network("comodgan")
    save_weights(tmp_path / "teacher.safetensors", teacher.state_dict(), half=False)
    recipe = small("migan", teacher=str(tmp_path / "teacher.safetensors"))
    losses = dataclasses.replace(recipe.losses, distillation=2.0, hole=0.0)
    recipe = recipe.model_copy(update={"losses": losses})
    training = Training(recipe, tmp_path / "run", device="cpu")
    (sample,) = samples(recipe, 0, 1)
    assert training.step(*sample)["distillation"] > 0


@pytest.mark.parametrize(
    ("teacher", "said"), [("nobody", "no model named"), ("telea", "must be a CoModGAN")]
)
def test_a_teacher_that_cannot_teach_is_refused(small, tmp_path, teacher, said):
    recipe = small("migan", teacher=teacher)
    losses = dataclasses.replace(recipe.losses, distillation=2.0)
    with pytest.raises(RecipeRefused, match=said):
        Training(recipe.model_copy(update={"losses": losses}), tmp_path / "run", device="cpu")


@pytest.mark.parametrize("name", ["migan", "biggan", "edgeconnect-edge"])
def test_released_weights_are_a_start(small, samples, tmp_path, name):
    recipe = small(name)
    saved(recipe, tmp_path / "one", samples)
    weights = tmp_path / "one" / "weights.safetensors"
    two = Training(recipe, tmp_path / "two", start=weights, device="cpu")
    for key, tensor in load_weights(weights).items():
        assert torch.allclose(two.average.state_dict()[key], tensor, rtol=2e-3, atol=2e-3), key


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"crop": 128}, "only size"),
        ({"config": {"colour": 1}}, "cannot be made"),
        ({"architecture": "gan"}, "no architecture named"),
    ],
)
def test_networks_that_do_not_exist_at_that_size_are_refused(small, tmp_path, changes, said):
    with pytest.raises(RecipeRefused, match=said):
        Training(small("migan", **changes), tmp_path / "run", device="cpu")


@pytest.mark.parametrize("name", ["edgeconnect-edge", "comodgan"])
def test_a_run_validates_and_leaves_a_sheet(small, tmp_path, name):
    Training(small(name, steps=1), tmp_path / "run", device="cpu").run()
    assert (tmp_path / "run" / "sheet-0000001.png").is_file()
    text = (tmp_path / "run" / "metrics.jsonl").read_text()
    assert ("recall" if name == "edgeconnect-edge" else "network_psnr_hole") in text
    assert '"raw_l1"' in text
    assert ('"answers"' in text) == (name == "comodgan")  # it samples
