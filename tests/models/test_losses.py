import math

import pytest
import torch

from models import losses


def tensor(*values):
    return torch.tensor(values, dtype=torch.float32).reshape(1, 1, 1, -1)


def test_masked_l1_averages_hole_and_surroundings_apart():
    output, target = torch.zeros(1, 3, 1, 4), torch.ones(1, 3, 1, 4)
    output[..., 3] = 0.5
    mask = tensor(0, 0, 0, 1)
    # hole: |0.5 - 1| = 0.5; known: 1
    assert float(losses.masked_l1(output, target, mask, 10, 2)) == pytest.approx(10 * 0.5 + 2 * 1)


def test_masked_l1_of_an_empty_mask_is_no_division_by_zero():
    assert float(losses.masked_l1(tensor(1.0), tensor(0.0), tensor(0.0), 1, 0)) == 0


def test_non_saturating_generator_is_minus_log_of_the_sigmoid():
    expected = -math.log(1 / (1 + math.exp(-0.7)))
    found = losses.non_saturating_generator(tensor(0.7, 5.0), tensor(1.0, 0.0))
    assert found.item() == pytest.approx(expected, rel=1e-6)


def test_non_saturating_discriminator_judges_filled_patches_only():
    def log_sigmoid(x):
        return math.log(1 / (1 + math.exp(-x)))

    real, fake, touched = tensor(2.0, 2.0), tensor(1.0, 9.0), tensor(1.0, 0.0)
    found = losses.non_saturating_discriminator(real, fake, touched)
    assert found.item() == pytest.approx(-log_sigmoid(2) - log_sigmoid(-1), rel=1e-6)


def test_least_squares_by_hand():
    touched = tensor(1.0, 0.0)
    found = losses.least_squares_generator(tensor(0.25, 7.0), touched)
    assert found.item() == pytest.approx(0.75**2)
    found = losses.least_squares_discriminator(tensor(0.5), tensor(0.25, 7.0), touched)
    assert found.item() == pytest.approx(0.25 + 0.0625)


def test_nothing_filled_is_no_division_by_zero():
    assert losses.non_saturating_generator(tensor(1.0), tensor(0.0)).item() == 0


def test_r1_is_the_squared_norm_of_the_gradient():
    real = torch.rand(2, 3, 4, 4, requires_grad=True)
    weight = torch.rand(3, 4, 4)
    logits = (real * weight).sum((1, 2, 3))
    expected = float(weight.square().sum())
    assert losses.r1_penalty(logits, real).item() == pytest.approx(expected, rel=1e-5)


def test_feature_matching_averages_layers_and_lets_no_gradient_into_the_real_ones():
    fake = [torch.zeros(1, 1, 2, 2, requires_grad=True), torch.zeros(1, 1, 1, 1)]
    real = [torch.full((1, 1, 2, 2), 2.0, requires_grad=True), torch.full((1, 1, 1, 1), 4.0)]
    loss = losses.feature_matching(fake, real)
    loss.backward()
    assert loss.item() == pytest.approx((4 + 16) / 2)
    assert real[0].grad is None
    assert fake[0].grad is not None
