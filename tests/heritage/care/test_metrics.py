"""What Prometheus is told is what the catalogue has, on both databases."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import tifffile
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from db import Database, migrate
from db.upgrade import head, revision_of, revisions
from db.vocabulary import Decision, Role, Statement
from heritage.care import measures
from heritage.care.audit import audit
from heritage.care.custody import Custody
from heritage.care.housekeeping import backup
from heritage.care.inbox import admit
from heritage.care.leases import TRIES
from heritage.care.metrics import FRESH, CollectionCollector, exposition, registry
from heritage.care.tally import FOLDER, Note, Tally
from heritage.damage.regions import Region
from heritage.geometry import Box
from heritage.restore.engine import restore
from heritage.review.desk import Choice, open_desk
from heritage.settings import load_settings

MINUTE = timedelta(minutes=1)


@pytest.fixture
def settings(tmp_path, empty_url):
    (tmp_path / "home").mkdir()
    return load_settings(home=tmp_path / "home", database_url=empty_url, operator="ann")


@pytest.fixture
def custody(settings):
    with Custody(settings.database_url, "ann") as opened:
        yield opened


def picture(path, seed=1):
    path.parent.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    tifffile.imwrite(path, rng.integers(0, 255, (40, 50, 3), np.uint8), photometric="rgb")
    return path


def restored(custody, path):
    """A finished restoration with one region of twelve pixels; its identifier."""
    mask = np.zeros((40, 50), np.uint8)
    mask[5:8, 6:10] = 255
    tifffile.imwrite(path.with_suffix(".mask.tif"), mask)
    result = restore(path, path.with_suffix(".mask.tif"), "telea", path.parent.parent / "out")
    number = custody.record_master(_info(path), _sha256(path))
    facts = {"sha256": _sha256(result.mask), "pixels": 12}
    model = custody.record_model("telea", "classical")
    run = custody.begin_restoration(
        number, custody.record_mask(number, **facts), model, parameters={}, output=result.folder,
        device="cpu",
    )  # fmt: skip
    custody.finish_restoration(run.id, result, [Region(1, Box(5, 6, 8, 10), 12, 2.0)])
    return run.identifier


def _info(path):
    from heritage.tiff import inspect

    return inspect(path)


def _sha256(path):
    from heritage.tiff import sha256_file

    return sha256_file(path)


def told(settings):
    """Samples by name and label."""
    families = text_string_to_metric_families(exposition(registry(settings))[0].decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_an_empty_catalogue_has_zeros_everywhere(settings, custody):
    found = told(settings)
    assert found.pop(("heritage_ready",)) == 1
    assert set(found.values()) == {0}
    # every value that a label can have is there from the start: increase() sees the first rise
    for measure in measures.ALL:
        name = measure.name + ("_count" if measure.kind is measures.Kind.HISTOGRAM else "")
        for value in measure.values:
            assert (name, value) in found


def test_the_collection_is_counted(settings, custody, tmp_path):
    scans = tmp_path / "scans"
    paths = [picture(scans / f"{seed}.tif", seed) for seed in range(4)]
    for path in paths:
        admit(custody, path)
    (scans / "bad.tif").write_bytes(b"none")
    admit(custody, scans / "bad.tif")
    custody.record_refusal(scans / "odd.tif", ValueError("from a program that is not ours"))
    first = restored(custody, paths[0])
    restored(custody, paths[1])
    broken = custody.begin_restoration(
        3, custody.record_mask(3, sha256="a" * 64, pixels=1), 1, parameters={}, output="x",
        device="cpu",
    )  # fmt: skip
    custody.fail_restoration(broken.id, "the disk is full")
    with open_desk(settings) as desk:
        ann = desk.add_account(None, "ann", "Ann Lee", Role.APPROVER, "correct horse battery")
        desk.decide(person(desk, ann), first, [Choice(1, 0, Decision.APPROVED)])
        desk.hand_in(person(desk, ann), first, Statement.HYPOTHESIS, "")
    custody.take("restore a", "one", MINUTE)
    with Custody(settings.database_url, "ann", lambda: datetime.now(UTC) - 2 * MINUTE) as earlier:
        earlier.take("restore b", "two", MINUTE)
        for _ in range(TRIES):
            earlier.give_back(earlier.take("restore c", "three", MINUTE), "in vain")
    audit(custody, 30, everything=True)
    paths[3].unlink()
    audit(custody, 30, everything=True)
    before = datetime.now(UTC).timestamp()
    if settings.database_url.startswith("sqlite"):
        backup(settings, 3)
    found = told(settings)
    expected = {
        ("heritage_masters",): 4,
        ("heritage_masters_waiting", "untried"): 1,
        ("heritage_masters_waiting", "failed"): 1,
        ("heritage_masters_waiting", "begun"): 0,
        ("heritage_restorations", "awaiting review"): 2,
        ("heritage_restorations", "failed"): 1,
        ("heritage_restored_regions",): 2,
        ("heritage_restored_pixels",): 24,
        ("heritage_undecided_regions",): 1,
        ("heritage_worklist", "review"): 1,
        ("heritage_worklist", "signature"): 1,
        ("heritage_worklist", "publication"): 0,
        ("heritage_refusals", "MasterRefused"): 1,
        ("heritage_refusals", "Other"): 1,
        ("heritage_leases", "held"): 1,
        ("heritage_leases", "lapsed"): 1,
        ("heritage_set_aside",): 1,
        ("heritage_holdings", "missing"): 1,
        ("heritage_holdings", "sound"): 4 + 2 * 4 - 1,
    }
    assert {name: found[name] for name in expected} == expected
    assert len(custody.unrestored()) == sum(
        found["heritage_masters_waiting", state] for state in measures.QUEUE
    )
    assert abs(found[("heritage_last_audit_timestamp_seconds",)] - before) < 60
    if settings.database_url.startswith("sqlite"):
        assert abs(found[("heritage_last_backup_timestamp_seconds",)] - before) < 60
    with open_desk(settings) as desk:
        bob = desk.add_account(None, "bob", "Bob", Role.APPROVER, "correct horse battery")
        desk.approve(person(desk, bob), first, True)
    found = told(settings)
    assert found["heritage_worklist", "signature"] == 0
    assert found["heritage_worklist", "publication"] == 1
    assert found["heritage_restorations", "approved"] == 1


def person(desk, account):
    """The person whose account it is."""
    return desk.log_in(account.name, "correct horse battery")[0]


def test_figures_are_told_again_for_a_while(settings, custody, tmp_path):
    now = [0.0]
    collector = CollectionCollector(settings, lambda: now[0])

    def masters():
        (family,) = [f for f in collector.collect() if f.name == "heritage_masters"]
        return family.samples[0].value

    assert masters() == 0
    admit(custody, picture(tmp_path / "scans" / "a.tif"))
    now[0] = FRESH - 1
    assert masters() == 0
    now[0] = FRESH
    assert masters() == 1


def test_who_looks_changes_nothing(settings, empty_url):
    assert told(settings)["heritage_ready",] == 0
    opened = Database(empty_url)
    migrate(opened, revisions()[-2])
    assert told(settings)["heritage_ready",] == 0
    with opened.reading() as session:
        assert revision_of(session.connection()) == revisions()[-2] != head()
    opened.close()


def test_work_is_told_although_the_catalogue_is_gone(settings, custody):
    Tally(settings.home).write(Note().add(measures.BATCHES, 5))
    with closing(Database(settings.database_url)) as opened, opened.writing() as session:
        session.execute(text("DROP TABLE catalogue_version"))
    found = told(settings)
    assert found["heritage_ready",] == 0
    assert found["heritage_batches_total",] == 5
    assert ("heritage_masters",) not in found


def test_sums_that_cannot_be_read_do_not_fall(settings, custody):
    made = registry(settings)
    Tally(settings.home).write(Note().add(measures.BATCHES, 5))
    assert b"heritage_batches_total 5.0" in exposition(made)[0]
    (settings.home / FOLDER / "work.sqlite").write_bytes(b"no database at all" * 100)
    assert b"heritage_batches_total 5.0" in exposition(made)[0]


def test_every_kind_of_error_has_a_label():
    assert measures.kind_of(ValueError()) == "Unexpected"
    assert measures.kind_of("NoSuchError") == "Other"
    from heritage.errors import MasterRefused

    class Odd(MasterRefused):
        pass

    assert measures.kind_of(Odd("x")) == "MasterRefused"
