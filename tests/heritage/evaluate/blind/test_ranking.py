"""From votes to places: right order, honest intervals, and a word where votes cannot tell."""

import itertools
import random
from dataclasses import replace

import pytest

from db.votes import TRUTH, Answer, Contender, VoterRole
from heritage.evaluate.blind import ranking, sections
from heritage.evaluate.blind.ballots import cast_ballot
from heritage.evaluate.blind.layout import identifier_of
from heritage.evaluate.blind.ranking import judge, rank
from heritage.evaluate.blind.tables import rich_tables
from heritage.evaluate.blind.truth import wilson

STRENGTHS = {"good": 1.0, "fair": 0.0, "poor": -1.0}


def people(vote, voters=6, pictures=12, seed=0, strengths=STRENGTHS):
    """Voters who follow the model, each on every picture."""
    dice = random.Random(seed)
    cast = []
    for voter, picture in itertools.product(range(voters), range(pictures)):
        for first, second in itertools.combinations(strengths, 2):
            sides = dice.sample([first, second], 2)
            weights = [2.7 ** strengths[side] for side in sides]
            weights.append(0.4 * (weights[0] * weights[1]) ** 0.5)
            answer = dice.choices(["left", "right", "no difference"], weights)[0]
            cast.append(vote(*sides, answer, f"v{voter}", f"p{picture}", f"f{picture % 2}"))
    return cast


def test_models_come_in_the_order_of_their_strengths(vote):
    found = rank(people(vote))
    assert [s.model.name for s in found.standings] == ["good", "fair", "poor"]
    assert sum(s.strength for s in found.standings) == pytest.approx(0)
    for standing in found.standings:
        assert standing.low < STRENGTHS[standing.model.name] < standing.high
        assert standing.low < standing.strength < standing.high
        assert standing.chance_low < standing.chance < standing.chance_high
    good, _, poor = found.standings
    assert good.low > poor.high
    assert found.note == ""


def test_wins_losses_and_ties_are_counted_whichever_side_they_were_on(vote):
    cast = [
        vote("a", "b", "left", "A", "1"),
        vote("b", "a", "right", "B", "1"),
        vote("b", "a", "left", "A", "2"),
        vote("a", "b", "no difference", "B", "2"),
        vote("a", "b", "both unacceptable", "A", "3"),
    ]
    found = {s.model.name: s for s in rank(cast, replicates=20).standings}
    a, b = found["a"], found["b"]
    assert (a.votes, a.wins, a.losses, a.ties, a.unacceptable) == (5, 2, 1, 2, 1)
    assert (b.votes, b.wins, b.losses, b.ties, b.unacceptable) == (5, 1, 2, 2, 1)


def test_an_interval_of_95_per_cent_covers_the_truth_about_as_often(vote):
    inside = 0
    for seed in range(40):
        for standing in rank(people(vote, 5, 8, seed), replicates=200).standings:
            inside += standing.low <= STRENGTHS[standing.model.name] <= standing.high
    assert inside >= 0.9 * 120


def test_more_people_make_narrower_intervals(vote):
    few, many = (rank(people(vote, n, 12), replicates=300).standings[0] for n in (2, 12))
    assert many.high - many.low < few.high - few.low


def test_a_person_who_votes_often_is_still_one_person(vote):
    """A hundred votes of two people who disagree tell less than those of a hundred people."""
    cast = [vote("a", "b", "left" if n % 2 else "right", str(n), str(n)) for n in range(100)]
    two = [replace(ballot, voter="ab"[int(ballot.voter) % 2]) for ballot in cast]
    wide, narrow = (rank(votes, replicates=300).standings[0] for votes in (two, cast))
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_the_same_votes_in_any_order_give_the_same_ranking(vote):
    cast = people(vote, 3, 4)
    shuffled = random.Random(1).sample(cast, len(cast))
    assert judge(shuffled, replicates=50) == judge(cast, replicates=50)


def test_models_that_were_never_compared_are_said_to_be(vote):
    cast = [vote("a", "b", word, v) for word, v in (("left", "A"), ("right", "B"))]
    cast += [vote("c", "d", word, v) for word, v in (("left", "A"), ("right", "B"))]
    assert rank(cast, replicates=20).note == (
        "no vote compares (a, b) and (c, d): their places relative to each other mean nothing"
    )


def test_a_model_that_never_lost_is_said_to_be(vote):
    cast = [vote("a", "b", "left", voter, str(n)) for voter in "AB" for n in range(5)]
    found = rank(cast, replicates=20)
    assert (
        found.note == "all votes between a and b went one way: the distance between them is a guess"
    )
    assert found.standings[0].strength > found.standings[1].strength


def test_one_voter_says_nothing_about_others(vote):
    cast = [vote("a", "b", word, "A", str(n)) for n, word in enumerate(("left", "right"))]
    assert "one person has voted" in rank(cast, replicates=20).note


def test_no_votes_are_no_ranking():
    found = judge([])
    assert found.overall.standings == found.families == found.mistaken == ()
    assert found.overall.note == "no votes yet"
    assert sections(found)[0].rows == ()


def test_checks_against_the_truth_are_counted_apart(vote):
    fill, truth = Contender("a", "a" * 64), Contender(TRUTH)
    cast = [
        vote(fill, truth, "left", "A", "1"),
        vote(truth, fill, "left", "A", "2"),
        vote(truth, fill, "no difference", "A", "3"),
        vote(fill, truth, "right", "B", "1"),
    ]
    found = judge(cast, replicates=20)
    assert found.overall.votes == 0
    (line,) = found.mistaken
    assert (line.shown, line.preferred, line.no_difference, line.share) == (4, 1, 1, 0.25)
    assert [(v.voter, v.truth_found, v.truth_shown) for v in found.voters] == [
        ("A", 1, 3),
        ("B", 1, 1),
    ]


def test_wilsons_interval_is_the_published_one():
    # Brown, Cai & DasGupta, Statistical Science 16 (2001) discuss it; these follow from the formula
    # by hand: 0 of 10 gives 0 to z²/(10 + z²).
    low, high = wilson(0, 10)
    assert (low, high) == (0, pytest.approx(3.8415 / 13.8415, abs=1e-4))
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_votes_in_the_catalogue_are_ranked_by_evaluation_and_role(vote, catalogue, folder):
    here = identifier_of(folder)
    for ballot in people(vote, 2, 2):
        assert cast_ballot(catalogue, replace(ballot, evaluation=here))
    curator = vote("good", "fair", "right", "C", "p9", role=VoterRole.CURATOR)
    cast_ballot(catalogue, replace(curator, evaluation=here))
    cast_ballot(catalogue, vote("good", "poor", "left", "D"))
    assert ranking(catalogue, folder, replicates=10).overall.votes == 13
    assert ranking(catalogue, replicates=10).overall.votes == 14
    said = ranking(catalogue, folder, role=VoterRole.CURATOR, replicates=10).overall
    assert (said.votes, said.standings[0].model.name) == (1, "fair")
    families = ranking(catalogue, folder, replicates=10).families
    assert [f.family for f in families] == ["f", "f0", "f1"]
    assert sum(f.votes for f in families) == 13


def test_every_table_has_a_value_under_each_heading(vote):
    cast = people(vote, 2, 2)
    cast += [vote(Contender("good"), Contender(TRUTH), Answer.LEFT, "v0", "p0")]
    found = judge(cast, replicates=20)
    titles = [section.title for section in sections(found)]
    assert titles[0] == "all families: 12 votes by 2 people on 2 pictures"
    assert titles[-2:] == ["taken for the truth", "voters"]
    for section in sections(found):
        assert section.rows
        assert all(len(row) == len(section.columns) for row in section.rows)
    assert len(list(rich_tables(found))) == len(titles)


def test_one_name_with_two_weights_is_two_models(vote):
    old, new = Contender("art", "1" * 64), Contender("art", "2" * 64)
    cast = [vote(old, new, "right", voter, str(n)) for voter in "AB" for n in range(3)]
    found = judge(cast, replicates=20)
    assert [s.model for s in found.overall.standings] == [new, old]
    names = [row[0] for row in sections(found)[0].rows]
    assert names == ["art (22222222)", "art (11111111)"]


def test_a_name_is_no_markup(vote):
    from rich.console import Console

    name = "[red]A[/red] [bold"
    cast = [vote("a", "b", word, name, str(n)) for n, word in enumerate(("left", "right"))]
    console = Console(width=200)
    with console.capture() as said:
        for table in rich_tables(judge(cast, replicates=10)):
            console.print(table)
    assert name in said.get()
