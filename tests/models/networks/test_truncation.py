"""Truncation: the right distribution, without a jump, down to the single most typical vector."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.networks.truncation import threshold_of, truncate

VALUES = st.floats(-6, 6)
BOUNDS = st.floats(0.01, 6)


@settings(deadline=None)
@given(VALUES, BOUNDS)
def test_a_value_keeps_its_quantile(z, bound):
    (moved,) = truncate(torch.tensor([z], dtype=torch.float64), bound)
    expected = stats.truncnorm.ppf(stats.norm.cdf(z), -bound, bound)
    # for z > 0 the cdf of scipy runs out of digits, so ask for the mirror image
    if z > 0:
        expected = -stats.truncnorm.ppf(stats.norm.cdf(-z), -bound, bound)
    assert float(moved) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("bound", [0.1, 0.5, 1.0, 2.0, 4.0])
def test_normal_vectors_become_truncated_normal_ones(bound):
    z = torch.randn(20_000, generator=torch.Generator().manual_seed(1))
    moved = truncate(z, bound).numpy()
    assert stats.kstest(moved, stats.truncnorm(-bound, bound).cdf).pvalue > 0.01


def test_another_bound_would_have_been_noticed():
    z = torch.randn(20_000, generator=torch.Generator().manual_seed(1))
    assert stats.kstest(truncate(z, 1.0).numpy(), stats.truncnorm(-1.1, 1.1).cdf).pvalue < 0.01


@settings(deadline=None)
@given(VALUES, VALUES, BOUNDS)
def test_order_is_kept_and_nothing_moves_outwards(one, other, bound):
    low, high = sorted((one, other))
    z = torch.tensor([low, high], dtype=torch.float64)
    moved = truncate(z, bound)
    assert moved[0] <= moved[1]
    assert bool((moved.abs() <= z.abs().clamp_max(bound) + 1e-9).all())
    torch.testing.assert_close(truncate(-z, bound), -moved, rtol=0, atol=0)


@settings(deadline=None)
@given(VALUES, BOUNDS, BOUNDS)
def test_a_wider_bound_moves_less(z, one, other):
    near, far = (
        float(truncate(torch.tensor([z], dtype=torch.float64), bound).abs())
        for bound in sorted((one, other))
    )
    assert near <= far + 1e-9


def test_at_zero_only_the_most_typical_vector_is_left():
    z = torch.tensor([-40.0, -1.0, 0.0, 2.0])
    assert not truncate(z, 0.0).any()


@pytest.mark.parametrize("bound", [math.inf, 40.0, 9.0])
def test_a_bound_beyond_every_number_changes_nothing(bound):
    z = torch.tensor([-7.5, -1.0, 0.0, 2.0, 30.0])
    assert torch.equal(truncate(z, bound), z)


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.floats(0, 1))
def test_no_value_however_wild_becomes_infinite(z, truncation):
    moved = truncate(torch.tensor([z]), threshold_of(truncation))
    assert bool(moved.isfinite().all())


def test_small_bounds_keep_their_digits():
    z = torch.tensor([1.0])
    # near zero the truncated normal is uniform: z' = t (2 Phi(z) - 1)
    expected = 1e-6 * (2 * stats.norm.cdf(1.0) - 1)
    assert float(truncate(z, 1e-6)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_precision_is_that_of_the_vector(dtype):
    assert truncate(torch.zeros(3, dtype=dtype), 1.0).dtype == dtype


def test_it_has_the_gradient_that_differences_show():
    z = torch.tensor([-2.0, -0.3, 0.0, 1.7], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: truncate(z, 0.8), z)
    (slope,) = torch.autograd.grad(truncate(z, 0.8).sum(), z)
    assert bool((slope > 0).all())


@pytest.mark.parametrize(
    ("share", "bound"),
    [(0.0, 0.0), (0.38292, 0.5), (0.68269, 1.0), (0.9545, 2.0), (0.9973, 3.0), (1.0, math.inf)],
)
def test_truncation_is_the_share_of_the_normal_that_is_kept(share, bound):
    assert threshold_of(share) == pytest.approx(bound, abs=1e-3)


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_more_truncation_never_means_a_narrower_bound(one, other):
    low, high = sorted((one, other))
    assert 0 <= threshold_of(low) <= threshold_of(high)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_a_truncation_outside_its_range_is_refused(wrong):
    with pytest.raises(ValueError, match=r"0\.\.1"):
        threshold_of(wrong)


@pytest.mark.parametrize("wrong", [-1.0, math.nan])
def test_a_bound_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="threshold"):
        truncate(torch.zeros(1), wrong)


def test_the_vector_given_is_left_alone():
    z = torch.tensor([3.0, -3.0])
    truncate(z, 0.5)
    np.testing.assert_array_equal(z.numpy(), [3.0, -3.0])
