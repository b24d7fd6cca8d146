"""Names become inpainters; weights that are not what they should be do not."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import models
from models import registry
from models.cards import InpainterCard
from models.inpainter import Inpainter
from models.network import InpaintingNetwork

CLASSICAL = {"telea", "navier-stokes", "biharmonic", "patchmatch"}


class Grey(InpaintingNetwork):
    """The smallest network there is: one colour."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.colour = nn.Parameter(torch.zeros(channels))


class GreyInpainter(Inpainter):
    def __init__(self, network, card, device):
        super().__init__(card, device)
        self.network = network.to(self.device)

    def _fill(self, image, holes):
        return self.network.colour.view(1, 3, 1, 1).expand_as(image)


def inpainter(network, card, device, precision):
    return GreyInpainter(network, card, device)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A user's folder with one model, ``grey``, of an architecture that this file defines."""
    monkeypatch.setitem(sys.modules, "grey_architecture", sys.modules[__name__])
    monkeypatch.setitem(registry.ARCHITECTURES, "grey", "grey_architecture:Grey")
    write_model(tmp_path)
    return tmp_path


def write_model(folder, tensors=None, **fields):
    weights = folder / "grey.safetensors"
    save_file(tensors or {"colour": torch.tensor([0.1, 0.2, 0.3])}, weights)
    card = {
        "name": "grey",
        "architecture": "grey",
        "config": {"channels": 3},
        "purpose": "Grey walls.",
        "licence": "CC0-1.0",
        "steps": 7,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    (folder / "grey.json").write_text(json.dumps(card | fields))


def test_the_classical_methods_are_there_and_the_test_tool_is_hidden():
    names = {card.name for card in models.available()}
    assert names >= CLASSICAL
    assert "identity" not in names
    assert models.load("identity").name == "identity"


def test_cards_say_what_a_chooser_needs():
    for card in models.available():
        assert card.purpose
        assert card.licence
        assert card.paper or card.architecture
        assert card.kind in {"gan", "diffusion", "exemplar"}


def test_listing_needs_no_torch():
    program = "import sys, models; models.available(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_users_model_is_listed_and_fills(folder):
    card = next(card for card in models.available(folder) if card.name == "grey")
    assert (card.licence, card.details["steps"]) == ("CC0-1.0", 7)
    grey = models.load("grey", device="cpu", folder=folder)
    assert grey.weights_sha256 == card.sha256
    restored = grey(torch.ones(1, 3, 4, 4), torch.eye(4)[None, None])
    assert torch.equal(restored[0, :, 0, 0], torch.tensor([0.1, 0.2, 0.3]))
    assert torch.equal(restored[0, :, 0, 1], torch.ones(3))


def test_the_environment_can_name_the_folder(folder, monkeypatch):
    monkeypatch.setenv("HERITAGE_MODELS", str(folder))
    assert models.load("grey", device="cpu").name == "grey"


def test_the_workspace_holds_a_users_models(folder, monkeypatch):
    monkeypatch.delenv("HERITAGE_MODELS", raising=False)
    monkeypatch.setenv("HERITAGE_HOME", str(folder.parent))
    folder.rename(folder.parent / "models")
    assert models.load("grey", device="cpu").name == "grey"


def test_the_default_is_the_card_that_says_so(folder, monkeypatch):
    monkeypatch.setattr(registry, "PACKAGED", folder)
    write_model(folder, default=True)
    assert models.load(device="cpu").name == "grey"
    assert models.available()[0].name == "grey"


def test_without_its_weights_the_default_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "PACKAGED", tmp_path)
    with pytest.raises(models.ModelNotFound, match="no default model") as refusal:
        models.load(folder=tmp_path)
    assert "telea" in str(refusal.value)


@pytest.mark.parametrize("name", ["nix", "../grey", ""])
def test_unknown_names_are_answered_with_the_known_ones(name, folder):
    with pytest.raises(models.ModelNotFound, match="patchmatch"):
        models.load(name, folder=folder)


def test_unknown_architectures_are_answered_with_the_known_ones():
    with pytest.raises(models.ModelNotFound, match="lama"):
        models.create("nix")


def test_create_gives_the_bare_network(folder):
    assert isinstance(models.create("grey", channels=4), nn.Module)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"colour": torch.zeros(4)}, "colour has shape (4,), the network wants (3,)"),
        ({"color": torch.zeros(3)}, "color is unknown to the network; colour is missing"),
        ({"colour": torch.full((3,), torch.nan)}, "not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(folder, tensors, said):
    write_model(folder, tensors)
    with pytest.raises(models.WeightsRefused) as refusal:
        models.load("grey", folder=folder)
    assert said in str(refusal.value)


def test_weights_that_are_not_those_of_the_card_are_refused(folder):
    weights = folder / "grey.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(models.WeightsRefused, match="SHA-256"):
        models.load("grey", folder=folder)


def test_a_file_that_is_no_weights_file_is_refused(folder):
    content = b"a pickle, perhaps"
    (folder / "grey.safetensors").write_bytes(content)
    card = json.loads((folder / "grey.json").read_text())
    card["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "grey.json").write_text(json.dumps(card))
    with pytest.raises(models.WeightsRefused, match="not a safetensors file"):
        models.load("grey", folder=folder)


def test_missing_weights_are_named(folder):
    (folder / "grey.safetensors").unlink()
    assert "grey" not in {card.name for card in models.available(folder)}
    with pytest.raises(models.ModelNotFound, match=r"grey\.safetensors"):
        models.load("grey", folder=folder)


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"architecture": "grey", "sha256": "00", "name": "other"}']
)
def test_a_card_that_is_none_hides_no_other_and_is_refused_by_name(folder, text):
    (folder / "grey.json").write_text(text)
    assert {card.name for card in models.available(folder)} >= CLASSICAL
    with pytest.raises(models.WeightsRefused, match="model card"):
        models.load("grey", folder=folder)


def test_a_device_that_is_not_there_is_named(folder):
    with pytest.raises(models.DeviceMissing, match="cuda:99"):
        models.load("grey", device="cuda:99", folder=folder)
    with pytest.raises(models.DeviceMissing, match="abacus"):
        models.load("grey", device="abacus", folder=folder)


def test_every_architecture_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    for name in registry.ARCHITECTURES:
        assert f"`{name}`" in text, name


@pytest.mark.parametrize("name", ["lama_big", "lama-fourier", "migan_256", "comodgan-512"])
def test_published_sizes_have_names_of_their_own(name):
    with torch.device("meta"):
        assert sum(p.numel() for p in models.create(name).parameters()) > 1e6


def test_a_part_of_an_inpainter_is_not_served_as_one(tmp_path):
    network = models.create("edgeconnect-edge", width=8, blocks=1)
    card = InpainterCard("half", "gan", "x", architecture="edgeconnect-edge")
    with pytest.raises(models.ModelNotFound, match="it is a part"):
        registry.serve(network, card, "cpu")
