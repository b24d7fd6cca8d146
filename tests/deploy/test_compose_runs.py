"""The parts of compose.yaml, with its commands and variables, without containers."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from heritage.listening import listen
from tests.deploy.checking import DEPLOY, documents, example, interpolate

SECRETS = ("POSTGRES_PASSWORD", "CATALOGUE_PASSWORD", "PREFECT_PASSWORD", "PREFECT_AUTH")
PORTS = ("4200", "8040", "8041", "8080")
PATIENCE = 180


def free_port():
    with listen("127.0.0.1", 0) as found:
        return str(found.getsockname()[1])


class Machine:
    """One machine in the place of all containers: other ports, other folders, no proxy."""

    def __init__(self, folder, socket):
        secrets = dict.fromkeys(SECRETS, "secret") | {"PREFECT_AUTH": "ann:secret"}
        self.folder, self.socket = folder, socket
        self.ports = {port: free_port() for port in PORTS}
        self.services = interpolate(
            documents(DEPLOY / "compose.yaml")[0], example("env.example") | secrets
        )["services"]
        for name in ("workspace", "orchestrator", "inbox"):
            (folder / name).mkdir()

    def here(self, text):
        """What a container is told, as it is on this machine."""
        text = text.replace("@postgres:5432/", "@/").replace("http://prefect:", "http://127.0.0.1:")
        text = text.replace("0.0.0.0", "127.0.0.1").replace(
            "/srv/heritage", f"{self.folder}/workspace"
        )
        text = text.replace("/srv/prefect", f"{self.folder}/orchestrator")
        text = text.replace("/inbox", f"{self.folder}/inbox").replace(
            "/tmp/pages", f"{self.folder}/pages"
        )
        text = re.sub(r"(postgresql\S+@/\w+)", rf"\1?host={self.socket}", text)
        return re.sub("|".join(PORTS), lambda found: self.ports[found[0]], text)

    def environment(self, name):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "HERITAGE_"))}
        given = {k: self.here(v) for k, v in self.services[name]["environment"].items()}
        # What the image says, and where its health page is: by default every container's own 8080.
        image = {
            "HERITAGE_HOME": str(self.folder / "workspace"),
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_WORKER_WEBSERVER_PORT": self.ports["8080"],
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        return kept | image | given

    def command(self, words):
        return [self.here(word) for word in words]

    @contextmanager
    def running(self, name):
        """A part, once it says by its own health check that it is well."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                self.command(self.services[name]["command"]), env=self.environment(name),
                cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            deadline = time.monotonic() + PATIENCE
            while not self.is_healthy(name):
                assert process.poll() is None, self.said(name)
                assert time.monotonic() < deadline, self.said(name)
                time.sleep(0.5)
            yield
        finally:
            process.terminate()
            process.wait(60)

    def run(self, name):
        """A part that does something and ends."""
        done = self.ask(name, *self.command(self.services[name]["command"]))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, name, *words):
        """What `docker compose exec` does: a command with the variables of a part."""
        return subprocess.run(
            words, env=self.environment(name), cwd=self.folder, capture_output=True, text=True
        )

    def is_healthy(self, name):
        kind, *words = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        return self.ask(name, *self.command(words)).returncode == 0

    def said(self, name):
        return (self.folder / f"{name}.log").read_text()[-3000:]


@pytest.fixture
def machine(tmp_path, postgresql):
    pytest.importorskip("psycopg")
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    (socket,) = parse_qs(urlsplit(postgresql).query)["host"]
    script = DEPLOY / "postgresql" / "databases.sh"
    given = {"PGHOST": socket, "POSTGRES_USER": "postgres", "PATH": os.environ["PATH"]}
    with _databases(socket):
        secrets = {"CATALOGUE_PASSWORD": "one", "PREFECT_PASSWORD": "two"}
        subprocess.run([script], env=given | secrets, check=True)
        yield Machine(tmp_path, socket)


@contextmanager
def _databases(socket):
    """Whatever other tests left of the two goes before and after."""
    import psycopg

    def forget():
        with psycopg.connect(host=socket, user="postgres", autocommit=True) as connection:
            for name in ("heritage", "prefect"):
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                connection.execute(f"DROP ROLE IF EXISTS {name}")

    forget()
    yield
    forget()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_parts_find_each_other(machine):
    with machine.running("prefect"):
        api = f"http://127.0.0.1:{machine.ports['4200']}/api"
        assert httpx.get(f"{api}/admin/version").status_code == 401
        with httpx.Client(base_url=api, auth=("ann", "secret"), timeout=30) as prefect:
            told = machine.run("deployed").split()
            assert len(prefect.post("/deployments/filter", json={}).json()) == len(told) > 0
            with machine.running("metrics"), machine.running("review"):
                room = f"http://127.0.0.1:{machine.ports['8040']}/health"
                assert httpx.get(room).json()["status"] == "ok"
                assert httpx.get(room, headers={"Host": "elsewhere.example"}).status_code == 400
                with machine.running("worker-cpu"):
                    deadline = time.monotonic() + PATIENCE
                    while _workers(prefect) != ["ONLINE"]:
                        assert time.monotonic() < deadline, machine.said("worker-cpu")
                        time.sleep(0.5)
                    doctor = machine.ask("review", "heritage", "doctor", "--json")
                    assert json.loads(doctor.stdout)["faults"] == []
                    abouts = [one["about"] for one in json.loads(doctor.stdout)["checks"]]
                    assert abouts.count("clocks") == 2  # of both servers


def _workers(prefect):
    """How the workers of our pool are, as the server sees it."""
    known = prefect.post("/work_pools/heritage/workers/filter", json={}).json()
    return [one["status"] for one in known]
