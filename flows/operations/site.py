"""All parts of a site on one machine: started in order, watched, stopped in the reverse order."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flows.operations.departures import Departures
from flows.operations.names import POOL
from flows.operations.server import server_of
from flows.orchestrator import SILENCE
from heritage.errors import HeritageError, ServerUnreachable
from heritage.listening import listen
from heritage.logs import say
from heritage.settings import Settings

HOST = "127.0.0.1"
WORKER = os.uname().nodename
PREFECT_PORT, REVIEW_PORT, METRICS_PORT = 4200, 8040, 8041
STARTUP_SECONDS = 180.0
FAREWELL_SECONDS = 20.0
STEADY_SECONDS = 60.0
PAUSE, LONGEST_PAUSE = 1.0, 60.0
LOOK_SECONDS = 15.0
LEASE_STORAGE = "prefect.server.concurrency.lease_storage.filesystem"
PR_SET_PDEATHSIG = 1


@dataclass
class Part:
    """One program of the site.

    Attributes:
        name: What people call it; its lines go to ``logs/NAME.log`` of the workspace.
        command: How it is started.
        environment: What it finds.
        process: While it runs.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = PAUSE
    again: float = 0.0

    def start(self, logs: Path) -> None:
        """Run it in a session of its own, so that Ctrl-C reaches us alone."""
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        self.started = time.monotonic()
        say("part.started", part=self.name, part_pid=self.process.pid)

    def ended(self) -> int | None:
        """Its exit status, if it has ended."""
        return None if self.process is None else self.process.poll()

    def stop(self) -> None:
        """Ask it to leave, and see that it and all it has started are gone."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(FAREWELL_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        say("part.stopped", part=self.name, status=self.process.wait())
        self.process = None


def _end_with_parent() -> None:
    """Leave when the parent is gone, in whatever way; Linux only."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Site:
    """Prefect's server, one worker, the review room, and metrics.

    Args:
        settings: Of the site.
        prefect_port: Where Prefect is reached; 0: any that is free.
        review_port: Where the review room is.
        say: Receives what a person should know.
        runs: How many flows the worker runs side by side.
        metrics_port: Where metrics are; 0: any that is free.
    """

    def __init__(
        self,
        settings: Settings,
        prefect_port: int = PREFECT_PORT,
        review_port: int = REVIEW_PORT,
        say: Callable[[str], None] = print,
        runs: int = 4,
        metrics_port: int = METRICS_PORT,
    ) -> None:
        self._settings, self._say = settings, say
        self._logs = settings.home / "logs"
        self._over = threading.Event()
        external = server_of(settings)
        port = 0 if external else _free(prefect_port)
        self.prefect = external or f"http://{HOST}:{port}/api"
        self.review = f"http://localhost:{_free(review_port)}"
        self.metrics = f"http://{HOST}:{_free(metrics_port)}"
        self._departures = Departures(settings, self.prefect, WORKER)
        self._parts: list[Part] = []
        if not external:
            self._parts.append(self._server(port))
        self._parts += [self._worker(runs), self._exporter(), self._room()]

    def run(self) -> None:
        """Start everything, and keep it running until ``stop`` or a signal.

        Raises:
            ServerUnreachable: If Prefect does not come up, with the place of its last words.
        """
        self._settings.inbox_folder.mkdir(parents=True, exist_ok=True)
        try:
            self._start()
            looked = time.monotonic()
            while not self._over.wait(0.5):
                self._watch()
                if time.monotonic() - looked > LOOK_SECONDS:
                    self._report_departures()
                    looked = time.monotonic()
        finally:
            for part in reversed(self._parts):
                part.stop()
            self._say("Stopped.")

    def stop(self) -> None:
        """End it; safe in a signal handler."""
        self._over.set()

    def _start(self) -> None:
        if self._parts[0].name == "prefect":
            self._parts[0].start(self._logs)
        self._await(f"{self.prefect}/health", self._parts[0])
        if self._over.is_set():
            return
        fault = self._run("flows.operations.deployed")
        if fault:
            raise ServerUnreachable(f"the flows could not be deployed: {fault}")
        self._report_departures(down=True)
        for part in self._parts:
            if part.process is None:
                part.start(self._logs)
        self._await(f"{self.review}/login", self._parts[-1])
        if self._over.is_set():
            return
        self._say(f"Runs and schedules: {self.prefect.removesuffix('/api')}")
        self._say(f"Review room: {self.review}")
        self._say(f"Metrics: {self.metrics}/metrics")
        self._say(f"New masters go to {self._settings.inbox_folder}")
        self._say(f"Logs: {self._logs}. Ctrl-C ends it.")

    def _run(self, module: str) -> str:
        """Run a module of ours to its end; why it failed, empty if it did not."""
        command = [sys.executable, "-m", module]
        done = subprocess.run(  # noqa: S603 - our own module
            command, env=self._environment(), capture_output=True, text=True, check=False
        )
        if not done.returncode:
            return ""
        return ((done.stderr or done.stdout).strip().splitlines() or ["no reason given"])[-1]

    def _await(self, address: str, part: Part) -> None:
        """Wait until a part answers; a Prefect server elsewhere is nobody's part."""
        deadline = time.monotonic() + STARTUP_SECONDS
        while not self._over.is_set():
            try:
                with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - http(s)
                    return
            except urllib.error.HTTPError:
                return  # it asks who we are: Prefect's client will say
            except OSError:
                if part.ended() is not None or time.monotonic() > deadline:
                    where = self._logs / f"{part.name}.log"
                    raise ServerUnreachable(f"{address} does not answer; see {where}") from None
            time.sleep(0.2)

    def _watch(self) -> None:
        """Start what has ended, after a pause that grows while it keeps ending."""
        now = time.monotonic()
        for part in self._parts:
            status = part.ended()
            if status is None:
                continue
            if not part.again:
                if now - part.started > STEADY_SECONDS:
                    part.pause = PAUSE
                part.again, part.pause = now + part.pause, min(2 * part.pause, LONGEST_PAUSE)
                say("part.ended", "error", part=part.name, status=status)
                self._say(
                    f"{part.name} ended with status {status}; it is started again "
                    f"(see {self._logs / part.name}.log)"
                )
            elif now >= part.again:
                if part.name == "worker" and not self._report_departures(down=True):
                    part.again = time.monotonic() + PAUSE  # Prefect or the catalogue is away too
                    continue
                part.again = 0.0
                part.start(self._logs)

    def _report_departures(self, down: bool = False) -> bool:
        """Tell Prefect of runs of our worker that are no process any more; whether that went."""
        try:
            for name in self._departures.report(down):
                say("run.departed", "error", name=name)
        except HeritageError as error:
            say("run.not_looked_at", "warning", reason=error.reason)
            return False
        return True

    def _environment(self, **more: str) -> dict[str, str]:
        """What all parts find: this site's settings, and Prefect where it is."""
        settings = self._settings
        given = {
            "HERITAGE_HOME": str(settings.home),
            "HERITAGE_DATABASE_URL": settings.database_url,
            "HERITAGE_REVIEW_URL": settings.review_url or self.review,
            "HERITAGE_LOG_FORMAT": settings.log_format,
            "HERITAGE_LOG_LEVEL": settings.log_level or "info",
            "HERITAGE_PREFECT_API_URL": self.prefect,
            "PREFECT_API_URL": self.prefect,
            "PREFECT_HOME": str(settings.home / "prefect"),
            "PREFECT_WORKER_QUERY_SECONDS": "2",
        }
        return dict(os.environ) | SILENCE | given | more

    def _server(self, port: int) -> Part:
        place = self._settings.home / "prefect"
        place.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "prefect", "server", "start"]
        environment = self._environment(
            PREFECT_API_DATABASE_CONNECTION_URL=f"sqlite+aiosqlite:///{place / 'prefect.db'}",
            PREFECT_UI_API_URL=self.prefect,
            # in memory, the default, slots would never be freed after a restart
            PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=LEASE_STORAGE,
            PREFECT_SERVER_LOGGING_LEVEL="WARNING",
        )
        environment.pop("PREFECT_API_URL")  # it is the server
        return Part("prefect", [*command, "--host", HOST, "--port", str(port)], environment)

    def _worker(self, runs: int) -> Part:
        command = [sys.executable, "-m", "prefect", "worker", "start", "--type", "process"]
        command += ["--pool", POOL, "--limit", str(runs), "--name", WORKER]
        return Part("worker", command, self._environment())

    def _exporter(self) -> Part:
        port = self.metrics.rpartition(":")[2]
        command = [sys.executable, "-m", "flows.cli", "metrics", "--port", port]
        return Part("metrics", command, self._environment())

    def _room(self) -> Part:
        port = self.review.rpartition(":")[2]
        command = [sys.executable, "-m", "flows.cli", "review", "--port", port]
        return Part("review", command, self._environment())


def _free(port: int) -> int:
    """The port, if nobody has it; for 0 any.

    Raises:
        PortTaken: If another program has it.
    """
    with listen(HOST, port) as found:
        return int(found.getsockname()[1])
