import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.networks.spectral import spectral
from models.training import regularisers


def test_r1_is_the_squared_norm_of_the_gradient():
    real = torch.rand(2, 3, 4, 4, requires_grad=True)
    weight = torch.rand(3, 4, 4)
    logits = (real * weight).sum((1, 2, 3))
    expected = float(weight.square().sum())
    assert regularisers.r1_penalty(logits, real).item() == pytest.approx(expected, rel=1e-5)


def linear_critic(slope):
    return lambda x: (x * slope).sum((1, 2, 3))


def test_the_gradient_penalty_of_a_linear_critic_is_that_of_its_slope():
    slope = torch.full((1, 3, 2, 2), 0.5)  # norm sqrt(12 / 4)
    real, fake = torch.rand(4, 3, 2, 2), torch.rand(4, 3, 2, 2)
    found = regularisers.gradient_penalty(linear_critic(slope), real, fake)
    assert found.item() == pytest.approx((math.sqrt(3) - 1) ** 2, rel=1e-5)


def test_the_gradient_penalty_looks_at_the_hole_only_where_there_is_a_mask():
    slope = torch.full((1, 1, 1, 4), 2.0)
    mask = torch.tensor([0.0, 0.0, 0.0, 1.0]).view(1, 1, 1, 4)
    image = torch.rand(1, 1, 1, 4)
    found = regularisers.gradient_penalty(linear_critic(slope), image, image, mask)
    assert found.item() == pytest.approx((2 - 1) ** 2, rel=1e-5)


def test_the_gradient_penalty_is_taken_between_real_and_fake():
    def critic(x):
        return x.square().sum((1, 2, 3)) / 2  # its slope is the picture itself

    real, fake = torch.full((1, 1, 1, 1), 4.0), torch.full((1, 1, 1, 1), 2.0)
    mix = torch.full((1, 1, 1, 1), 0.25)
    found = regularisers.gradient_penalty(critic, real, fake, mix=mix)
    assert found.item() == pytest.approx((0.25 * 4 + 0.75 * 2 - 1) ** 2, rel=1e-5)


def test_the_score_of_many_patches_is_their_mean():
    critic = linear_critic(torch.full((1, 1, 1, 1), 3.0))

    def patches(x):
        return critic(x)[:, None, None, None].expand(-1, 1, 5, 5)

    image = torch.rand(2, 1, 1, 1)
    found = regularisers.gradient_penalty(patches, image, image)
    assert found.item() == pytest.approx(4, rel=1e-5)


def test_a_critic_flat_in_the_hole_gets_a_finite_gradient():
    network = nn.Conv2d(1, 1, 1)
    mask = torch.zeros(1, 1, 3, 3)
    image = torch.rand(1, 1, 3, 3)
    regularisers.gradient_penalty(network, image, image, mask).backward()
    assert network.weight.grad.isfinite().all()


def test_total_variation_by_hand():
    image = torch.tensor([[0.0, 1.0, 3.0, 9.0]]).view(1, 1, 1, 4)
    mask = torch.tensor([[1.0, 0.0, 0.0, 0.0]]).view(1, 1, 1, 4)
    # hole and rim: the first two; only their difference counts; four values in the picture
    assert regularisers.total_variation(image, mask).item() == pytest.approx(1 / 4)
    assert regularisers.total_variation(image.mT, mask.mT).item() == pytest.approx(1 / 4)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.floats(-2, 2))
def test_an_even_picture_has_no_variation(height, width, value):
    image = torch.full((2, 3, height, width), value)
    assert regularisers.total_variation(image, torch.ones(2, 1, height, width)).item() == 0


def test_no_hole_has_no_variation():
    assert regularisers.total_variation(torch.rand(1, 3, 5, 5), torch.zeros(1, 1, 5, 5)) == 0


def test_orthogonal_by_hand():
    layer = nn.Linear(2, 3, bias=False)
    layer.weight.data = torch.tensor([[1.0, 0.0], [1.0, 2.0], [0.0, 5.0]])
    # products of different filters: 1, 0 and 10, each counted from both sides
    assert regularisers.orthogonal(layer).item() == pytest.approx(2 * (1 + 0 + 100))


def test_orthogonal_filters_of_any_length_cost_nothing():
    layer = nn.Conv2d(2, 4, 1, bias=False)
    layer.weight.data = torch.zeros(4, 2, 1, 1)
    layer.weight.data[0, 0] = 7
    layer.weight.data[1, 1] = 3
    assert regularisers.orthogonal(layer).item() == 0


def test_every_convolution_counts_its_own_filters_and_embeddings_do_not_count():
    conv, up, grouped = (
        nn.Conv2d(3, 2, 2),
        nn.ConvTranspose2d(3, 2, 2),
        nn.Conv2d(4, 4, 1, groups=2),
    )
    for layer in (conv, up, grouped):
        layer.weight.data = torch.ones_like(layer.weight)
    assert regularisers.orthogonal(conv).item() == pytest.approx(2 * 12**2)  # 3 x 2 x 2 values
    assert regularisers.orthogonal(up).item() == pytest.approx(2 * 12**2)
    # two groups of two filters of two values; filters of different groups never meet
    assert regularisers.orthogonal(grouped).item() == pytest.approx(2 * 2 * 2**2)
    embedding, norm = nn.Embedding(5, 5), nn.BatchNorm2d(3)
    everything = nn.ModuleList([conv, up, grouped, embedding, norm])
    assert regularisers.orthogonal(everything).item() == pytest.approx(288 + 288 + 16)
    assert regularisers.orthogonal(embedding).item() == 0


def test_under_spectral_normalisation_the_parameter_is_regularised():
    layer = spectral(nn.Linear(4, 3))
    regularisers.orthogonal(layer).backward()
    assert layer.weight_orig.grad.abs().sum() > 0


def test_a_step_against_the_gradient_makes_filters_more_orthogonal():
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 6, 3)
    before = regularisers.orthogonal(layer)
    before.backward()
    layer.weight.data -= 0.01 * layer.weight.grad
    assert regularisers.orthogonal(layer) < before
