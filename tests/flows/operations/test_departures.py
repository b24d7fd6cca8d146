"""Runs whose process is gone are shown as crashed; those that are carried on are left alone."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from db.leases import Taken
from flows.operations.departures import Departures
from flows.operations.deployments import deploy
from flows.operations.names import RESTORE, deployment_of
from flows.operations.server import asking
from heritage.care.custody import Custody, open_custody
from heritage.errors import ServerUnreachable
from heritage.settings import load_settings

WORKER = "worker of this machine"


@pytest.fixture
def begin(prefect_server):
    """Makes a run that a worker has taken up, and tells its number."""
    deploy(load_settings())
    made = []
    with asking(prefect_server.url) as http:
        known = http.get(f"/deployments/name/{deployment_of(RESTORE)}").json()["id"]

        def one(state="PENDING", pid=None, worker=WORKER):
            run = http.post(f"/deployments/{known}/create_flow_run", json={}).json()["id"]
            made.append(run)
            if worker is not None:
                http.patch(f"/flow_runs/{run}/labels", json={"prefect.worker.name": worker})
            http.patch(f"/flow_runs/{run}", json={"infrastructure_pid": pid and str(pid)})
            asked = {"state": {"type": state, "name": state.title()}, "force": True}
            http.post(f"/flow_runs/{run}/set_state", json=asked).raise_for_status()
            return run

        yield one
        for run in made:
            http.delete(f"/flow_runs/{run}")


@pytest.fixture
def state_of(prefect_server):
    def ask(run):
        with asking(prefect_server.url) as http:
            return http.get(f"/flow_runs/{run}").json()["state_type"]

    return ask


@pytest.fixture
def departures(prefect_server):
    return Departures(load_settings(), prefect_server.url, WORKER)


@pytest.fixture
def gone():
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_a_worker_had_is_gone_with_it(begin, state_of, departures, gone):
    lost, unborn = begin("RUNNING", gone), begin("PENDING")
    going_on, elsewhere = begin("RUNNING", os.getpid()), begin("RUNNING", gone, "another")
    assert len(departures.report(down=True)) == 2
    states = [state_of(run) for run in (lost, unborn, going_on, elsewhere)]
    assert states == ["CRASHED", "CRASHED", "RUNNING", "RUNNING"]


def test_a_worker_that_lives_is_given_time_to_say_so_itself(begin, state_of, departures, gone):
    lost, coming = begin("PENDING", gone), begin("PENDING")
    assert departures.report() == []
    assert len(departures.report()) == 1
    assert (state_of(lost), state_of(coming)) == ("CRASHED", "PENDING")


def test_a_worker_that_died_before_it_put_its_name_to_a_run(
    begin, state_of, departures, monkeypatch
):
    nameless, named = begin("PENDING", worker=None), begin("PENDING", worker="another")
    going_on = begin("RUNNING", worker=None)
    assert departures.report() == []
    monkeypatch.setattr("flows.operations.departures.NAMELESS_AT_MOST", timedelta(0))
    assert len(departures.report()) == 1
    states = [state_of(run) for run in (nameless, named, going_on)]
    assert states == ["CRASHED", "PENDING", "RUNNING"]


def test_whose_lease_ended_is_gone_on_whatever_machine(begin, state_of, departures):
    lost, kept = begin("RUNNING", 1, "another"), begin("RUNNING", 1, "another")
    settings = load_settings()
    ago = datetime.now(UTC) - timedelta(hours=1)
    with Custody(settings.database_url, "ann", lambda: ago) as then:
        assert isinstance(then.take(f"flow run {lost}", "x", timedelta(minutes=2)), Taken)
    with open_custody(settings) as custody:
        custody.take(
            f"flow run {kept}", f"process 1 on {socket.gethostname()}x", timedelta(hours=1)
        )
    assert len(departures.report()) == 1
    assert (state_of(lost), state_of(kept)) == ("CRASHED", "RUNNING")


def test_a_server_that_is_away_is_told():
    nowhere = Departures(load_settings(), "http://127.0.0.1:9/api", WORKER)
    with pytest.raises(ServerUnreachable, match="cannot be asked"):
        nowhere.report()
