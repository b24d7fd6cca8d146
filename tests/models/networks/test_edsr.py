"""The network for lines: a residual over a prefill that nothing normalises."""

import pytest
import torch

import models
from models.networks.edsr import EDSR, config_of
from models.prefill import prefill
from models.testing import CONFIGS, tiny_network


def shapes_of(network):
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def test_it_starts_as_the_smooth_prefill():
    image, mask = torch.rand(2, 3, 20, 24), (torch.rand(2, 1, 20, 24) < 0.2).float()
    (first,) = EDSR(width=8, n_blocks=2).stages(image * (1 - mask), mask)
    assert torch.equal(first, prefill(image * (1 - mask), mask))


def test_what_it_adds_depends_on_no_other_window():
    network = tiny_network("edsr")
    x = torch.rand(3, 4, 16, 16)
    assert torch.allclose(network(x)[1], network(x[1:2])[0], atol=1e-6)


def test_a_pixel_sees_as_far_as_the_blocks_reach_and_no_farther():
    network = tiny_network("edsr")  # 2 blocks at half size: 2 * (1 + 4 + 1) pixels
    x = torch.rand(1, 4, 64, 64)
    y = x.clone()
    y[..., 32, 40:] += 0.5
    changed = (network(x) != network(y)).any(1)[0, 32]
    assert changed[28:].any()
    assert not changed[: 40 - 2 * 6 - 2].any()


def test_its_size_is_told_from_its_tensors():
    config = {"width": 12, "n_blocks": 3, "shuffle": 1}
    assert config_of(shapes_of(EDSR(**config))) == config
    assert config_of(shapes_of(EDSR())) == {"width": 64, "n_blocks": 10, "shuffle": 2}
    assert config_of(shapes_of(tiny_network("lama"))) is None
    assert config_of({}) is None


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 64)])
def test_any_size_goes(size):
    network = models.create("edsr", **CONFIGS["edsr"]).eval()
    card = models.InpainterCard("x", "gan", "test", architecture="edsr")
    fill = models.registry.serve(network, card, "cpu")
    image, mask = torch.rand(1, 3, *size), torch.zeros(1, 1, *size)
    mask[..., size[0] // 2, :] = 1
    assert fill(image, mask).shape == image.shape
