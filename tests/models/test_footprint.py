import pytest
import torch
from torch import nn

from models.footprint import cost, footprint
from models.network import InpaintingNetwork
from models.testing import CONFIGS, tiny_network


class Two(InpaintingNetwork):
    """Two convolutions whose cost is known by hand."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Conv2d(3, 10, 3, padding=1, bias=False)
        self.narrow = nn.Conv2d(10, 3, 1, bias=False)

    def stages(self, image, mask, latent=None, truncation=1.0):
        return [self.narrow(self.wide(image))]


def test_by_hand():
    found = footprint(Two(), 64)
    pixels = 64 * 64
    assert found.parameters == 10 * 27 + 30
    assert found.flops == 2 * pixels * (10 * 27 + 30)
    # known part, mask as numbers, the wide map and the result are alive together
    assert found.memory >= 4 * pixels * (3 + 1 + 10 + 3)
    assert found.memory <= 4 * pixels * 30


@pytest.mark.parametrize("architecture", CONFIGS)
def test_every_network_can_be_counted_and_comes_back_as_it_was(architecture):
    network = tiny_network(architecture)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    small, large = footprint(network, 64), footprint(network, 128)
    assert small.flops > 0
    if network.side is None:
        assert 3.5 < large.flops / small.flops < 20  # attention grows faster than the picture
        assert large.memory > 2 * small.memory
    else:
        assert small == large
    assert not network.training
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])
    assert set(cost(network)) == {"memory", "gflop"}
