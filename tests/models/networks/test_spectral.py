import pytest
import torch
from torch import nn

from models.networks.spectral import spectral

LAYERS = {
    "conv": lambda: nn.Conv2d(3, 5, 3),
    "transposed": lambda: nn.ConvTranspose2d(4, 6, 4, 2, 1),
    "linear": lambda: nn.Linear(7, 4),
}


SHAPES = {"conv": (1, 3, 5, 5), "transposed": (1, 4, 5, 5), "linear": (1, 7)}


def outputs_first(layer, weight):
    rows = weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight
    return rows.flatten(1)


@pytest.fixture(params=LAYERS)
def settled(request):
    """A layer whose power iteration has come to rest, an input for it, and how to make another."""
    torch.manual_seed(0)
    layer = spectral(LAYERS[request.param]()).eval()
    left, _, right = torch.linalg.svd(outputs_first(layer, layer.weight_orig.detach()))
    layer.weight_u.copy_(left[:, 0])
    layer.weight_v.copy_(right[0])
    return layer, torch.rand(SHAPES[request.param]), LAYERS[request.param]


def test_the_keys_are_those_of_published_checkpoints():
    layer = nn.Sequential(spectral(nn.Conv2d(3, 5, 3, bias=False)))
    shapes = {key: tuple(value.shape) for key, value in layer.state_dict().items()}
    assert shapes == {"0.weight_orig": (5, 3, 3, 3), "0.weight_u": (5,), "0.weight_v": (27,)}


def test_the_weight_used_has_largest_singular_value_one(settled):
    layer, x, _ = settled
    layer(x)
    largest = torch.linalg.matrix_norm(outputs_first(layer, layer.weight.detach()), 2)
    assert largest.item() == pytest.approx(1, abs=1e-4)


def test_evaluation_changes_no_state(settled):
    layer, x, _ = settled
    before = {key: value.clone() for key, value in layer.state_dict().items()}
    layer(x)
    assert all(torch.equal(value, before[key]) for key, value in layer.state_dict().items())


def test_a_plain_dictionary_loads_strictly(settled):
    layer, x, make = settled
    other = spectral(make()).eval()
    other.load_state_dict(dict(layer.state_dict()), strict=True)
    torch.testing.assert_close(other(x), layer(x))


@pytest.mark.parametrize("with_divided", [True, False])
def test_files_without_v_load_strictly_and_compute_the_same(settled, with_divided):
    layer, x, make = settled
    expected = layer(x).detach()
    old = {key: value for key, value in layer.state_dict().items() if key != "weight_v"}
    if with_divided:  # torch 0.4 kept the divided weight beside the original
        old["weight"] = layer.weight.detach().clone()
    keys = set(old)
    other = spectral(make()).eval()
    other.load_state_dict(old, strict=True)
    assert set(old) == keys  # the caller's dictionary is left alone
    torch.testing.assert_close(other(x), expected, rtol=1e-4, atol=1e-5)


def test_the_divided_weight_of_an_old_file_wins_over_an_unsettled_u():
    torch.manual_seed(1)
    layer = spectral(nn.Linear(6, 4))
    old = {key: value for key, value in layer.state_dict().items() if key != "weight_v"}
    old["weight"] = old["weight_orig"] / 3
    other = spectral(nn.Linear(6, 4)).eval()
    other.load_state_dict(old, strict=True)
    x = torch.rand(2, 6)
    torch.testing.assert_close(
        other(x), nn.functional.linear(x, old["weight_orig"] / 3, old["bias"])
    )


def test_a_missing_u_is_still_refused():
    layer = spectral(nn.Linear(3, 2))
    state = {key: value for key, value in layer.state_dict().items() if key != "weight_u"}
    with pytest.raises(RuntimeError, match="weight_u"):
        spectral(nn.Linear(3, 2)).load_state_dict(state, strict=True)


def test_a_fresh_layer_is_normalised_without_training():
    torch.manual_seed(2)
    layer = spectral(nn.Conv2d(4, 8, 3)).eval()
    layer(torch.rand(1, 4, 5, 5))
    largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
    assert largest.item() == pytest.approx(1, abs=0.05)


def test_it_can_be_laid_out_without_memory():
    with torch.device("meta"):
        assert spectral(nn.Conv2d(4, 8, 3)).weight_v.is_meta
