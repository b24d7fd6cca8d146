"""A device that allows one is used by one, and a run that was killed does not keep it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import httpx
import pytest

from flows import slots
from flows.operations.site import Site
from heritage.listening import listen
from heritage.settings import load_settings

PROGRAM = """
import sys, time
from flows.slots import device_slot
with device_slot("cuda", (sys.argv[1],)):
    print("has it", time.time(), flush=True)
    time.sleep(float(sys.argv[2]))
    print("leaves it", time.time(), flush=True)
"""


def run(name, seconds, **more):
    command = [sys.executable, "-c", PROGRAM, name, str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | more)


def moments(process, patience=120):
    try:
        said = process.communicate(timeout=patience)[0].split()
    finally:
        process.kill()
        process.communicate()
    return float(said[2]), float(said[5])


@pytest.mark.slow
def test_two_runs_never_share_it(prefect_server):
    first, second = sorted(map(moments, [run("device-shared", 2), run("device-shared", 2)]))
    assert first[1] <= second[0]


def test_two_devices_do_not_wait_for_each_other(prefect_server):
    one = run("device-left", 60)
    try:
        assert one.stdout.readline().startswith("has it")
        moments(run("device-right", 0))
        assert one.poll() is None
    finally:
        one.kill()
        one.communicate()


def test_processors_and_throw_away_servers_have_no_slots(prefect_server, monkeypatch):
    assert slots.slots_of("cpu") == ()
    monkeypatch.setattr(slots, "_make_known", lambda *_: pytest.fail("asked the server"))
    with slots.device_slot("cpu"), slots.device_slot("cuda", ("device-mine",)):
        pass


@contextmanager
def site_server(home, port):
    """Prefect's server as a site has it, with its services."""
    part = Site(load_settings(home=home), prefect_port=port)._parts[0]
    part.start(home / "logs")
    address = f"http://127.0.0.1:{port}/api"
    try:
        while True:
            with suppress(httpx.TransportError):
                if httpx.get(f"{address}/health").status_code == 200:
                    break
            time.sleep(0.3)
        yield address, part.process
    finally:
        part.stop()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_who_was_killed_does_not_keep_it_even_if_the_server_was_too(tmp_path, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.delenv("PREFECT_API_AUTH_STRING", raising=False)
    with listen("127.0.0.1", 0) as found:
        port = found.getsockname()[1]
    with site_server(tmp_path, port) as (address, server):
        killed = run("device-killed", 600, PREFECT_API_URL=address)
        assert killed.stdout.readline().startswith("has it")
        killed.kill()
        killed.communicate()
        server.send_signal(signal.SIGKILL)
    with site_server(tmp_path, port) as (address, server):
        moments(run("device-killed", 0, PREFECT_API_URL=address), 240)
