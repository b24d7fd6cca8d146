"""What docs/catalogue.md tells people to run, run."""

import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from db import EventType, Happening, Outcome, append, migrate
from db.engine import Database
from db.tables import metadata

PAGE = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def recorded(database, url, agent, clock):
    """A catalogue with three events."""
    with database.writing() as session:
        for name in ("Künstler", "二", "3"):
            detail = {"path": f"/archive/{name}.tif", "share": 0.1}
            happening = Happening(EventType.VALIDATION, Outcome.WARNING, clock(), agent, detail)
            append(session, happening)
    return database


def check_by_hand(url):
    (program,) = blocks("python")
    command = [sys.executable, "-c", program, url.removeprefix("sqlite:///")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_that_checks_by_hand_works(recorded, url):
    if url.startswith("postgresql"):
        pytest.skip("it reads SQLite")
    assert check_by_hand(url).stdout.startswith("3 events, the last one's hash is ")
    plain = sqlite3.connect(url.removeprefix("sqlite:///"))
    plain.execute("DROP TRIGGER event_is_never_changed")
    plain.execute("UPDATE event SET outcome = 'success' WHERE sequence = 2")
    plain.commit()
    plain.close()
    assert check_by_hand(url).stderr == "event 2 is wrong or missing\n"


def test_the_backup_is_a_catalogue(recorded, url, tmp_path):
    if url.startswith("postgresql") or shutil.which("sqlite3") is None:
        pytest.skip("needs SQLite's command")
    (command,) = [line for block in blocks("sh") for line in block.splitlines() if "backup" in line]
    folder = tmp_path / "heritage-data"
    folder.mkdir()
    (folder / "catalogue.sqlite").symlink_to(url.removeprefix("sqlite:///"))
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    copy = sqlite3.connect(tmp_path / "catalogue-backup.sqlite")
    assert copy.execute("SELECT count(*) FROM event").fetchone() == (3,)
    copy.close()


def test_every_table_is_described():
    described = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert described == set(metadata.tables)


def test_a_worker_may_record_and_not_falsify(postgresql, agent, clock):
    make, grant, worker = blocks("sql")
    administer(postgresql, make + worker)
    owner = make_url(postgresql).set(database="heritage", username="heritage")
    opened = Database(owner.render_as_string(hide_password=False))
    migrate(opened)
    with opened.writing() as session:
        for statement in grant.split(";")[:-1]:
            session.execute(text(statement))
    opened.close()
    opened = Database(owner.set(username="heritage_worker").render_as_string())
    migrate(opened)
    happening = Happening(EventType.VALIDATION, Outcome.SUCCESS, clock(), agent, {})
    with opened.writing() as session:
        append(session, happening)
    for statement in ("UPDATE event SET agent = 'x'", "DROP TABLE event", "DELETE FROM master"):
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            execute(opened, statement)
    opened.close()


def administer(postgresql, script):
    """Run statements outside any transaction, as CREATE DATABASE wants it."""
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as connection:
        for statement in script.split(";")[:-1]:
            connection.execute(statement.encode())


def execute(database, statement):
    with database.writing() as session:
        session.execute(text(statement))
