"""Recording may be repeated; what is on record stays; events say what changed."""

import dataclasses

import pytest
from sqlalchemy import text

from db import (
    ArtefactFacts,
    Contradiction,
    EventType,
    Status,
    ingest,
    queries,
    runs,
    verify_chain,
)
from db.vocabulary import Decision
from tests.db.conftest import NIGHT, REGIONS


def kinds(database):
    with database.reading() as session:
        assert verify_chain(session).intact
        return list(session.scalars(text("SELECT type FROM event ORDER BY sequence")))


def counted(database, table):
    with database.reading() as session:
        return session.scalar(text(f"SELECT count(*) FROM {table}"))


ONE_OF_EACH = ["message digest calculation", "ingestion", "ingestion"]


def test_the_same_job_again_is_the_same_restoration(database, record):
    first, second = record(), record()
    assert not first.continued
    assert second == dataclasses.replace(first, continued=True)
    assert [counted(database, table) for table in ("artefact", "master", "mask", "model")] == [
        1
    ] * 4
    assert kinds(database) == ONE_OF_EACH


@pytest.mark.parametrize(
    "other", [{"parameters": {"size": 256}}, {"mask": "c" * 64}, {"output": "/elsewhere/SK-A-1"}]
)
def test_another_job_is_another_restoration(record, other):
    assert record().id != record(**other).id


def test_a_finished_restoration_awaits_review_with_all_its_regions(database, record, finish):
    run = record()
    finish(run)
    with database.reading() as session:
        line = queries.restorations(session, Status.AWAITING_REVIEW, "", 10, 0)[0]
        regions = list(queries.regions_of(session, run.id))
    assert (line.id, line.regions, line.damaged_pixels, line.seconds) == (run.id, 3, 30, 1.5)
    assert [(r.number, r.decision) for r in regions] == [(n, Decision.PENDING) for n in (1, 2, 3)]
    assert kinds(database) == [*ONE_OF_EACH, "modification"]


def test_finishing_twice_is_finishing_once(database, record, finish):
    run = record()
    finish(run)
    finish(run, regions=[])
    assert counted(database, "region") == 3
    assert kinds(database) == [*ONE_OF_EACH, "modification"]
    assert record().finished


def test_finishing_with_other_files_is_a_contradiction(record, finish):
    run = record()
    finish(run)
    with pytest.raises(Contradiction, match="other files"):
        finish(run, layer_sha256="0" * 64)


def test_regions_come_all_or_not_at_all(database, record, finish):
    run = record()

    def breaks():
        yield from REGIONS
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        finish(run, regions=breaks())
    assert counted(database, "region") == 0
    finish(run)
    assert counted(database, "region") == 3


def test_a_failed_restoration_keeps_its_reason_and_may_go_on(database, record, finish, now):
    run = record()
    for _ in range(2):
        with database.writing() as session:
            runs.fail(session, run.id, "StorageFailed", "disk full", now())
    with database.reading() as session:
        assert queries.restorations(session, Status.FAILED, "", 10, 0)[0].reason == "disk full"
    assert kinds(database) == [*ONE_OF_EACH, "modification"]
    again = record()
    assert (again.id, again.status, again.continued) == (run.id, Status.RUNNING, True)
    finish(run)
    with database.reading() as session:
        outcomes = session.scalars(text("SELECT outcome FROM event WHERE type = 'modification'"))
        assert list(outcomes) == ["fail", "success"]


def test_what_is_finished_cannot_fail_or_be_abandoned(database, record, finish, now):
    run = record()
    finish(run)
    with pytest.raises(Contradiction), database.writing() as session:
        runs.fail(session, run.id, "StorageFailed", "disk full", now())
    with pytest.raises(Contradiction), database.writing() as session:
        runs.abandon(session, run.id, "no use", now())


def test_an_abandoned_restoration_is_begun_anew(database, record, now):
    run = record()
    with database.writing() as session:
        runs.abandon(session, run.id, "wrong mask", now())
    again = record()
    assert again.id != run.id
    assert not again.continued


def test_a_finished_one_is_done_anew_only_when_asked(record, finish):
    run = record()
    finish(run)
    assert record().id == run.id
    again = record(again=True)
    assert again.id != run.id
    assert record(again=True).id == again.id, "killed and started over"


def test_verifying_files_is_an_event(database, record, finish, now):
    run = record()
    finish(run)
    with database.writing() as session:
        runs.record_fixity(session, run.id, False, ["tile 3 differs"], now())
    assert kinds(database)[-1] == EventType.FIXITY_CHECK
    with database.reading() as session:
        event = queries.last_event(session)
    assert (event.outcome, event.detail["findings"]) == ("fail", ["tile 3 differs"])


def test_a_refused_file_is_told_once_and_counted(database, now):
    facts = {"path": "/x.tif", "sha256": None, "fault": "MasterRefused", "reason": "no TIFF"}
    for reason, times in (("no TIFF", 1), ("no TIFF", 2), ("cut short", 1)):
        with database.writing() as session:
            ingest.record_refusal(session, facts | {"reason": reason}, now())
        with database.reading() as session:
            lines = queries.refusals(session, 10, 0)
        assert [(line.reason, line.times) for line in lines] == [(reason, times)]
    assert kinds(database) == ["validation", "validation"]


def test_a_refusal_is_over_once_a_restoration_begins(database, record, master_facts, now):
    facts = {"path": master_facts["path"], "sha256": None, "fault": "f", "reason": "unreadable"}
    with database.writing() as session:
        ingest.record_refusal(session, facts, now())
    record()
    with database.reading() as session:
        assert queries.refusals(session, 10, 0) == []


def test_a_master_seen_elsewhere_is_the_same_master(database, record, master_facts, now):
    record()
    with database.writing() as session:
        moved = master_facts | {"path": "/new/SK-A-1.tif"}
        ingest.record_master(session, NIGHT, moved, now())
    with database.reading() as session:
        assert [m.path for m in queries.masters(session, "", 10, 0)] == ["/new/SK-A-1.tif"]
    assert kinds(database) == ONE_OF_EACH


def test_facts_from_a_person_replace_those_from_a_file_name(database, record, master_facts, now):
    record()
    person = ArtefactFacts("SK-A-1", "Night Watch", "Rembrandt", "1642", provisional=False)
    guessed = dataclasses.replace(NIGHT, title="guessed")
    for facts in (person, person, guessed):
        with database.writing() as session:
            ingest.record_master(session, facts, master_facts, now())
    with database.reading() as session:
        assert queries.masters(session, "rembrandt", 10, 0)[0].title == "Night Watch"
    assert kinds(database) == [*ONE_OF_EACH, "metadata modification"]


def test_masters_are_found_by_any_part_of_what_is_known(database, record):
    record()
    with database.reading() as session:
        for search in ("", "sk-a", "archive", "AAAA"):
            assert len(queries.masters(session, search, 10, 0)) == 1, search
        for search in ("%", "_", "nothing", "'"):
            assert (len(queries.masters(session, search, 10, 0)) == 1) == (search == ""), search
        line = queries.masters(session, "", 10, 0)[0]
        assert line.restorations == {Status.RUNNING: 1}
        assert queries.masters(session, "", 10, offset=1) == []


def test_a_master_is_named_by_path_accession_or_hash(database, record, master_facts):
    record()
    with database.reading() as session:
        for name in ("/archive/SK-A-1.tif", "SK-A-1", "aaaaaaaa", "a" * 64):
            assert [m.sha256 for m in queries.find_master(session, name)] == ["a" * 64]
        assert queries.find_master(session, "SK") == []


def test_totals_add_up(database, record, finish):
    finish(record())
    record(output="/elsewhere")
    with database.reading() as session:
        totals = queries.totals(session)
    assert totals.restorations == {Status.AWAITING_REVIEW: 1, Status.RUNNING: 1}
    assert totals.regions == {Decision.PENDING: 3}
    assert (totals.artefacts, totals.masters, totals.refusals, totals.events) == (1, 1, 0, 4)


def test_regions_come_back_in_order_however_many(database, record, finish):
    run = record()
    many = ((number, 0, 0, 4, 5, 10, 2.0, None, None, None, False) for number in range(1, 25_001))
    finish(run, regions=many)
    with database.reading() as session:
        assert [r.number for r in queries.regions_of(session, run.id)] == list(range(1, 25_001))
