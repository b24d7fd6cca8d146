from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from models.errors import ModelNotFound, WeightsRefused
from models.features.vgg import PERCEPTUAL, STYLE, VggFeatures, perceptual_and_style


@pytest.fixture
def published(tmp_path):
    """State of a small network with a classifier beside it, as torchvision saves it."""
    state = VggFeatures(width=2).state_dict()
    return {
        **{key: torch.full_like(value, 0.1) for key, value in state.items()},
        "classifier.0.weight": torch.zeros(3, 3),
        "classifier.6.bias": torch.zeros(3),
    }


@pytest.mark.parametrize(("depth", "parameters"), [(16, 14_714_688), (19, 20_024_384)])
def test_the_convolutions_have_as_many_parameters_as_in_the_paper(depth, parameters):
    with torch.device("meta"):
        network = VggFeatures(depth=depth, layers=["relu1_1"])
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_the_keys_are_torchvisions():
    with torch.device("meta"):
        shapes = {key: tuple(v.shape) for key, v in VggFeatures().state_dict().items()}
    assert len(shapes) == 32
    assert shapes["features.0.weight"] == (64, 3, 3, 3)
    assert shapes["features.10.weight"] == (256, 128, 3, 3)
    assert shapes["features.34.weight"] == (512, 512, 3, 3)
    assert shapes["features.34.bias"] == (512,)
    with torch.device("meta"):
        shapes = VggFeatures(depth=16, layers=["relu5_3"]).state_dict()
    assert "features.28.weight" in shapes
    assert len(shapes) == 26


def test_the_maps_are_those_after_the_named_rectifiers():
    torch.manual_seed(0)
    network = VggFeatures(width=2, normalise=False)
    layers = nn.Sequential(*network.features)
    image = torch.rand(2, 3, 32, 48)
    indices = {"relu1_1": 1, "relu2_1": 6, "relu3_1": 11, "relu4_1": 20, "relu5_1": 29}
    for found, name in zip(network(image), PERCEPTUAL, strict=True):
        torch.testing.assert_close(found, layers[: indices[name] + 1](image))
        assert found.min() >= 0
    both = perceptual_and_style(network, image)
    assert [m.shape[1:] for m in both[0]] == [
        (2, 32, 48), (4, 16, 24), (8, 8, 12), (16, 4, 6), (16, 2, 3)
    ]  # fmt: skip
    for found, end in zip(both[1], (9, 18, 27, 32), strict=True):
        torch.testing.assert_close(found, layers[:end](image))


def test_the_picture_is_normalised_unless_told_otherwise():
    torch.manual_seed(0)
    network = VggFeatures(width=2, layers=["relu1_1"])
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    bias = network.features[0].bias.relu().view(1, 2, 1, 1).expand(1, 2, 16, 16)
    torch.testing.assert_close(network(mean)[0], bias)


def test_it_is_frozen_but_lets_gradients_through_to_the_picture():
    network = VggFeatures(width=2, layers=STYLE).train()
    assert not network.training
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    sum(m.sum() for m in network(image)).backward()
    assert image.grad is not None
    assert all(not p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy"])
def test_published_weights_load_whatever_the_file_is_called(tmp_path, published, form):
    path = tmp_path / "weights.bin"
    if form == "safetensors":
        save_file(published, path)
    else:
        torch.save(published, path, _use_new_zipfile_serialization=form == "zip")
    network = VggFeatures(path, width=2)
    assert (network.features[0].weight == 0.1).all()


def test_a_file_that_does_not_fit_is_refused_saying_why(tmp_path, published):
    path = tmp_path / "weights.pth"
    del published["features.5.bias"]
    torch.save(published, path)
    with pytest.raises(WeightsRefused, match=r"features\.5\.bias"):
        VggFeatures(path, width=2)
    with pytest.raises(WeightsRefused, match="size mismatch"):
        VggFeatures(path, width=4)


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\x08\0\0\0\0\0\0\0{garbage"])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsRefused, match=r"weights\.pth"):
        VggFeatures(path, width=2)


class _Harm:
    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_in_a_file_is_executed(tmp_path, capsys):
    path = tmp_path / "weights.pth"
    torch.save({"features.0.weight": _Harm()}, path)
    with pytest.raises(WeightsRefused):
        VggFeatures(path, width=2)
    assert "executed" not in capsys.readouterr().out


def test_what_does_not_exist_is_said():
    with pytest.raises(ModelNotFound, match="no-such"):
        VggFeatures(Path("no-such.pth"), width=2)
    with pytest.raises(ValueError, match="relu3_4"):
        VggFeatures(depth=16, layers=STYLE, width=2)
    with pytest.raises(ValueError, match="11"):
        VggFeatures(depth=11)
