import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.votes import TRUTH
from heritage.evaluate.blind.agreement import agreement, nominal_alpha

# The example with four observers, twelve units and missing answers in K. Krippendorff, Computing
# Krippendorff's Alpha-Reliability (2011): 0.743 for nominal data.
OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)


def test_the_published_example_comes_out():
    columns = zip(*(row.split() for row in OBSERVERS), strict=True)
    units = [[value for value in column if value != "."] for column in columns]
    assert nominal_alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_full_agreement_is_one_and_systematic_disagreement_below_zero():
    assert nominal_alpha([["a", "a"], ["b", "b"]]) == 1
    assert nominal_alpha([["a", "b"], ["b", "a"]]) < 0


@pytest.mark.parametrize("units", [[], [["a"]], [["a", "a"], ["a", "a", "a"]]])
def test_where_chance_cannot_be_told_there_is_no_value(units):
    assert nominal_alpha(units) is None


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=8), st.randoms())
def test_order_does_not_matter(units, random):
    shuffled = [random.sample(unit, len(unit)) for unit in units]
    random.shuffle(shuffled)
    assert nominal_alpha(shuffled) == (
        pytest.approx(nominal_alpha(units)) if nominal_alpha(units) is not None else None
    )


def test_people_agree_on_fills_not_on_sides(vote):
    cast = [
        vote("x", "y", "left", "A", "1"),
        vote("y", "x", "right", "B", "1"),
        vote("x", "y", "right", "A", "2"),
        vote("x", "y", "right", "B", "2"),
        vote("x", "y", "left", "A", "alone"),
    ]
    found = agreement(cast)
    assert (found.alpha, found.comparisons, found.voters) == (1, 2, 2)


def test_which_model_comes_first_in_the_alphabet_does_not_matter(vote):
    said = ["left", "left", "left", "left", "right", "no difference"]

    def alpha(first, second):
        cast = []
        for n, word in enumerate(said):
            pair = ("m", "n") if n < 2 else (first, second)
            cast.append(vote(*pair, word, "AB"[n % 2], str(n // 2)))
        return agreement(cast).alpha

    assert alpha("a", "b") == pytest.approx(alpha("b", "a"))


def test_checks_against_the_truth_do_not_count(vote):
    cast = [vote("x", TRUTH, "right", voter) for voter in "AB"]
    assert agreement(cast).comparisons == 0
