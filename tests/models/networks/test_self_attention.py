"""Self-attention: nothing at first, then what the paper's equations say."""

import numpy as np
import pytest
import torch
from torch import nn

from models.networks.self_attention import SelfAttention


def attention(channels=8, gain=1.0):
    torch.manual_seed(0)
    layer = SelfAttention(channels)
    nn.init.constant_(layer.gain, gain)
    return layer


def test_it_starts_as_if_it_were_not_there():
    x = torch.randn(2, 8, 6, 4)
    assert torch.equal(SelfAttention(8)(x), x)


def test_its_gain_learns_from_the_start():
    layer = SelfAttention(8)
    layer(torch.randn(1, 8, 4, 4)).square().sum().backward()
    assert float(layer.gain.grad.abs()) > 0


def test_it_is_the_sum_that_the_paper_writes():
    layer, x = attention(gain=0.7), torch.randn(1, 8, 4, 6)
    result = layer(x)[0].detach().numpy()

    def weight(conv):
        return conv.weight.detach().numpy()[:, :, 0, 0]

    picture = x[0].numpy()
    asked = np.einsum("oc,chw->ohw", weight(layer.query), picture)

    def pooled(conv):
        full = np.einsum("oc,chw->ohw", weight(conv), picture)
        return full.reshape(len(full), 2, 2, 3, 2).max((2, 4)).reshape(len(full), 6)

    keys, values = pooled(layer.key), pooled(layer.value)
    for row in range(4):
        for column in range(6):
            energy = np.array([asked[:, row, column] @ keys[:, place] for place in range(6)])
            share = np.exp(energy) / np.exp(energy).sum()
            found = weight(layer.output) @ sum(s * values[:, i] for i, s in enumerate(share))
            expected = picture[:, row, column] + 0.7 * found
            np.testing.assert_allclose(result[:, row, column], expected, rtol=1e-4, atol=1e-5)


def test_a_place_learns_from_the_far_corner():
    layer, x = attention(), torch.randn(1, 8, 16, 16)
    other = x.clone()
    other[..., -1, -1] += 50
    difference = (layer(other) - layer(x))[..., 0, 0].abs()
    assert float(difference.detach().max()) > 1e-4


def test_places_that_are_all_alike_find_what_they_are():
    layer, x = attention(), torch.randn(1, 8, 1, 1).expand(1, 8, 6, 6)
    alone = layer(x[..., :1, :1])
    torch.testing.assert_close(layer(x), alone.expand(1, 8, 6, 6), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 5), (32, 32)])
def test_any_size_goes(size):
    assert attention()(torch.randn(2, 8, *size)).shape == (2, 8, *size)


@pytest.mark.parametrize("channels", [1, 4, 64])
def test_keys_are_an_eighth_and_values_half_but_never_none(channels):
    layer = SelfAttention(channels)
    assert layer.query.out_channels == layer.key.out_channels == max(1, channels // 8)
    assert layer.value.out_channels == max(1, channels // 2)


def test_other_items_of_the_batch_do_not_matter():
    layer, x = attention(), torch.randn(3, 8, 5, 5)
    torch.testing.assert_close(layer(x)[1:2], layer(x[1:2]), rtol=1e-5, atol=1e-5)


def test_it_has_the_second_derivative_that_gradient_penalties_need():
    layer = attention(channels=2).double()
    x = torch.randn(1, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, x)


def test_extreme_energies_stay_finite():
    assert bool(attention()(1e4 * torch.randn(1, 8, 8, 8)).isfinite().all())
