"""The whole site, as ``heritage serve`` starts it: asked over HTTP as Prefect's pages do."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from heritage.archive.proof import prove
from heritage.care.custody import open_custody
from heritage.settings import load_settings
from tests.serving import Answering, listening

PASSWORD = "correct horse battery"


@contextmanager
def site(home, cwd, **environment):
    """A running site: Prefect's address, the review room's, the process."""
    given = {"HERITAGE_HOME": str(home), "HERITAGE_DETECT": "false", "NO_COLOR": "1"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    command = [sys.executable, "-m", "flows.cli"]
    account = [*command, "review", "account", "ann", "--role", "administrator"]
    subprocess.run(
        account, env=inherited | given, cwd=cwd, input=f"{PASSWORD}\n", text=True,
        check=True, capture_output=True,
    )  # fmt: skip
    process = subprocess.Popen(
        [*command, "serve", "--prefect-port", "0", "--review-port", "0", "--metrics-port", "0"],
        env=inherited | given | environment, cwd=cwd, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said + "".join(p.read_text() for p in (home / "logs").glob("*.log"))
            said += line
        prefect = re.search(r"schedules: (\S+)", said)[1]
        room = re.search(r"room: (\S+)", said)[1]
        with httpx.Client(base_url=f"{prefect}/api", timeout=30) as http:
            yield http, room, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(60)
        process.stdout.close()


def until(find, seconds=120):
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


def runs_of(http, name):
    asked = {"flows": {"name": {"any_": [name]}}, "sort": "START_TIME_DESC"}
    return http.post("/flow_runs/filter", json=asked).json()


def ended(http, name):
    return [run for run in runs_of(http, name) if run["state_type"] in ("COMPLETED", "FAILED")]


def ask_for(http, name, **parameters):
    deployment = http.get(f"/deployments/name/{name}/heritage").json()
    asked = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    path = f"/deployments/{deployment['id']}/create_flow_run"

    def accepted():
        run = http.post(path, json=asked)
        assert run.status_code in (201, 503), run.text  # 503: its SQLite file is busy, ask again
        return run if run.status_code == 201 else None

    run = until(accepted)

    def over():
        found = http.get(f"/flow_runs/{run.json()['id']}").json()
        return found if found["state_type"] in ("COMPLETED", "FAILED", "CRASHED") else None

    return until(over)


def artifact(http, key):
    return http.get(f"/artifacts/{key}/latest").json()["data"]


@contextmanager
def listener():
    """An address for messages, and the messages."""
    heard = []

    class Hear(Answering):
        def post(self):
            heard.append(json.loads(self.body()))
            self.say("heard")

    with listening(Hear) as port:
        yield f"json://127.0.0.1:{port}/", heard


def sign_off(room, identifier):
    """What a member of staff does in the browser: approve every region, hand in, sign."""
    with httpx.Client(base_url=room, timeout=30) as ann:
        key = re.search(r'name="key" value="([^"]+)"', ann.get("/login").text)[1]
        ann.post("/login", data={"key": key, "name": "ann", "password": PASSWORD})
        csrf = {"X-CSRF-Token": ann.get("/api/me").json()["csrf"]}
        place = f"/api/restorations/{identifier}"
        regions = ann.get(f"{place}/regions").json()["regions"]
        said = {
            "numbers": [region["number"] for region in regions],
            "versions": [region["version"] for region in regions],
            "decision": "approved",
        }
        assert ann.post(f"{place}/regions", json=said, headers=csrf).status_code == 200
        statement = {"statement": "hypothesis"}
        assert ann.post(f"{place}/hand-in", json=statement, headers=csrf).status_code == 204
        assert ann.post(f"{place}/sign", json={}, headers=csrf).status_code == 204
        return until(lambda: ann.get(place).json()["package"])


@pytest.mark.timeout(420)
@pytest.mark.slow
def test_a_site_by_schedule_and_on_request(tmp_path, workspace, make_master):
    scans = make_master().parent
    (scans / "bad.tif").write_bytes(b"no picture")
    with listener() as (address, heard), site(
        workspace, tmp_path, HERITAGE_INGEST_SCHEDULE="* * * * *", HERITAGE_INBOX=str(scans),
        HERITAGE_MODEL="telea", HERITAGE_NOTIFY=address,
    ) as (http, room, process):  # fmt: skip
        # the forms of Prefect's pages are described
        deployed = http.get("/deployments/name/restore-collection/heritage").json()
        described = deployed["parameter_openapi_schema"]["properties"]
        assert all(described[name].get("description") for name in ("folder", "again", "policy"))
        assert httpx.get(f"{room}/login").status_code == 200

        # the scheduled run starts by itself, and has what came restored
        first = until(lambda: ended(http, "ingest-inbox"))[0]
        assert first["state_type"] == "COMPLETED", first
        assert first["auto_scheduled"]
        until(lambda: ended(http, "restore-collection"))
        with open_custody(load_settings()) as custody:
            assert [line.status for line in custody.restorations()] == ["awaiting review"]
            assert [line.path for line in custody.refusals()] == [str(scans / "bad.tif")]
        assert "bad.tif" in artifact(http, "arrivals")
        assert "mill.tif" in artifact(http, "restored")
        assert f"{room}/worklist" in artifact(http, "restored-summary")

        # asked for over HTTP, as the page does
        make_master("barn", seed=2)
        assert ask_for(http, "ingest-inbox", stable_seconds=0, restore=False)["state_type"] == (
            "COMPLETED"
        )
        asked = ask_for(http, "restore-collection", search="barn")
        assert asked["state_type"] == "COMPLETED"
        assert "barn.tif" in artifact(http, "restored")
        assert "data:image/jpeg;base64," in artifact(http, "restored-details")

        # given to whichever worker is free
        make_master("dam", seed=3)
        ask_for(http, "ingest-inbox", stable_seconds=0, restore=False)
        asked = ask_for(http, "restore-collection", search="dam", runner="prefect-workers")
        assert asked["state_type"] == "COMPLETED"
        assert "dam.tif" in artifact(http, "restored")
        assert next(run["state_type"] for run in runs_of(http, "restore-masters")) == "COMPLETED"

        # a signature has a worker compose the files
        with open_custody(load_settings()) as custody:
            line = next(one for one in custody.restorations() if "mill" in one.output)
        package = sign_off(room, line.identifier)
        assert prove(Path(package)).findings == []
        published = until(lambda: ended(http, "publish-approved"))
        assert [run["state_type"] for run in published] == ["COMPLETED"]

        # the audit finds what is wrong, and fails
        assert ask_for(http, "audit-fixity", everything=True)["state_type"] == "COMPLETED"
        mill = scans / "mill.tif"
        written, data = mill.stat(), bytearray(mill.read_bytes())
        data[-9] ^= 1
        mill.write_bytes(data)
        os.utime(mill, ns=(written.st_atime_ns, written.st_mtime_ns))  # as a disk that forgets
        (scans / "barn.tif").unlink()
        shutil.copy(scans / "mill.mask.tif", workspace / "restored" / "barn" / "barn.layer.tif")
        audit = ask_for(http, "audit-fixity", everything=True)
        assert audit["state_type"] == "FAILED"
        assert "3 files" in audit["state"]["message"]
        assert ask_for(http, "backup-catalogue")["state_type"] == "COMPLETED"
        assert any(told["title"] == "heritage: masters: 1" for told in heard)
        assert any(
            "audit-fixity" in told["title"] and "3 files" in told["message"] for told in heard
        )

        # Prometheus is told what has happened, by processes that are gone
        told = (workspace / "logs" / "metrics.log").read_text()
        address = re.search(r"(\S+)/metrics\. Ctrl-C", told)[1]
        assert httpx.get(f"{address}/health/ready").text == "ok\n"
        counted = [
            f'heritage_holdings{{state="{one}"}} 1.0' for one in ("rot", "missing", "replaced")
        ]

        def look():
            figures = httpx.get(f"{address}/metrics").text
            return figures if all(one in figures for one in counted) else ""

        figures = until(look, 40)
        assert 'heritage_outcomes_total{fate="restored"} 3.0' in figures
        assert 'heritage_stage_seconds_count{stage="publish"} 1.0' in figures
        worker = (workspace / "logs" / "worker.log").read_text()
        assert re.search(r"event=restoration\.finished .* run=[0-9a-f-]{36}", worker)

        # Ctrl-C ends all of it
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        with pytest.raises(httpx.TransportError):
            http.get("/health")
    with open_custody(load_settings()) as custody:
        assert custody.verify_chain().intact
        assert custody.spent(1) == []
