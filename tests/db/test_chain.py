import contextlib
import dataclasses
import hashlib
import json
import sqlite3
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db import GENESIS, Happening, append, verify_chain
from db.chain import hash_of
from db.vocabulary import AgentKind, EventType, Outcome

ZEROS = "0" * 64


def happening(agent, at, number=0):
    detail = {"path": f"/archive/Künstler-{number}.tif", "share": 0.1 * number}
    return Happening(EventType.INGESTION, Outcome.SUCCESS, at, agent, detail)


@pytest.fixture
def chain(database, agent, clock):
    """A catalogue with ten events."""
    with database.writing() as session:
        for number in range(10):
            append(session, happening(agent, clock(), number))
    return database


def tamper(database, *statements):
    """Alter the catalogue as its owner could: without its guards."""
    with database.writing() as session:
        if session.connection().dialect.name == "postgresql":
            session.execute(text("ALTER TABLE event DISABLE TRIGGER USER"))
        else:
            names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            for name in list(names):
                session.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            session.execute(text(statement))


def report(database, until=None):
    with database.reading() as session:
        return verify_chain(session, until)


def test_an_empty_chain_is_intact(database):
    assert report(database).intact
    assert report(database).hash == GENESIS


def test_a_chain_is_intact_and_gapless(chain):
    found = report(chain)
    assert (found.intact, found.events) == (True, 10)
    with chain.reading() as session:
        rows = session.execute(text("SELECT sequence, previous_hash, hash FROM event")).all()
    assert [row[0] for row in rows] == list(range(1, 11))
    assert [row[1] for row in rows] == [ZEROS, *(row[2] for row in rows[:-1])]
    assert found.hash == rows[-1][2]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE event SET outcome = 'fail' WHERE sequence = 3", "never changed"),
        ("UPDATE event SET sequence = 99 WHERE sequence = 10", "never changed"),
        ("DELETE FROM event WHERE sequence = 10", "never"),
        ("DELETE FROM event", "never"),
        ("INSERT INTO event SELECT 12, at, type, outcome, agent, agent_kind, agent_version,"
         " on_behalf_of, master_sha256, mask_sha256, restoration, detail, hash, hash FROM event"
         " WHERE sequence = 10", "follows the last"),
        ("INSERT INTO event SELECT 11, at, type, outcome, agent, agent_kind, agent_version,"
         " on_behalf_of, master_sha256, mask_sha256, restoration, detail, hash, hash FROM event"
         " WHERE sequence = 9", "follows the last"),
    ],
)  # fmt: skip
def test_the_database_itself_refuses_to_falsify_events(chain, statement, said):
    with pytest.raises(DBAPIError, match=said), chain.writing() as session:
        session.execute(text(statement))
    assert report(chain).events == 10
    assert report(chain).intact


def test_sqlite_refuses_to_replace_an_event(chain, url):
    if not url.startswith("sqlite"):
        pytest.skip("INSERT OR REPLACE is SQLite's")
    columns = "at, type, outcome, agent, agent_kind, agent_version, on_behalf_of, master_sha256,"
    columns += "mask_sha256, restoration, detail, previous_hash, hash"
    plain = sqlite3.connect(url.removeprefix("sqlite:///"))
    statement = f"INSERT OR REPLACE INTO event SELECT 10, {columns} FROM event WHERE sequence = 9"
    with pytest.raises(sqlite3.IntegrityError, match="follows the last"):
        plain.execute(statement)
    plain.close()
    assert report(chain).intact


def test_postgresql_refuses_to_truncate_the_events(chain, url):
    if not url.startswith("postgresql"):
        pytest.skip("TRUNCATE is PostgreSQL's")
    with pytest.raises(DBAPIError, match="never changed or removed"), chain.writing() as session:
        session.execute(text("TRUNCATE event CASCADE"))


@pytest.mark.parametrize(
    ("number", "change"),
    [
        (1, "at = (SELECT max(at) FROM event)"),
        (2, "type = 'deletion'"),
        (3, "outcome = 'warning'"),
        (4, "agent = 'somebody else'"),
        (5, "agent_kind = 'person'"),
        (6, "agent_version = '9'"),
        (7, "on_behalf_of = NULL"),
        (8, "detail = '{}'"),
        (9, "hash = previous_hash"),
    ],
)
def test_the_first_altered_event_is_named(chain, number, change):
    tamper(chain, f"UPDATE event SET {change} WHERE sequence = {number}")
    found = report(chain)
    assert not found.intact
    assert found.broken_at == number
    assert found.events == number - 1
    assert f"event {number} " in found.fault


def test_an_event_cut_out_of_the_middle_is_missed(chain):
    tamper(chain, "DELETE FROM event WHERE sequence = 4")
    assert report(chain).fault == "event 4 is missing"


def test_an_event_put_in_place_of_another_is_found(chain, agent, clock):
    with chain.reading() as session:
        row = dict(session.execute(text("SELECT * FROM event WHERE sequence = 4")).mappings().one())
    row |= {"at": datetime(2020, 1, 1, tzinfo=UTC), "previous_hash": ZEROS}
    assert hash_of(row) != row["hash"]
    tamper(chain, f"UPDATE event SET previous_hash = '{ZEROS}' WHERE sequence = 4")
    assert report(chain).fault == "event 4 does not follow the event before it"


def test_a_chain_cut_short_is_found_only_by_what_was_noted_down(chain):
    noted = (10, report(chain).hash)
    assert report(chain, noted).intact
    tamper(chain, "DELETE FROM event WHERE sequence > 7")
    assert report(chain, noted).fault == "event 10 was on record and is missing"
    assert report(chain, noted).broken_at == 8


def test_a_chain_written_anew_is_found_by_what_was_noted_down(chain, agent, clock):
    noted = (5, ZEROS)
    assert "written anew" in report(chain, noted).fault
    assert report(chain, noted).broken_at == 5


def test_guards_that_were_removed_are_missed(chain):
    tamper(chain)
    found = report(chain)
    assert found.events == 10
    assert "no longer guards its events" in found.fault


def test_an_event_that_is_rolled_back_leaves_no_gap(chain, agent, clock):
    with contextlib.suppress(RuntimeError), chain.writing() as session:
        append(session, happening(agent, clock()))
        raise RuntimeError
    with chain.writing() as session:
        append(session, happening(agent, clock()))
    assert report(chain).events == 11
    assert report(chain).intact


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    detail=st.dictionaries(
        st.text(st.characters(blacklist_categories=["Cs"]), max_size=5),
        st.floats(allow_nan=False, allow_infinity=False)
        | st.integers()
        | st.text(st.characters(blacklist_categories=["Cs"]), max_size=5),
        max_size=4,
    ),
    kind=st.sampled_from(EventType),
    outcome=st.sampled_from(Outcome),
    at=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.timezones()),
)
def test_whatever_is_recorded_verifies(database, agent, detail, kind, outcome, at):
    with database.writing() as session:
        append(session, Happening(kind, outcome, at, agent, detail))
    assert report(database).intact


def test_software_has_a_version(database, agent, clock):
    nameless = dataclasses.replace(agent, kind=AgentKind.SOFTWARE, version=None)
    with pytest.raises(DBAPIError, match="software_has_version"), database.writing() as session:
        append(session, happening(nameless, clock()))


def test_the_chain_can_be_checked_without_any_of_our_code(chain, url):
    """The program in docs/catalogue.md, run as it stands there."""
    if not url.startswith("sqlite"):
        pytest.skip("the documentation shows it for SQLite")
    previous = ZEROS
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.row_factory = sqlite3.Row
    for row in connection.execute("SELECT * FROM event ORDER BY sequence"):
        content = {name: row[name] for name in row.keys() if name != "hash"}  # noqa: SIM118
        content["at"] = row["at"].replace(" ", "T") + "Z"
        content["detail"] = json.loads(row["detail"])
        written = json.dumps(
            content, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
        assert row["previous_hash"] == previous
        assert hashlib.sha256(written).hexdigest() == row["hash"]
        previous = row["hash"]
    connection.close()
