import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.training.perceptual import gram, high_receptive_field, perceptual_l1, style_l1


def maps(*values):
    """Feature maps of growing size, each of one value."""
    return [torch.full((2, 1, n, n), value) for n, value in enumerate(values, start=1)]


def test_perceptual_l1_sums_weighted_means():
    ours, theirs = maps(0.0, 1.0), maps(2.0, 4.0)
    assert perceptual_l1(ours, theirs).item() == pytest.approx(2 + 3)
    assert perceptual_l1(ours, theirs, [10, 0.5]).item() == pytest.approx(20 + 1.5)


def test_a_weight_too_many_is_an_error():
    with pytest.raises(ValueError, match="argument"):
        perceptual_l1(maps(0.0), maps(1.0), [1, 1])


def test_high_receptive_field_sums_mean_squares():
    found = high_receptive_field(maps(0.0, 1.0), maps(2.0, 4.0))
    assert found.item() == pytest.approx(4 + 9)


def test_a_gram_matrix_by_hand():
    features = torch.tensor([[1.0, 2.0], [3.0, -1.0]]).view(1, 2, 1, 2)  # two channels, two pixels
    expected = torch.tensor([[[5.0, 1.0], [1.0, 10.0]]]) / 4
    torch.testing.assert_close(gram(features), expected)


@settings(deadline=None)
@given(st.integers(0, 2**16))
def test_style_forgets_where_things_are(seed):
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(1, 3, 4, 5, generator=generator)
    order = torch.randperm(20, generator=generator)
    elsewhere = features.flatten(2)[..., order].view_as(features)
    assert style_l1([features], [elsewhere]).item() == pytest.approx(0, abs=1e-7)


def test_style_l1_is_the_mean_difference_of_gram_matrices_summed_over_layers():
    ours = [torch.ones(1, 2, 1, 1), torch.zeros(1, 1, 2, 2)]
    theirs = [torch.zeros(1, 2, 1, 1), torch.full((1, 1, 2, 2), 3.0)]
    # layer 1: all four entries 1 / 2; layer 2: 4 x 9 / 4
    assert style_l1(ours, theirs).item() == pytest.approx(0.5 + 9)


def test_gram_matrices_stay_float32_under_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = gram(torch.rand(1, 3, 4, 4).bfloat16())
    assert found.dtype == torch.float32
