"""Catalogues that do not answer, are of another revision, or say that something is amiss."""

import socket
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import tifffile
from sqlalchemy import text

from db import Database, migrate
from db.upgrade import VERSION_TABLE, revision_of, revisions
from heritage.care.audit import audit
from heritage.care.checks.catalogue import NONE_YET, OVERDUE, begun_in, check_catalogue
from heritage.care.checks.clock import TOLERANCE, now
from heritage.care.checks.findings import State
from heritage.care.custody import Custody
from heritage.care.housekeeping import backup
from heritage.care.inbox import admit
from heritage.care.leases import TRIES
from tests.heritage.test_catalogue import begin


def found(findings, about):
    return next((one for one in findings if one.about == about), None)


@pytest.fixture
def custody(empty_url):
    with Custody(empty_url, "ann") as opened:
        yield opened


@pytest.fixture
def master(custody, tmp_path):
    path = tmp_path / "mill.tif"
    tifffile.imwrite(path, np.zeros((40, 50, 3), np.uint8), photometric="rgb")
    assert admit(custody, path).status == "recorded"
    return path


def test_one_that_is_missing_is_not_made(settings):
    (finding,) = check_catalogue(settings())
    assert (finding.state, finding.found) == (State.SOUND, NONE_YET)
    assert not settings().home.exists()


def test_one_that_is_sound_says_how_much_is_in_it(settings, empty_url, master):
    finding = found(check_catalogue(settings(database_url=empty_url)), "catalogue")
    assert finding.state is State.SOUND
    assert "1 masters" in finding.found


def test_an_older_one_is_told_and_left_as_it_is(settings, empty_url):
    database = Database(empty_url)
    migrate(database, revisions()[-2])
    finding = found(check_catalogue(settings(database_url=empty_url)), "catalogue")
    assert finding.state is State.WRONG
    assert "behind this program" in finding.found
    assert "heritage catalogue" in finding.do
    with database.reading() as session:
        assert revision_of(session.connection()) == revisions()[-2]
    with Custody(empty_url, "ann"):
        pass  # what it says to do, does it
    assert (
        found(check_catalogue(settings(database_url=empty_url)), "catalogue").state is State.SOUND
    )
    database.close()


def test_a_newer_one_is_told(settings, empty_url, custody):
    database = Database(empty_url)
    with database.writing() as session:
        session.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    database.close()
    finding = found(check_catalogue(settings(database_url=empty_url)), "catalogue")
    assert finding.state is State.WRONG
    assert "newer heritage" in finding.found


def test_an_empty_database_is_left_empty(settings, empty_url):
    database = Database(empty_url)
    with database.reading() as session:
        session.connection()
    finding = found(check_catalogue(settings(database_url=empty_url)), "catalogue")
    assert finding.state is State.NOTICE
    with database.reading() as session:
        assert revision_of(session.connection()) is None
    database.close()


def test_a_server_that_was_stopped_is_told_at_once(settings):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    url = f"postgresql://heritage:secret@127.0.0.1:{port}/heritage"
    (finding,) = check_catalogue(settings(database_url=url))
    assert finding.state is State.WRONG
    assert "does not answer" in finding.found
    assert "secret" not in finding.sentence


def test_a_file_that_is_no_catalogue_is_told(settings, tmp_path):
    file = tmp_path / "catalogue.sqlite"
    file.write_bytes(b"this is a letter, not a database" * 40)
    (finding,) = check_catalogue(settings(database_url=f"sqlite:///{file}"))
    assert finding.state is State.WRONG


def test_clocks_that_differ_are_told(settings, empty_url, custody):
    if not empty_url.startswith("postgresql"):
        pytest.skip("a file has no clock")
    chosen = settings(database_url=empty_url)
    assert found(check_catalogue(chosen), "clocks").state is State.SOUND
    ahead = check_catalogue(chosen, lambda: now() + TOLERANCE * 6)
    assert found(ahead, "clocks").state is State.WRONG
    assert "30 s behind" in found(ahead, "clocks").found


def test_what_was_set_aside_is_told(settings, empty_url, custody):
    for _ in range(TRIES):
        taken = custody.take("mill.tif", "ann", timedelta(minutes=2))
        custody.give_back(taken, "the disk is full")
    finding = found(check_catalogue(settings(database_url=empty_url)), "set aside")
    assert finding.state is State.WRONG
    assert "mill.tif (the disk is full)" in finding.found


def test_files_that_are_gone_are_told(settings, empty_url, custody, master):
    chosen = settings(database_url=empty_url)
    audit(custody, 30, everything=True)
    assert found(check_catalogue(chosen), "files") is None
    master.unlink()
    audit(custody, 30, everything=True)
    finding = found(check_catalogue(chosen), "files")
    assert finding.state is State.WRONG
    assert f"{master} (missing)" in finding.found


def test_backups_and_audits_that_have_stopped_are_told(settings, empty_url, custody, master):
    chosen = settings(database_url=empty_url)
    first = check_catalogue(chosen)
    assert {found(first, "backup").state, found(first, "audit").state} == {State.NOTICE}
    audit(custody, 30, everything=True)
    if empty_url.startswith("sqlite"):
        backup(chosen, 3)
    else:  # whichever version pg_dump has here
        (chosen.home / "backups").mkdir(parents=True)
        (chosen.home / "backups" / "catalogue-20261101T000000Z.pgdump").write_bytes(b"")
    fresh = check_catalogue(chosen)
    assert {found(fresh, "backup").state, found(fresh, "audit").state} == {State.SOUND}
    later = check_catalogue(chosen, lambda: datetime.now(UTC) + OVERDUE + timedelta(minutes=1))
    assert {found(later, "backup").state, found(later, "audit").state} == {State.WRONG}


def test_who_has_switched_them_off_is_not_asked(settings, empty_url, master):
    chosen = settings(database_url=empty_url, backup_schedule="-", audit_schedule="-")
    said = check_catalogue(chosen)
    assert found(said, "backup") is None
    assert found(said, "audit") is None


def test_where_unfinished_work_lies_is_known(settings, empty_url, custody, tmp_path):
    chosen = settings(database_url=empty_url)
    assert begun_in(chosen) == []
    begin(custody, output=tmp_path / "elsewhere" / "mill")
    begin(custody, output="s3://bucket/restored/mill", parameters={"size": 256})
    assert begun_in(chosen) == [tmp_path / "elsewhere"]


def test_a_catalogue_that_cannot_be_asked_knows_no_folders(settings):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert begun_in(settings(database_url=f"postgresql://h@127.0.0.1:{port}/h")) == []
    assert begun_in(settings()) == []
