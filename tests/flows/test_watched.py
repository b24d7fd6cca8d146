"""A real restoration is counted as the catalogue counts it, and its lines carry its ids."""

import errno
import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flows.collection import attempt_restoration
from flows.report import Fate
from heritage.care.leases import TRIES, restoring, working_on
from heritage.care.metrics import exposition, registry
from heritage.catalogue import open_catalogue
from heritage.errors import MasterRefused, StorageFailed
from heritage.logs import begin
from heritage.restore.names import NamedSource, plan_names
from heritage.settings import load_settings

pytestmark = pytest.mark.usefixtures("prefect_server")


def scrape():
    families = text_string_to_metric_families(exposition(registry(load_settings()))[0].decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def attempt(source, **more):
    (named,) = plan_names([source], Path("out"))
    return attempt_restoration(named, Path("out"), model="telea", **more)


def test_figures_are_those_of_the_catalogue(make_master, workspace):
    assert attempt(make_master()).fate is Fate.RESTORED
    assert attempt(make_master("barn", seed=2, cracks=2)).fate is Fate.RESTORED
    assert attempt(make_master("barn", seed=2, cracks=2)).fate is Fate.ALREADY
    empty = attempt(make_master("empty", mask=False), detect=False)
    assert empty.fate is Fate.LEFT_ALONE
    bad = Path("scans/bad.tif")
    bad.write_bytes(b"none")
    assert attempt(bad).fate is Fate.FAILED
    found = scrape()
    with open_catalogue(load_settings()) as catalogue:
        lines = catalogue.restorations()
        totals = catalogue.totals()
    assert len(lines) == 2
    assert found["heritage_masters",] == totals.masters
    assert found["heritage_restorations", "awaiting review"] == 2
    pixels = sum(line.damaged_pixels for line in lines)
    assert found["heritage_restored_pixels",] == pixels
    assert found["heritage_filled_pixels_total",] >= pixels
    assert found["heritage_computed_pixels_total",] > pixels
    regions = sum(line.regions for line in lines)
    assert found["heritage_restored_regions",] == found["heritage_filled_regions_total",] == regions
    assert found["heritage_batches_total",] >= 2
    for fate, number in zip(Fate, (2, 1, 1, 1), strict=True):
        assert found["heritage_outcomes_total", fate.value] == number
    assert found["heritage_failures_total", "MasterRefused"] == 1
    assert found["heritage_refusals", "MasterRefused"] == 1
    assert found["heritage_stage_seconds_count", "finish"] == 2
    assert found["heritage_stage_seconds_count", "prepare"] == 3  # that done already was looked at
    assert found["heritage_stage_seconds_sum", "inpaint"] > 0
    assert found["heritage_processes",] == 1


def test_work_goes_on_where_nothing_can_be_counted(make_master, workspace):
    workspace.mkdir()
    (workspace / "metrics").write_text("in the way")
    assert attempt(make_master()).fate is Fate.RESTORED
    assert scrape()["heritage_restorations", "awaiting review"] == 1


def test_what_was_set_aside_and_what_nobody_expected_have_their_kind(make_master, monkeypatch):
    source = make_master()
    settings = load_settings()
    for _ in range(TRIES):
        with (
            pytest.raises(MasterRefused),
            working_on(restoring(source), settings),
        ):
            raise MasterRefused("the codec cannot read it")
    assert attempt(source, tries=TRIES).fate is Fate.FAILED
    monkeypatch.setattr("heritage.restore.finish", lambda *_: 1 / 0)
    odd = attempt(make_master("odd"))
    assert odd.reason.startswith("unexpected ZeroDivisionError")
    found = scrape()
    assert found["heritage_failures_total", "SetAside"] == 1
    assert found["heritage_failures_total", "Unexpected"] == 1
    assert found["heritage_set_aside",] == 1


def test_a_retry_is_counted(make_master, monkeypatch):
    from heritage.restore import prepare

    failed = []

    def once(*given, **more):
        if not failed:
            failed.append(True)
            error = StorageFailed("its network share went away")
            raise error from OSError(errno.ESTALE, "stale")
        return prepare.prepare_now(*given, **more)

    monkeypatch.setattr(prepare, "prepare_now", prepare.prepare, raising=False)
    monkeypatch.setattr(prepare, "prepare", once)
    assert attempt(make_master()).fate is Fate.RESTORED
    found = scrape()
    assert found["heritage_retries_total", "prepare"] == 1
    assert found["heritage_stage_seconds_count", "prepare"] == 1


def test_every_line_of_a_master_carries_its_ids(make_master, monkeypatch, capsys):
    monkeypatch.setenv("HERITAGE_LOG_FORMAT", "json")
    begin()
    try:
        source = make_master()
        assert attempt(source).fate is Fate.RESTORED
        assert attempt(Path("nowhere.tif")).fate is Fate.FAILED
    finally:
        monkeypatch.delenv("HERITAGE_LOG_FORMAT")
        begin()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    with open_catalogue(load_settings()) as catalogue:
        (row,) = catalogue.restorations()
    done = [line for line in lines if line["master"] == str(source)]
    assert [line["event"] for line in done] == [
        "restoration.begun", "stage.completed", "stage.completed", "restoration.finished",
        "stage.completed", "attempt.restored",
    ]  # fmt: skip
    assert {line["restoration"] for line in done} == {row.identifier}
    assert {line["master_sha256"] for line in done} == {row.master_sha256}
    assert all(line["run"] for line in done[:-1])
    stages = [line["stage"] for line in done if line["event"] == "stage.completed"]
    assert stages == ["prepare", "inpaint", "finish"]
    filled = next(line for line in done if line.get("stage") == "inpaint")
    assert (filled["regions"], filled["pixels"]) == (2, 1400)
    (failed,) = [line for line in lines if line["master"] == "nowhere.tif"]
    assert failed["event"] == "attempt.failed"
    assert "restoration" not in failed


def test_a_master_that_cannot_be_named_is_counted(workspace):
    named = NamedSource(Path("a.tif"), None, "two masters have this name")
    assert attempt_restoration(named, Path("out")).fate is Fate.FAILED
    assert scrape()["heritage_failures_total", "MasterRefused"] == 1
