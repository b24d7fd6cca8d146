import pytest
import torch

from models.networks.damage_unet import DamageUNet


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = DamageUNet((4, 4, 4, 4), n_lines=2).eval()
    for one in made.parameters():
        one.requires_grad_(False)
    return made


def look(network, seen):
    return network(seen[:, :3], seen[:, 3:])


def test_it_says_of_every_pixel_whether_and_of_every_second_how(network):
    damaged, kind = network(torch.rand(2, 3, 64, 96), torch.rand(2, 2, 64, 96))
    assert damaged.shape == (2, 1, 64, 96)
    assert kind.shape == (2, 18, 32, 48)


@pytest.mark.parametrize("pixel", [(256, 256), (263, 250), (271, 271)])
def test_it_sees_no_further_than_it_promises(network, pixel):
    """Everything further away may change: the answer does not."""
    rng = torch.Generator().manual_seed(1)
    picture = torch.rand(1, 5, 528, 528, generator=rng)
    other = torch.rand(1, 5, 528, 528, generator=rng)
    y, x = pixel
    near = torch.zeros(528, 528, dtype=torch.bool)
    near[y - network.reach : y + network.reach + 1, x - network.reach : x + network.reach + 1] = 1
    changed = torch.where(near, picture, other)
    for one, two in zip(look(network, picture), look(network, changed), strict=True):
        step = 528 // one.shape[2]
        assert torch.equal(one[..., y // step, x // step], two[..., y // step, x // step])


def test_thin_dark_and_thin_bright_things_are_shown_to_it(network):
    from models.networks.damage_unet import _seen

    picture = torch.full((1, 3, 32, 32), 0.5)
    picture[..., 16, :] = 0.2
    picture[..., :, 8] = 0.9
    seen = _seen(picture)[0]
    assert seen[3, 16, 20] > 0.5
    assert seen[4, 5, 8] > 0.5
    assert seen[3:, 5, 20].abs().max() == 0
