import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.train.rates import progress, rate_factor
from heritage.train.schema import Recipe

PLACES = {"name": "x", "pictures": ".", "validation": "."}


def make(**fields):
    return Recipe(**PLACES | fields)


def test_a_cosine_goes_from_the_whole_to_the_last_share():
    recipe = make(rise=0, final=0.1)
    assert rate_factor(recipe, 0, 0.0) == pytest.approx(1)
    assert rate_factor(recipe, 500, 0.5) == pytest.approx(0.55)
    assert rate_factor(recipe, 1000, 1.0) == pytest.approx(0.1)


def test_the_first_steps_are_a_straight_line():
    recipe = make(schedule="constant", rise=4)
    assert [rate_factor(recipe, step, 0) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]


@given(st.floats(0, 1), st.integers(0, 10_000))
def test_a_rate_is_never_more_than_the_recipe_says(done, step):
    for schedule in ("cosine", "constant"):
        assert 0 < rate_factor(make(schedule=schedule), step, done) <= 1


def test_a_training_in_minutes_is_as_far_as_its_time():
    timed = make(minutes=2.0)
    assert progress(timed, 10**6, 30.0) == 0.25
    assert progress(timed, 0, 1e9) == 1
    assert progress(make(steps=200), 50, 1e9) == 0.25
