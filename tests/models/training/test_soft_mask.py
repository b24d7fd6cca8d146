import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.training.soft_mask import soft_known, soft_mask_discriminator, soft_mask_generator


@pytest.fixture
def half():
    """A wide picture whose right half was missing."""
    mask = torch.zeros(1, 1, 64, 256)
    mask[..., 128:] = 1
    return mask


def test_the_target_is_one_far_from_the_hole_and_zero_deep_inside(half):
    target = soft_known(half, (8, 32))
    torch.testing.assert_close(target[..., :8], torch.ones(1, 1, 8, 8))
    torch.testing.assert_close(target[..., -8:], torch.zeros(1, 1, 8, 8))


def test_the_target_falls_through_one_half_at_the_edge_of_the_hole(half):
    target = soft_known(half, (64, 256))[0, 0, 32]
    assert (target.diff() <= 1e-6).all()
    assert (target[127] + target[128]).item() == pytest.approx(1, abs=1e-5)
    # ten pixels beyond the edge at sigma 10: the share of a bell above one deviation
    share = torch.distributions.Normal(0, 1).cdf(torch.tensor(1.0)).item()
    assert ((target[117] + target[118]) / 2).item() == pytest.approx(share, abs=2e-3)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.0, 1.0]))
def test_a_picture_without_edges_of_holes_has_an_even_target(height, width, value):
    mask = torch.full((1, 1, height, width), value)
    target = soft_known(mask, (3, 3))
    torch.testing.assert_close(target, torch.full((1, 1, 3, 3), 1 - value), atol=1e-5, rtol=0)


def test_the_polarity_is_the_papers_a_perfect_discriminator_says_zero_in_the_hole(half):
    real = torch.ones(1, 1, 8, 32)
    perfect = soft_known(half, (8, 32))
    assert soft_mask_discriminator(real, perfect, half).item() == pytest.approx(0, abs=1e-9)
    assert soft_mask_discriminator(real, 1 - perfect, half).item() > 0.5  # the released target


def test_the_discriminator_is_judged_on_real_pictures_everywhere(half):
    perfect = soft_known(half, (8, 32))
    found = soft_mask_discriminator(torch.full((1, 1, 8, 32), 0.5), perfect, half)
    assert found.item() == pytest.approx(0.25)


def test_the_generator_is_judged_in_the_hole_by_share():
    mask = torch.zeros(1, 1, 2, 4)
    mask[..., 2:] = 1
    mask[..., 0, 0] = 1  # a quarter of the first patch
    logits = torch.tensor([3.0, 0.5]).view(1, 1, 1, 2)
    expected = (0.25 * (3 - 1) ** 2 + 1 * (0.5 - 1) ** 2) / 1.25
    assert soft_mask_generator(logits, mask).item() == pytest.approx(expected)


def test_the_generator_wants_its_patches_taken_for_real(half):
    logits = torch.zeros(1, 1, 8, 32, requires_grad=True)
    soft_mask_generator(logits, half).backward()
    assert (logits.grad[..., 16:] < 0).all()
    assert (logits.grad[..., :16] == 0).all()
