import numpy as np
import pytest
import torch

import models
from models.cards import InpainterCard
from models.critics.patch import PatchDiscriminator
from models.network_inpainter import NetworkInpainter
from models.networks.lama import LaMa

CARD = InpainterCard("x", "gan", "test")


# The golden folder's own reader leaves its files to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
def test_equals_the_official_network(golden):
    report = golden.run_golden(
        "lama_tiny",
        build=lambda: models.create("lama", ngf=16, n_blocks=3),
        forward=lambda net, x: net(torch.cat([x["image"] * (1 - x["mask"]), x["mask"]], 1)),
    )
    assert report["ok"], report


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("lama_big", lambda: LaMa()),
        ("lama_fourier", lambda: LaMa(n_blocks=9)),
        ("lama_disc", PatchDiscriminator),
    ],
)
def test_published_checkpoints_would_load_strictly(golden, name, network):
    with torch.device("meta"):
        state = network().state_dict()
    assert golden.check_keys(name, state) == ([], [], [])


def test_a_residual_network_starts_as_its_first_guess():
    network = LaMa(ngf=8, n_downsampling=2, n_blocks=1, activation="none", shuffle=2).eval()
    out = network(torch.rand(2, 4, 64, 48))
    assert out.shape == (2, 3, 64, 48)
    assert not out.any()


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="activation"):
        LaMa(activation="tanh")


@pytest.mark.parametrize("activation", ["sigmoid", "none"])
@pytest.mark.parametrize("size", [(1, 1), (5, 70), (64, 33)])
def test_any_size_goes_and_known_pixels_come_back_exactly(activation, size):
    torch.manual_seed(0)
    network = LaMa(ngf=8, n_downsampling=2, n_blocks=1, activation=activation).eval()
    image = torch.rand(2, 3, *size)
    mask = torch.rand(2, 1, *size) > 0.7
    filled = NetworkInpainter(network, CARD, "cpu")(image, mask)
    known = (~mask).expand_as(image)
    assert torch.equal(filled[known], image[known])
    assert 0 <= float(filled.min()) <= float(filled.max()) <= 1


def test_what_lies_under_the_mask_does_not_matter():
    torch.manual_seed(0)
    network = LaMa(ngf=8, n_downsampling=2, n_blocks=1, activation="none").eval()
    torch.nn.init.normal_(network.model[-1].weight, std=0.1)
    inpainter = NetworkInpainter(network, CARD, "cpu")
    image = torch.rand(1, 3, 64, 64)
    mask = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    mask[..., 20:40, 10:50] = True
    other = torch.where(mask, torch.rand_like(image), image)
    one, two = inpainter(image, mask), inpainter(other, mask)
    np.testing.assert_array_equal(one.numpy(), two.numpy())
