import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, StatementError

from db.votes import TRUTH, Answer, Ballot, Contender, VoterRole, ballots, cast

EVALUATION = "e" * 64
ART, TELEA = Contender("art", "a" * 64), Contender("opencv-telea")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def ballot() -> Ballot:
    return Ballot(
        *(EVALUATION, "A. Conservator", VoterRole.CONSERVATOR, "losses", "SK-A-1", ART, TELEA),
        answer=Answer.LEFT,
        seconds=4.25,
        at=NOON,
    )


@pytest.fixture
def voted(database, ballot):
    """A catalogue with three votes."""
    with database.writing() as session:
        for voter in ("A. Conservator", "Žofie Kurátorka", "<b>"):
            assert cast(session, replace(ballot, voter=voter))
    return database


def on_record(database, evaluation=None):
    with database.reading() as session:
        return ballots(session, evaluation)


def test_a_vote_comes_back_as_it_was_cast(voted, ballot):
    found = on_record(voted)
    assert found[0] == ballot
    assert [vote.voter for vote in found] == ["A. Conservator", "Žofie Kurátorka", "<b>"]
    assert on_record(voted, EVALUATION) == found
    assert on_record(voted, "f" * 64) == []


def test_the_first_answer_of_a_person_to_a_pair_stays(voted, ballot):
    swapped = replace(ballot, left=TELEA, right=ART, answer=Answer.RIGHT)
    with voted.writing() as session:
        assert not cast(session, replace(ballot, answer=Answer.NO_DIFFERENCE))
        assert not cast(session, swapped)
    assert len(on_record(voted)) == 3
    others = (
        replace(ballot, family="half"),
        replace(ballot, picture="SK-A-2"),
        replace(ballot, evaluation="f" * 64),
        replace(ballot, left=replace(ART, weights="b" * 64)),
        replace(ballot, right=Contender(TRUTH)),
    )
    with voted.writing() as session:
        assert all(cast(session, other) for other in others)
    assert on_record(voted)[3:] == list(others)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE vote SET answer = 'right' WHERE sequence = 1", "never changed"),
        ("DELETE FROM vote WHERE sequence = 3", "never"),
        ("DELETE FROM vote", "never"),
        ("INSERT INTO vote SELECT 9, {rest}, 'another' FROM vote WHERE sequence = 3", "follows"),
        ("INSERT INTO vote SELECT 4, {rest}, voter FROM vote WHERE sequence = 3", "pair once"),
    ],
)
def test_the_database_itself_refuses_to_falsify_votes(voted, statement, said):
    columns = "at, evaluation_sha256, voter_role, family, picture, left_model, "
    columns += "left_weights_sha256, right_model, right_weights_sha256, answer, seconds"
    wanted = statement.format(rest=columns)
    wanted = wanted.replace("INTO vote", f"INTO vote (sequence, {columns}, voter)")
    before = on_record(voted)
    with pytest.raises(DBAPIError, match=said), voted.writing() as session:
        session.execute(text(wanted))
    assert on_record(voted) == before


def test_the_sides_swapped_are_the_same_pair_to_the_database(voted):
    columns = "at, evaluation_sha256, voter, voter_role, family, picture, answer, seconds"
    sides = "left_model, left_weights_sha256, right_model, right_weights_sha256"
    swapped = "right_model, right_weights_sha256, left_model, left_weights_sha256"
    statement = f"INSERT INTO vote (sequence, {columns}, {sides}) "
    statement += f"SELECT 4, {columns}, {swapped} FROM vote WHERE sequence = 1"
    with pytest.raises(DBAPIError, match="pair once"), voted.writing() as session:
        session.execute(text(statement))


def test_sqlite_refuses_to_replace_a_vote(voted, url):
    if not url.startswith("sqlite"):
        pytest.skip("INSERT OR REPLACE is SQLite's")
    before = on_record(voted)
    plain = sqlite3.connect(url.removeprefix("sqlite:///"))
    with pytest.raises(sqlite3.IntegrityError, match=r"follows the last|pair once"):
        plain.execute("INSERT OR REPLACE INTO vote SELECT * FROM vote WHERE sequence = 2")
    plain.close()
    assert on_record(voted) == before


def test_postgresql_refuses_to_truncate_the_votes(voted, url):
    if not url.startswith("postgresql"):
        pytest.skip("TRUNCATE is PostgreSQL's")
    with pytest.raises(DBAPIError, match="never changed or removed"), voted.writing() as session:
        session.execute(text("TRUNCATE vote"))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"evaluation": "e"}, "evaluation_sha256_is_hash"),
        ({"left": Contender("art", "A" * 64)}, "left_weights_sha256_is_hash"),
        ({"voter": ""}, "has_voter"),
        ({"picture": ""}, "has_place"),
        ({"right": Contender("")}, "has_models"),
        ({"right": ART}, "two_contenders"),
        ({"seconds": -1.0}, "time_passes"),
    ],
)
def test_nonsense_is_refused(database, ballot, change, name):
    with pytest.raises(DBAPIError, match=name), database.writing() as session:
        cast(session, replace(ballot, **change))
    assert on_record(database) == []


def test_a_time_without_zone_is_refused(database, ballot):
    with pytest.raises(StatementError, match="time zone"), database.writing() as session:
        cast(session, replace(ballot, at=NOON.replace(tzinfo=None)))


def test_the_same_model_with_other_weights_is_another(database, ballot):
    rival = replace(ballot, right=replace(ART, weights="b" * 64))
    with database.writing() as session:
        assert cast(session, rival)
    assert on_record(database) == [rival]
