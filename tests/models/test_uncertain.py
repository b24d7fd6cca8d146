import torch

import models
from models.cards import InpainterCard
from models.inpainter import Inpainter
from models.network import InpaintingNetwork
from models.network_inpainter import NetworkInpainter
from models.uncertain import uncertainty

CARD = InpainterCard("x", "gan", "test")


def picture(height=24, width=36):
    generator = torch.Generator().manual_seed(2)
    image = torch.rand(2, 3, height, width, generator=generator)
    mask = torch.zeros(2, 1, height, width)
    mask[..., 6:18, 8:20] = 1
    return image, mask


class LeftToRight(Inpainter):
    """Answers with the column's number: turned pictures get other answers."""

    def _fill(self, image, holes):
        return torch.linspace(0, 1, image.shape[-1]).expand_as(image)


class Coin(InpaintingNetwork):
    latent = 1

    def stages(self, image, mask, latent=None, truncation=1.0):
        side = 0 if latent is None else latent.sign()[..., None, None]
        return [0.5 + 0.1 * side + 0 * image]


def test_a_method_that_does_not_care_how_a_picture_is_turned_is_certain():
    class Grey(Inpainter):
        def _fill(self, image, holes):
            return torch.full_like(image, 0.4)

    assert not uncertainty(Grey(CARD, "cpu"), *picture()).any()


def test_the_spread_over_the_eight_turns_by_hand():
    image, mask = picture(16, 16)
    spread = uncertainty(LeftToRight(CARD, "cpu"), image, mask)
    y, x = 10, 9
    a, b = x / 15, y / 15  # each pixel is answered with its distance from each of the four sides
    answers = torch.tensor([a, 1 - a, b, 1 - b]).double()
    torch.testing.assert_close(spread[0, 0, y, x].double(), answers.std(correction=0))


def test_draws_count_where_there_are_any():
    image, mask = picture()
    coin = NetworkInpainter(Coin(), CARD, "cpu")
    assert not uncertainty(coin, image, mask, draws=1).any()
    spread = uncertainty(coin, image, mask, draws=8)
    assert float(spread[0, 0, 8, 10]) > 0.05


def test_nothing_is_uncertain_outside_the_holes():
    image, mask = picture()
    spread = models.uncertainty(models.load("art-small", "cpu"), image, mask)
    assert spread.shape == mask.shape
    assert spread.dtype == torch.float32
    assert not spread[mask == 0].any()
    assert bool((spread[mask != 0] > 0).any())
