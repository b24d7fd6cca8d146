"""What the common wrapper adds to any network: sizes, precision, draws, too little memory."""

import pickle

import pytest
import torch

import models
from models.cards import InpainterCard
from models.draws import Draw
from models.network import InpaintingNetwork, in_float32
from models.network_inpainter import NetworkInpainter
from models.testing import write_tiny

CARD = InpainterCard("drawn", "gan", "test")


class Drawn(InpaintingNetwork):
    """Fills with a colour that its random vector chooses; counts what it is shown."""

    latent = 3

    def __init__(self, multiple=1, side=None):
        super().__init__()
        self.multiple, self.side = multiple, side
        self.last = torch.nn.Conv2d(3, 3, 1)
        torch.nn.init.dirac_(self.last.weight)
        torch.nn.init.zeros_(self.last.bias)
        self.seen = []

    def stages(self, image, mask, latent=None, truncation=1.0):
        self.seen.append(tuple(image.shape))
        latent = torch.zeros(len(image), self.latent) if latent is None else latent
        colour = 0.5 + 0.1 * truncation * latent
        return [in_float32(self.last, colour[:, :, None, None] + 0 * image)]


def picture(count=2, height=20, width=30):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(count, 3, height, width, generator=generator)
    mask = torch.zeros(count, 1, height, width, dtype=torch.bool)
    mask[..., 5:9, 5:9] = True
    return image, mask


def test_alternatives_differ_repeat_and_begin_with_the_plain_answer():
    inpainter = NetworkInpainter(Drawn(), CARD, "cpu")
    image, mask = picture()
    several = inpainter(image, mask, proposals=4, seed=5)
    assert several.shape == (4, *image.shape)
    assert torch.equal(several[0], inpainter(image, mask, seed=5))
    assert torch.equal(several[:2], inpainter(image, mask, proposals=2, seed=5))
    assert len({float(one[0, 0, 6, 6]) for one in several}) == 4
    known = ~mask.expand_as(image)
    assert all(torch.equal(one[known], image[known]) for one in several)


def test_truncation_brings_alternatives_together():
    inpainter = NetworkInpainter(Drawn(), CARD, "cpu")
    image, mask = picture()
    spread = [
        float(inpainter(image, mask, proposals=5, truncation=t).std(dim=0).max())
        for t in (1.0, 0.5, 0.0)
    ]
    assert spread[0] > spread[1] > spread[2] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"proposals": 0}, "at least 1"),
        ({"truncation": 1.5}, "0..1"),
        ({"seed": -1}, "negative"),
    ],
)
def test_senseless_draws_are_refused(arguments, said):
    with pytest.raises(models.InputRefused, match=said):
        NetworkInpainter(Drawn(), CARD, "cpu")(*picture(), **arguments)


def test_a_method_with_one_answer_gives_one_and_refuses_more():
    image, mask = picture()
    telea = models.load("telea")
    assert torch.equal(telea(image, mask, proposals=1)[0], telea(image, mask))
    with pytest.raises(models.InputRefused, match="one answer"):
        telea(image, mask, proposals=2)


def test_the_same_draw_is_the_same_vector_and_its_neighbours_are_others():
    assert Draw(3, 0).latent(8) is None
    assert torch.equal(Draw(3, 1).latent(8), Draw(3, 1).latent(8))
    rows = [Draw(3, 1).latent(8), Draw(3, 2).latent(8), Draw(4, 1).latent(8)]
    assert not torch.equal(rows[0], rows[1])
    assert not torch.equal(rows[0], rows[2])


def test_a_network_is_shown_multiples_of_what_it_wants():
    network = Drawn(multiple=16)
    NetworkInpainter(network, CARD, "cpu")(*picture(2, 20, 30))
    assert network.seen == [(2, 3, 32, 32)]


def test_a_network_of_one_size_is_shown_that_size_only():
    network = Drawn(side=16)
    image, mask = picture(1, 50, 40)
    filled = NetworkInpainter(network, CARD, "cpu")(image, mask)
    assert {shape[-2:] for shape in network.seen} == {(16, 16)}
    inside = filled[mask.expand_as(filled)].reshape(3, -1)
    torch.testing.assert_close(inside, inside[:, :1].expand_as(inside), atol=1e-5, rtol=0)


class Greedy(Drawn):
    """Runs out of memory with more than two windows."""

    def stages(self, image, mask, latent=None, truncation=1.0):
        if len(image) > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().stages(image, mask, latent, truncation)


def test_a_batch_that_the_device_cannot_hold_is_halved_and_gives_the_same():
    network = Greedy()
    network.limit = 2
    image, mask = picture(7)
    small = NetworkInpainter(network, CARD, "cpu")(image, mask)
    assert max(shape[0] for shape in network.seen) <= 2
    assert torch.equal(small, NetworkInpainter(Drawn(), CARD, "cpu")(image, mask))


def test_one_window_that_the_device_cannot_hold_is_the_callers_to_hear_of():
    network = Greedy()
    network.limit = 0
    with pytest.raises(torch.OutOfMemoryError):
        NetworkInpainter(network, CARD, "cpu")(*picture())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_picture_has_more_levels_than_its_features(precision):
    inpainter = models.load("art-small", "cpu", precision=precision)
    assert inpainter.device_class == ("cpu" if precision == "float32" else "cpu bfloat16")
    again = pickle.loads(pickle.dumps(inpainter))
    assert again.device_class == inpainter.device_class
    row = torch.linspace(0.2, 0.8, 128)
    image = (row + 0.05 * row[:, None]).expand(1, 3, 128, 128).contiguous()
    mask = torch.zeros(1, 1, 128, 128, dtype=torch.bool)
    mask[..., 32:96, 32:96] = True
    assert inpainter(image, mask)[0, 0][mask[0, 0]].unique().numel() > 256


def test_bfloat16_differs_from_float32_by_less_than_a_level_of_eight_bits():
    image, mask = picture(1, 64, 64)
    plain, quick = (
        models.load("art-small", "cpu", precision=p)(image, mask) for p in ("float32", "bfloat16")
    )
    assert float((plain - quick).abs().max()) < 1 / 255
    assert not torch.equal(plain, quick)


def test_sixty_four_windows_are_computed_in_groups_that_a_cpu_likes():
    network = Drawn()
    generator = torch.Generator().manual_seed(4)
    image = torch.rand(64, 3, 128, 128, generator=generator)
    mask = torch.rand(64, 1, 128, 128, generator=generator) < 0.3
    together = NetworkInpainter(network, CARD, "cpu")(image, mask)
    assert {shape[0] for shape in network.seen} == {16}
    one = NetworkInpainter(Drawn(), CARD, "cpu")(image[40:41], mask[40:41])
    assert torch.equal(together[40:41], one)


@pytest.mark.parametrize("architecture", ["biggan", "comodgan"])
def test_networks_that_sample_give_alternatives_that_truncation_brings_together(
    architecture, tmp_path
):
    write_tiny(tmp_path, architecture)
    inpainter = models.load("tiny", "cpu", tmp_path, "float32")
    assert inpainter.samples
    image, mask = picture(2, 64, 64)
    several = inpainter(image, mask, proposals=3, seed=1)
    assert torch.equal(several[0], inpainter(image, mask))
    assert torch.equal(several, inpainter(image, mask, proposals=3, seed=1))
    assert not torch.equal(several[1], inpainter(image, mask, proposals=2, seed=2)[1])
    spread = [
        float(inpainter(image, mask, proposals=4, truncation=t).std(dim=0).max())
        for t in (1.0, 0.3, 0.0)
    ]
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] < 1e-6
    uncertain = models.uncertainty(inpainter, image, mask, draws=2)
    assert bool((uncertain[mask] > 0).all())


def test_a_precision_that_is_none_is_refused():
    with pytest.raises(models.InputRefused, match="auto, float32, bfloat16, not 'fp32'"):
        models.load("art-small", "cpu", precision="fp32")
