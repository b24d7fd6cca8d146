import contextlib
import itertools
import signal
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from db import CatalogueUnreachable, Database, append, migrate, verify_chain
from db.chain import Happening
from db.engine import engine_for
from db.vocabulary import EventType, Outcome

APPENDER = """
import sys, time
from datetime import UTC, datetime
from db import Agent, Database, EventType, Happening, Outcome, append
database = Database(sys.argv[1])
agent = Agent("appender", version=sys.argv[2])
sys.stdout.write("ready\\n"); sys.stdout.flush(); sys.stdin.readline()
for number in range(int(sys.argv[3])):
    with database.writing() as session:
        happening = Happening(EventType.FIXITY_CHECK, Outcome.SUCCESS, datetime.now(UTC), agent, {})
        append(session, happening)
    time.sleep(0.002)  # SQLite's lock is not fair: let the other one have a turn
database.close()
"""


def appender(url, name, count):
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", APPENDER, url, name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"ready\n"
    return process


def start(processes):
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.flush()


def report(database):
    with database.reading() as session:
        return verify_chain(session)


def count(database):
    with database.reading() as session:
        return session.scalar(text("SELECT count(*) FROM event"))


def happening(agent, clock):
    return Happening(EventType.VALIDATION, Outcome.SUCCESS, clock(), agent, {})


def test_processes_that_append_at_once_make_one_gapless_chain(database, url):
    processes = [appender(url, name, 100) for name in ("one", "two")]
    start(processes)
    assert [process.wait(120) for process in processes] == [0, 0]
    for process in processes:
        process.communicate()
    found = report(database)
    assert (found.intact, found.events) == (True, 200)
    with database.reading() as session:
        writers = session.execute(text("SELECT agent_version FROM event ORDER BY sequence"))
        names = [row[0] for row in writers]
    turns = sum(a != b for a, b in itertools.pairwise(names))
    assert turns > 2, "they were meant to be at it together"


def test_threads_may_share_an_open_catalogue(database, agent, clock):
    def work():
        for _ in range(25):
            with database.writing() as session:
                append(session, happening(agent, clock))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert report(database).events == 100
    assert report(database).intact


def test_a_process_killed_while_writing_leaves_an_intact_chain(database, url):
    for _ in range(2):
        before = count(database)
        process = appender(url, "doomed", 100_000)
        start([process])
        deadline = time.monotonic() + 60
        while count(database) < before + 20:
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.communicate()
        assert report(database).intact
    again = Database(url)
    migrate(again)
    assert report(again).intact
    assert report(again).events >= 40
    again.close()


def test_an_exception_undoes_all_of_a_writing_session(database, agent, clock):
    with contextlib.suppress(RuntimeError), database.writing() as session:
        append(session, happening(agent, clock))
        raise RuntimeError
    assert count(database) == 0


def test_a_reader_sees_one_state_while_others_write(database, url, agent, clock):
    if url.startswith("postgresql"):
        pytest.skip("PostgreSQL reads what was committed before each statement")
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM event")) == 0
        with database.writing() as writer:
            append(writer, happening(agent, clock))
        assert session.scalar(text("SELECT count(*) FROM event")) == 0
    assert count(database) == 1


def test_writing_sessions_exclude_each_other(database, agent, clock):
    order = []

    def second():
        with database.writing() as session:
            order.append("second")
            append(session, happening(agent, clock))

    thread = threading.Thread(target=second)
    with database.writing() as session:
        thread.start()
        time.sleep(0.2)
        order.append("first")
        append(session, happening(agent, clock))
    thread.join()
    assert order == ["first", "second"]


def test_sqlite_keeps_foreign_keys_and_loses_nothing(tmp_path):
    engine = engine_for(f"sqlite:///{tmp_path}/c.sqlite")
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    engine.dispose()
    full = 2
    assert pragmas == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": full,
        "busy_timeout": 60_000,
    }


def test_foreign_keys_hold(database):
    insert = "INSERT INTO region (restoration_id, number, y0, x0, y1, x1, area, radius, decision)"
    insert += " VALUES (1, 1, 0, 0, 1, 1, 1, 1.0, 'pending')"
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(text(insert))


@pytest.mark.parametrize("name", ["a b.sqlite", "what?.sqlite", "50%.sqlite", "#1/ü&.sqlite"])
def test_a_path_may_have_any_characters(tmp_path, name):
    database = Database(f"sqlite:///{tmp_path}/new/{name}")
    migrate(database)
    database.close()
    assert (tmp_path / "new" / name).is_file()


@pytest.mark.parametrize("url", ["mysql://root@localhost/x", "nonsense", ""])
def test_other_databases_are_refused(url):
    with pytest.raises(CatalogueUnreachable):
        engine_for(url)


def test_postgres_is_understood_as_postgresql(url):
    if not url.startswith("postgresql"):
        pytest.skip("about PostgreSQL")
    database = Database(url)
    migrate(database)
    assert count(database) == 0
    database.close()


def test_a_reader_does_not_wait_for_a_writer(database, agent, clock):
    with database.writing() as session:
        append(session, happening(agent, clock))
        assert count(database) == 0


def test_a_statement_that_fails_says_so(database):
    with pytest.raises(DBAPIError), database.reading() as session:
        session.execute(text("SELECT nothing FROM nowhere"))
