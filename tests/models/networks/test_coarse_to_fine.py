"""The deep network's picture, made to fit by one that sees every known pixel."""

import torch

from models.networks.coarse_to_fine import CoarseToFine, config_of
from models.testing import CONFIGS, tiny_network


def test_it_starts_as_the_coarse_picture_with_the_known_put_back():
    network = CoarseToFine(**CONFIGS["coarse-to-fine"]).eval()
    image, mask = torch.rand(2, 3, 64, 72), torch.zeros(2, 1, 64, 72)
    mask[..., 20:40, 30:50] = 1
    coarse, fine = network.stages(image * (1 - mask), mask)
    assert torch.equal(fine, torch.where(mask > 0, coarse, image))
    assert torch.equal(coarse, network.coarse.complete(image * (1 - mask), mask))


def test_both_halves_learn_from_the_finished_picture():
    network = tiny_network("coarse-to-fine").train()
    image, mask = torch.rand(2, 3, 64, 64), torch.zeros(2, 1, 64, 64)
    mask[..., 20:40, 20:40] = 1
    network.complete(image * (1 - mask), mask).square().mean().backward()
    for half in (network.coarse, network.fine):
        assert all(p.grad is not None and p.grad.any() for p in half.parameters())


def test_its_size_is_told_from_its_tensors():
    network = tiny_network("coarse-to-fine")
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = config_of(shapes)
    assert found is not None
    CoarseToFine(**found).load_state_dict(network.state_dict(), strict=True)
    assert config_of({k: v for k, v in shapes.items() if k.startswith("fine.")}) is None
