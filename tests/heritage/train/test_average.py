import pytest
import torch

from heritage.train.average import follow, start_average
from heritage.train.networks import learning


@pytest.mark.parametrize("name", ["lama", "migan", "biggan", "edgeconnect-edge"])
def test_the_average_starts_as_the_network_and_computes_the_same(small, name):
    recipe = small(name)
    network = learning(recipe).eval()
    average = start_average(network, recipe)
    assert not any(parameter.requires_grad for parameter in average.parameters())
    image, mask = torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    mask[..., 20:40, 20:40] = 1
    with torch.no_grad():
        if name == "edgeconnect-edge":
            one, two = (each(image) for each in (network, average))
        else:
            one, two = (each.complete(image * (1 - mask), mask) for each in (network, average))
    assert torch.allclose(one, two, atol=1e-5)


def test_it_moves_by_what_the_decay_leaves(small):
    recipe = small("lama")
    network = learning(recipe)
    average = start_average(network, recipe)
    key = "model.1.ffc.convl2l.weight"
    before = average.state_dict()[key].clone()
    with torch.no_grad():
        network.get_parameter(key).add_(1.0)
    follow(average, network, 0.75)
    assert torch.allclose(average.state_dict()[key], before + 0.25, atol=1e-6)


def test_directions_of_a_spectral_normalisation_keep_their_length(small):
    recipe = small("edgeconnect-edge")
    network = learning(recipe)
    average = start_average(network, recipe)
    network.train()(torch.rand(2, 3, 64, 64))  # moves them
    follow(average, network, 0.5)
    for key, tensor in average.state_dict().items():
        if key.endswith(("weight_u", "weight_v")):
            assert tensor.norm().item() == pytest.approx(1, abs=1e-5)
            assert torch.equal(tensor, network.state_dict()[key])


def test_looking_at_parametrised_weights_leaves_the_network_as_it_is(small):
    recipe = small("biggan")
    network = learning(recipe).train()
    average = start_average(network, recipe)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    follow(average, network, 0.5)
    assert network.training
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
