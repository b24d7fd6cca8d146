import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.evaluate.statistics import compare, estimate

VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=30)


@given(VALUES)
def test_the_mean_lies_in_its_interval_and_the_interval_among_the_values(values):
    found = estimate(values)
    assert min(values) - 1e-9 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= max(values) + 1e-9


def test_intervals_cover_the_true_mean_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        found = estimate(list(rng.normal(3, 1, 40)))
        hits += found.low <= 3 <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_what_was_not_measured_is_left_out():
    assert estimate([None, 2.0, None, 4.0]).mean == 3
    assert estimate([None]) is None
    assert compare([None, 1.0], [2.0, None]) is None
    assert compare([1.0, 5.0], [None, 2.0]).difference == 3


@given(VALUES)
def test_a_comparison_turned_round_is_its_mirror_image(values):
    other = [value / 2 for value in values]
    one, two = compare(values, other), compare(other, values)
    assert one.difference == pytest.approx(-two.difference)
    assert one.low == pytest.approx(-two.high)
    assert one.p == pytest.approx(two.p)


def test_a_steady_difference_is_clear_and_none_is_not():
    rng = np.random.default_rng(1)
    base = rng.normal(20, 5, 30)
    better = base + 0.5 + rng.normal(0, 0.2, 30)
    clear = compare(list(better), list(base))
    assert clear.low > 0
    assert clear.p < 1e-4
    same = compare(list(base), list(base))
    assert (same.difference, same.p) == (0, 1)
