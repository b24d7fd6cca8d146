"""Nonsense that the database itself refuses, whoever writes it."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from db import Database, ingest, runs
from db.tables import Artefact, Mask, Master, Model, Refusal, Region, Restoration
from db.testing import new_database
from db.vocabulary import Decision, MaskOrigin, Status

HASH = "a" * 64
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def database(template, request, tmp_path_factory):
    """One catalogue for all: what is refused leaves no trace."""
    if template.startswith("postgresql"):
        url = new_database(request.getfixturevalue("postgresql"), like=template)
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('constraints')}/catalogue.sqlite"
        shutil.copyfile(template.removeprefix("sqlite:///"), url.removeprefix("sqlite:///"))
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def run(database, master_facts, origin):
    """A restoration that runs."""
    with database.writing() as session:
        artefact = ingest.ArtefactFacts("SK-A-1", "Night")
        master = ingest.record_master(session, artefact, master_facts, origin)
        mask_facts = {"sha256": HASH, "pixels": 9, "source_path": None, "source_sha256": None}
        mask = ingest.record_mask(session, master, MaskOrigin.DETECTED, mask_facts, origin)
        model_facts = {"name": "telea", "kind": "diffusion", "weights_sha256": None}
        model_facts |= {"licence": None, "parameters": {}}
        model = ingest.record_model(session, model_facts, origin.at)
        request = runs.Request(master, mask, model, {}, "/out/SK-A-1")
        return runs.begin(session, request, "heritage 0.1.0", "cpu", origin, again=False)


def refused(database, statement, name):
    with pytest.raises(IntegrityError, match=name), database.writing() as session:
        session.execute(statement)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"sha256": "a" * 63}, "sha256_is_hash"),
        ({"sha256": "A" * 64}, "sha256_is_hash"),
        ({"sha256": "a" * 32 + "g" + "a" * 31}, "sha256_is_hash"),
        ({"icc_sha256": "x"}, "icc_sha256_is_hash"),
        ({"width": 0}, "has_pixels"),
        ({"height": -1}, "has_pixels"),
        ({"bytes": 0}, "has_bytes"),
        ({"samples": 2, "colour_samples": 3}, "samples_make_sense"),
        ({"bits": 65}, "bits_make_sense"),
        ({"page": 1}, "page_exists"),
        ({"path": ""}, "has_path"),
        ({"artefact_id": 99}, "(?i)foreign key"),
        ({"width": None}, "(?i)null"),
    ],
)
def test_masters_make_sense(database, run, change, name):
    refused(database, update(Master).values(**change), name)


def test_a_master_is_recorded_once(database, run, master_facts):
    again = insert(Master).values(artefact_id=1, seen_at=NOON, recorded_at=NOON, **master_facts)
    refused(database, again, "(?i)unique")


def test_an_accession_number_is_given_once(database, run):
    again = {"accession": "SK-A-1", "title": "", "provisional": True, "recorded_at": NOON}
    refused(database, insert(Artefact).values(**again), "(?i)unique")


@pytest.mark.parametrize("weights", [None, HASH])
def test_a_model_is_recorded_once(database, weights):
    model = {"name": "m", "kind": "gan", "parameters": {}, "recorded_at": NOON}
    row = insert(Model).values(weights_sha256=weights, **model)
    with database.writing() as session:
        session.execute(row)
    refused(database, row, "(?i)unique")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"pixels": 0}, "has_pixels"),
        ({"sha256": "z" * 64}, "sha256_is_hash"),
        ({"source_path": "/x"}, "machine_has_no_source"),
        ({"master_id": 99}, "(?i)foreign key"),
    ],
)
def test_masks_make_sense(database, run, change, name):
    refused(database, update(Mask).values(**change), name)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"status": Status.AWAITING_REVIEW}, "finished_has_outputs"),
        ({"status": Status.FAILED}, "failed_has_reason"),
        ({"status": Status.FAILED, "reason": ""}, "failed_has_reason"),
        ({"reason": "running is no failure"}, "reason_is_of_failure"),
        ({"finished_at": NOON}, "open_is_unfinished"),
        ({"started_at": None}, "running_has_started"),
        (
            {
                "status": Status.ABANDONED,
                "finished_at": datetime(2000, 1, 1, tzinfo=UTC),
            },
            "finished_after_started",
        ),
        ({"seconds": -1}, "time_passes"),
        ({"region_count": 0}, "counts_make_sense"),
        ({"restored_sha256": "short"}, "restored_sha256_is_hash"),
        ({"identifier": "1"}, "identifier_is_uuid"),
        ({"output": ""}, "has_output"),
        ({"model_id": 99}, "(?i)foreign key"),
    ],
)
def test_restorations_make_sense(database, run, change, name):
    refused(database, update(Restoration).values(**change), name)


def test_a_mask_is_used_on_its_own_master_only(database, run, master_facts, origin):
    with database.writing() as session:
        facts = master_facts | {"sha256": "d" * 64}
        other = ingest.record_master(session, ingest.ArtefactFacts("B", "B"), facts, origin)
    refused(database, update(Restoration).values(master_id=other), "(?i)foreign key")


def test_words_outside_the_vocabulary_are_refused(database, run):
    refused(database, text("UPDATE restoration SET status = 'nearly done'"), "is_status")
    refused(database, text("UPDATE mask SET origin = 'dreamt'"), "is_maskorigin")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"number": 0}, "numbered_from_one"),
        ({"y1": 0, "area": 0}, "box_has_pixels|area_fits_box"),
        ({"x0": -1}, "box_has_pixels"),
        ({"area": 101}, "area_fits_box"),
        ({"area": 0}, "area_fits_box"),
        ({"radius": -1.0}, "radius_is_length"),
        ({"decision": Decision.APPROVED}, "decided_by_someone"),
        ({"decision": Decision.REJECTED, "decided_by": "A. Curator"}, "decided_by_someone"),
        ({"decided_by": "A. Curator", "decided_at": NOON}, "decided_by_someone"),
        ({"restoration_id": 99}, "(?i)foreign key"),
    ],
)
def test_regions_make_sense(database, run, change, name):
    row = {"restoration_id": run.id, "number": 1, "y0": 0, "x0": 0, "y1": 10, "x1": 10}
    row |= {"area": 100, "radius": 5.0, "decision": Decision.PENDING}
    with database.writing() as session:
        session.execute(delete(Region))
        session.execute(insert(Region).values(**row | {"number": 2}))
    refused(database, insert(Region).values(**row | change), name)


def test_regions_of_the_largest_masters_fit(database, run):
    side = 2_000_000_000
    row = {"restoration_id": run.id, "number": 1, "y0": 0, "x0": 0, "y1": side, "x1": side}
    row |= {"area": side**2, "radius": 5.0, "decision": Decision.PENDING}
    with database.writing() as session:
        session.execute(delete(Region))
        session.execute(insert(Region).values(**row))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"reason": ""}, "has_reason"),
        ({"times": 0}, "has_times"),
        ({"last_at": NOON - timedelta(days=1)}, "has_times"),
        ({"resolved_at": NOON - timedelta(days=1)}, "resolved_later"),
    ],
)
def test_refusals_make_sense(database, change, name):
    row = {"path": "/x", "fault": "MasterRefused", "reason": "is not a TIFF", "times": 1}
    row |= {"first_at": NOON, "last_at": NOON}
    refused(database, insert(Refusal).values(**row | change), name)


def test_a_path_has_one_open_refusal(database):
    row = {"path": "/x", "fault": "MasterRefused", "reason": "is not a TIFF", "times": 1}
    row |= {"first_at": NOON, "last_at": NOON}
    with database.writing() as session:
        session.execute(insert(Refusal).values(**row, resolved_at=NOON))
        session.execute(insert(Refusal).values(**row))
    refused(database, insert(Refusal).values(**row), "(?i)unique")


def test_a_job_has_one_open_restoration(database, run):
    with database.writing() as session:
        columns = [c for c in Restoration.__table__.columns if c.name not in ("id", "identifier")]
        copy = select(literal("0" * 36), *columns)
        names = ["identifier", *(column.name for column in columns)]
        with pytest.raises(DBAPIError, match=r"(?i)unique"), session.begin_nested():
            session.execute(insert(Restoration).from_select(names, copy))
