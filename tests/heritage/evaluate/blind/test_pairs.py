"""Who sees what: balance, no repetition, overlap between people."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.votes import TRUTH, Answer, Contender
from heritage.evaluate.blind.layout import Case, Evaluation
from heritage.evaluate.blind.pairs import comparisons, has_truth, next_turn, pair_of


def evaluation(models, families, pictures):
    contenders = tuple(Contender(f"m{n}", f"{n:064d}") for n in range(models))
    cases = tuple(
        Case(f"f{f}", f"p{p}", Path("nowhere"), contenders)
        for f in range(families)
        for p in range(pictures)
    )
    return Evaluation("e" * 64, cases)


def sit(vote, offered, cast, voter, turns, share=0.1):
    """Let a voter answer; returns the turns seen."""
    seen = []
    for _ in range(turns):
        turn = next_turn(offered, cast, voter, share)
        if turn is None:
            break
        case = turn.comparison.case
        cast.append(vote(turn.left, turn.right, Answer.LEFT, voter, case.picture, case.family))
        seen.append(turn)
    return seen


def spread(counts, possible):
    values = [counts[key] for key in possible]
    return max(values) - min(values)


sizes = st.tuples(st.integers(2, 5), st.integers(1, 4), st.integers(2, 5))


@settings(max_examples=25, deadline=None)
@given(sizes, st.lists(st.integers(1, 25), min_size=1, max_size=3))
def test_families_and_pairs_are_shown_equally_often_whenever_a_voter_stops(vote, size, stops):
    models, families, pictures = size
    offered = comparisons(evaluation(*size), truth=False)
    cast = []
    # As long as no combination of family and pair can have run out of pictures.
    limit = min(max(stops), families * models * (models - 1) // 2 * (pictures - 1) // 2)
    for number, stop in enumerate(stops):
        seen = sit(vote, offered, cast, f"voter {number}", min(stop, limit), share=0)
        for end in range(1, len(seen) + 1):
            part = [turn.comparison for turn in seen[:end]]
            by_family = Counter(comparison.case.family for comparison in part)
            by_pair = Counter(comparison.pair for comparison in part)
            assert spread(by_family, {c.case.family for c in offered}) <= 1
            assert spread(by_pair, {c.pair for c in offered}) <= 1


@settings(max_examples=15, deadline=None)
@given(sizes, st.floats(0, 1))
def test_a_voter_sees_everything_once_and_nothing_twice(vote, size, share):
    offered = comparisons(evaluation(*size), truth=share > 0)
    cast = [vote(Contender("m0", "0" * 64), Contender("m1", f"{1:064d}"), "left", "another")]
    seen = sit(vote, offered, cast, "V", len(offered) + 5, share)
    keys = [turn.comparison.key for turn in seen]
    assert len(keys) == len(set(keys)) == len(offered)


def test_who_comes_back_continues_where_the_votes_stopped(vote):
    offered = comparisons(evaluation(3, 2, 4))
    in_one_go = []
    whole = sit(vote, offered, in_one_go, "V", 20)
    cast = []
    parts = [*sit(vote, offered, cast, "V", 7)]
    parts += sit(vote, comparisons(evaluation(3, 2, 4)), cast, "V", 13)
    assert parts == whole
    assert next_turn(offered, cast, "V") == next_turn(offered, cast, "V")


def test_sides_are_drawn_by_lot(vote):
    offered = comparisons(evaluation(2, 4, 50), truth=False)
    seen = sit(vote, offered, [], "V", 200, share=0)
    swapped = sum(turn.left > turn.right for turn in seen)
    assert 75 <= swapped <= 125


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_truth_is_shown_in_its_share_of_the_turns(vote, share):
    offered = comparisons(evaluation(3, 4, 40), truth=share > 0)
    seen = sit(vote, offered, [], "V", 200, share)
    shown = sum(turn.comparison.has_truth for turn in seen) / len(seen)
    assert shown == pytest.approx(share, abs=0.08)


def test_two_voters_judge_some_of_the_same_and_mostly_different(vote):
    offered = comparisons(evaluation(4, 3, 30), truth=False)
    cast = []
    first = {turn.comparison.key for turn in sit(vote, offered, cast, "A", 60)}
    second = {turn.comparison.key for turn in sit(vote, offered, cast, "B", 60)}
    assert 5 <= len(first & second) <= 45


def test_voters_together_stay_balanced(vote):
    offered = comparisons(evaluation(4, 3, 30), truth=False)
    cast = []
    for number in range(6):
        sit(vote, offered, cast, f"voter {number}", 7 + number, share=0)
    counts = Counter(pair_of(ballot) for ballot in cast)
    assert spread(counts, {c.pair for c in offered}) <= 3
    families = Counter(ballot.family for ballot in cast)
    assert spread(families, {c.case.family for c in offered}) <= 3


def test_each_fill_meets_each_other_and_the_truth():
    found = comparisons(evaluation(3, 2, 2))
    assert len(found) == 4 * (3 + 3)
    assert sum(has_truth(comparison.pair) for comparison in found) == 4 * 3
    assert not any(c.has_truth for c in comparisons(evaluation(3, 2, 2), truth=False))
    assert all(c.pair == tuple(sorted(c.pair)) for c in found)
    assert {m.name for c in found for m in c.pair} == {"m0", "m1", "m2", TRUTH}
