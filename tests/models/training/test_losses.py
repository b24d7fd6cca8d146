import math

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy import ndimage

from models.training import losses


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


def test_feature_matching_averages_layers_and_lets_no_gradient_into_the_real_ones():
    fake = [torch.zeros(1, 1, 2, 2, requires_grad=True), torch.zeros(1, 1, 1, 1)]
    real = [torch.full((1, 1, 2, 2), 2.0, requires_grad=True), torch.full((1, 1, 1, 1), 4.0)]
    loss = losses.feature_matching(fake, real)
    loss.backward()
    assert loss.item() == pytest.approx((4 + 16) / 2)
    assert real[0].grad is None
    assert fake[0].grad is not None


def test_feature_matching_may_be_absolute():
    fake, real = [torch.zeros(1, 1, 2, 2)], [torch.full((1, 1, 2, 2), -3.0)]
    assert losses.feature_matching(fake, real, absolute=True).item() == pytest.approx(3)


def test_hinge_by_hand():
    touched = tensor(1.0, 1.0, 0.0)
    assert losses.hinge_generator(tensor(2.0, -1.0, 9.0), touched).item() == pytest.approx(-0.5)
    # real: max(0, 1 - 0.25) and max(0, 1 - 3); fake: max(0, 1 + 2) and max(0, 1 - 4)
    found = losses.hinge_discriminator(tensor(0.25, 3.0), tensor(2.0, -4.0, 9.0), touched)
    assert found.item() == pytest.approx((0.75 + 0) / 2 + (3 + 0) / 2)


def test_wasserstein_by_hand():
    touched = tensor(1.0, 0.0)
    assert losses.wasserstein_generator(tensor(2.5, 9.0), touched).item() == pytest.approx(-2.5)
    found = losses.wasserstein_discriminator(tensor(4.0, 2.0), tensor(2.5, 9.0), touched)
    assert found.item() == pytest.approx(2.5 - 3)


@pytest.mark.parametrize("name", losses.ADVERSARIAL)
def test_a_generator_descends_to_better_marks_and_a_discriminator_to_worse(name):
    generator, discriminator = losses.ADVERSARIAL[name]
    fake_logits, touched = tensor(0.1, 0.1).requires_grad_(), tensor(1.0, 0.0)
    (up,) = torch.autograd.grad(generator(fake_logits, touched), fake_logits)
    assert up.flatten()[0] < 0
    assert up.flatten()[1] == 0
    (down,) = torch.autograd.grad(discriminator(tensor(0.0), fake_logits, touched), fake_logits)
    assert down.flatten()[0] > 0
    assert down.flatten()[1] == 0


@pytest.mark.parametrize("name", losses.ADVERSARIAL)
def test_logits_of_several_channels_are_averaged_over_them(name):
    generator, discriminator = losses.ADVERSARIAL[name]
    one, touched = tensor(0.3, -0.2), tensor(1.0, 0.0)
    many = one.expand(1, 5, 1, 2)
    torch.testing.assert_close(generator(many, touched), generator(one, touched))
    torch.testing.assert_close(discriminator(many, many, touched), discriminator(one, one, touched))


masks = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))


@settings(deadline=None)
@given(masks)
def test_the_distance_to_known_pixels_is_the_euclidean_one(hole):
    found = losses.distance_to_known(torch.from_numpy(hole)[None, None].float())[0, 0].numpy()
    if hole.all():
        assert (found >= sum(hole.shape)).all()
    else:
        np.testing.assert_allclose(found, ndimage.distance_transform_edt(hole), rtol=1e-6)


def test_distances_do_not_leak_from_picture_to_picture():
    mask = torch.ones(2, 1, 3, 3)
    mask[0, 0, 0, 0] = 0
    mask[1, 0, 2, 2] = 0
    found = losses.distance_to_known(mask)
    assert found[0, 0, 2, 2].item() == pytest.approx(math.sqrt(8))
    assert found[1, 0, 2, 2].item() == 0


def test_discounted_l1_weighs_the_middle_of_a_hole_less():
    # distances 1, 2, 1 from the known ends; the error is 1 everywhere, known pixels do not count
    output, target = torch.zeros(1, 3, 1, 5), torch.ones(1, 3, 1, 5)
    mask = tensor(0, 1, 1, 1, 0)
    found = losses.discounted_l1(output, target, mask, gamma=0.5)
    assert found.item() == pytest.approx((0.5 + 0.25 + 0.5) / 3)


def test_overlap_l2_weighs_the_band_beside_known_pixels_more():
    output, target = torch.zeros(1, 2, 1, 6), torch.full((1, 2, 1, 6), 2.0)
    mask = tensor(0, 1, 1, 1, 1, 1)
    # known: the first; band of two: the next two; the right end is the picture's, not an overlap
    found = losses.overlap_l2(output, target, mask, band=2, weight=10)
    assert found.item() == pytest.approx(4 * (10 + 10 + 1 + 1 + 1) / 5)
