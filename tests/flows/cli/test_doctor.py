import json
import os
import socket
from datetime import timedelta

import pytest

from db import Database, migrate
from db.upgrade import revisions
from heritage.care.custody import open_custody
from heritage.care.leases import TRIES
from heritage.settings import Settings, load_settings

NAMES = {"settings", "versions", "device", "disk", "catalogue", "prefect", "checks", "faults"}


def test_every_setting_is_listed_with_its_origin(run, monkeypatch, workspace) -> None:
    monkeypatch.setenv("HERITAGE_MEMORY", "3 GiB")
    answer = json.loads(run("doctor", "--json").stdout)
    shown = {one["name"]: one for one in answer["settings"]}
    assert set(shown) == set(Settings.model_fields)
    assert (shown["memory"]["value"], shown["memory"]["origin"]) == ("3 GiB", "HERITAGE_MEMORY")
    assert not workspace.exists()  # looking changes nothing


def test_a_misspelt_variable_is_named(run, monkeypatch) -> None:
    monkeypatch.setenv("HERITAGE_MEMROY", "3 GiB")
    result = run("doctor")
    assert result.exit_code == 1
    assert "HERITAGE_MEMROY" in result.stderr


def test_a_device_that_is_not_there_is_named(run, monkeypatch) -> None:
    monkeypatch.setenv("HERITAGE_DEVICE", "cuda:9")
    result = run("doctor")
    assert result.exit_code == 1
    assert "cuda:9" in result.stderr


@pytest.fixture
def alone(monkeypatch):
    """No Prefect server of the site's, whatever other tests have started."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


@pytest.fixture
def catalogue(workspace, alone):
    """A catalogue with nothing in it."""
    with open_custody(load_settings()) as custody:
        yield custody


def test_a_sound_site_has_no_faults(run, catalogue) -> None:
    result = run("doctor", "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["faults"]) == (0, [])
    assert set(answer) == NAMES
    states = {one["about"]: one["state"] for one in answer["checks"]}
    assert {"device", "disk space", "disk speed", "catalogue"} <= set(states)


def test_people_and_programs_are_told_the_same(run, catalogue) -> None:
    for _ in range(TRIES):
        taken = catalogue.take("mill.tif", "ann", timedelta(minutes=2))
        catalogue.give_back(taken, "the disk is full")
    as_json, as_text = run("doctor", "--json"), run("doctor")
    assert as_json.exit_code == as_text.exit_code == 1
    checks = json.loads(as_json.stdout)["checks"]
    (spent,) = (one for one in checks if one["about"] == "set aside")
    assert (spent["state"], spent["do"]) != ("sound", "")
    for words in (spent["found"], spent["do"]):
        assert words in as_text.stdout
        assert words in as_text.stderr
    (fault,) = json.loads(as_json.stdout)["faults"]
    assert fault in as_text.stderr


def test_a_prefect_that_was_stopped_is_told(run, monkeypatch, workspace, alone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/api"
    monkeypatch.setenv("HERITAGE_PREFECT_API_URL", url)
    result = run("doctor")
    assert result.exit_code == 1
    assert f"{url} does not answer" in result.stderr
    assert not workspace.exists()


def test_the_prefect_of_the_site_is_looked_at(run, prefect_server) -> None:
    answer = json.loads(run("doctor", "--json").stdout)
    assert answer["prefect"] == prefect_server.url
    abouts = [one["about"] for one in answer["checks"]]
    assert {"Prefect", "clocks", "workers"} <= set(abouts)
    assert os.environ["PREFECT_API_AUTH_STRING"] not in json.dumps(answer)


def test_an_older_catalogue_stays_as_it_is_and_the_way_is_told(run, workspace, alone) -> None:
    database = Database(load_settings().database_url)
    migrate(database, revisions()[-2])
    database.close()
    before = (workspace / "catalogue.sqlite").read_bytes()
    result = run("doctor")
    assert result.exit_code == 1
    assert "heritage catalogue" in result.stderr
    assert (workspace / "catalogue.sqlite").read_bytes() == before
    assert run("catalogue").exit_code == 0  # as it was told
    assert run("doctor").exit_code == 0


def test_unfinished_work_is_told_and_is_no_fault(run, catalogue, workspace) -> None:
    work = workspace / "restored" / ".mill.work"
    work.mkdir(parents=True)
    os.utime(work, (1, 1))
    result = run("doctor")
    assert result.exit_code == 0
    assert ".mill.work" in result.stdout
    assert work.is_dir()
