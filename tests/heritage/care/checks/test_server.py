"""Prefect's server: stopped, silent, closed, of another version, without workers, late."""

import socket
import time
from datetime import timedelta

import httpx
import pytest

from heritage.care.checks.clock import now
from heritage.care.checks.findings import State
from heritage.care.checks.server import Door, check_server
from tests.serving import Answering, listening

POOL = "doctors"


@pytest.fixture
def door(prefect_server, secret):
    return Door(prefect_server.url, POOL, secret)


@pytest.fixture
def http(prefect_server, secret):
    user, _, password = secret.partition(":")
    with httpx.Client(base_url=prefect_server.url, auth=(user, password), timeout=30) as client:
        yield client
        client.delete(f"/work_pools/{POOL}")


@pytest.fixture
def pool(http):
    made = http.post("/work_pools/", json={"name": POOL, "type": "process"})
    assert made.status_code == 201, made.text


def of(findings, about):
    return [one for one in findings if one.about == about]


def test_one_of_our_version_that_lets_us_in_is_sound(door, pool):
    (finding,) = of(check_server(door), "Prefect")
    assert finding.state is State.SOUND
    assert door.url in finding.found


def test_a_stopped_one_is_told():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    (finding,) = check_server(Door(f"http://127.0.0.1:{port}/api", POOL))
    assert finding.state is State.WRONG
    assert "does not answer" in finding.found
    assert "start it" in finding.do


def test_nobody_waits_for_a_silent_one():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
        began = time.monotonic()
        (finding,) = check_server(Door(address, POOL, seconds=0.3))
        assert time.monotonic() - began < 5
    assert finding.state is State.WRONG


@pytest.mark.parametrize("given", [None, "heritage:wrong"])
def test_one_that_does_not_let_us_in_is_told(door, given):
    finding, clocks = check_server(Door(door.url, POOL, given))
    assert finding.state is State.WRONG
    assert "PREFECT_API_AUTH_STRING" in finding.do
    assert clocks.state is State.SOUND


def test_a_clock_that_differs_is_told(door, pool):
    (sound,) = of(check_server(door), "clocks")
    assert sound.state is State.SOUND
    (wrong,) = of(check_server(door, lambda: now() - timedelta(minutes=2)), "clocks")
    assert wrong.state is State.WRONG
    assert "ahead of this machine" in wrong.found
    assert "time server" in wrong.do


def test_a_pool_that_is_not_there_is_told(door, http):
    (finding,) = of(check_server(door), "workers")
    assert finding.state is State.WRONG
    assert "flows.operations.deployed" in finding.do


def test_workers_are_told_when_they_are_missing_and_when_they_are_there(door, http, pool):
    (finding,) = of(check_server(door), "workers")
    assert (finding.state, "none is online" in finding.found) == (State.WRONG, True)
    beat = http.post(f"/work_pools/{POOL}/workers/heartbeat", json={"name": "gpu-0"})
    assert beat.status_code == 204, beat.text
    (finding,) = of(check_server(door), "workers")
    assert (finding.state, finding.found) == (State.SOUND, "1 online: gpu-0")


def test_late_runs_are_told(door, http, pool):
    flow = http.post("/flows/", json={"name": "late"}).json()["id"]
    asked = {"flow_id": flow, "state": {"type": "SCHEDULED", "name": "Late"}}
    made = http.post("/flow_runs/", json=asked | {"work_pool_name": POOL})
    assert made.status_code == 201, made.text
    run = made.json()["id"]
    try:
        (finding,) = of(check_server(door), "late runs")
    finally:
        http.delete(f"/flow_runs/{run}")
    assert finding.found.startswith("1 ")
    assert finding.do == "start a worker"


class Other(Answering):
    """A server of another version, which asks nobody for a password."""

    def get(self):
        self.say("3.0.0")

    def post(self):
        self.body()
        self.say(0 if self.path.endswith("count") else [])


@pytest.mark.parametrize("path", ["", "/elsewhere"])
def test_an_address_that_leads_elsewhere_is_told(door, path):
    address = door.url.removesuffix("/api") + path
    (finding,) = check_server(Door(address, POOL, door.auth))
    assert finding.state is State.WRONG
    assert "ends in /api" in finding.do


def test_a_password_in_the_address_is_not_shown():
    with listening(Other, "0.0.0.0") as port:
        found = check_server(Door(f"http://ann:secret@127.0.0.1:{port}/api", POOL))
    assert found
    assert not any("secret" in one.sentence for one in found)


def test_another_version_is_told():
    with listening(Other, "0.0.0.0") as port:
        (finding,) = of(check_server(Door(f"http://127.0.0.1:{port}/api", POOL)), "Prefect")
    assert finding.state is State.WRONG
    assert "3.0.0" in finding.found
    assert "pip install prefect==" in finding.do


def test_one_that_others_reach_without_a_password_is_told():
    with listening(Other, "0.0.0.0") as port:
        found = of(check_server(Door(f"http://127.1.2.3:{port}/api", POOL)), "Prefect")
    assert [one.state for one in found] == [State.WRONG, State.NOTICE]
    assert "PREFECT_SERVER_API_AUTH_STRING" in found[1].do
