"""Prefect for one run: the site's server where there is one, else our own for as long as it takes.

``orchestration`` must be entered before Prefect is imported, because Prefect reads its settings
from the environment at that moment. It returns at once; the server comes up beside whatever else
there is to prepare, and ``Orchestrator.ready`` is entered when flows are to run.
"""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from flows.share import Clock, Share
from heritage.errors import ServerUnreachable

STARTUP_SECONDS = 180.0  # four, where nobody else wants the processor
ANSWER_SECONDS = 5.0
DRAIN_SECONDS = 5.0
POLL_SECONDS = 0.02

# Nobody is told that this project runs, whoever's server it reports to.
SILENCE = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}

# Prefect's own lines would cut through our progress bar; failures reach us as exceptions. Its
# server still gets them, and whoever sets one of these variables sees them here too.
QUIET = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
}

# Nothing reads a throw-away server's logs, events or task records, so none are kept.
LEAN_CLIENT = {
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_CLIENT_MAX_RETRIES": "2",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
}
LEAN_SERVER = {
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_UI_ENABLED": "false",
    "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PREFECT_SERVER_EVENTS_STREAM_OUT_ENABLED": "false",
    "PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED": "false",
}


_throw_away: set[str] = set()


def is_lasting() -> bool:
    """Whether the server that flows report to outlives this run."""
    return os.environ.get("PREFECT_API_URL") not in _throw_away


@dataclass
class Orchestrator:
    """A Prefect server that flows can report to.

    Attributes:
        url: Address of its interface.
        secret: What a client must show, ``None`` if the site's own settings decide.
        process: The server, if it is ours.
        home: Its folder, if it is ours.
    """

    url: str
    secret: str | None = None
    process: subprocess.Popen[bytes] | None = None
    home: Path | None = None
    clock: Clock = field(default_factory=Clock)

    @property
    def ours(self) -> bool:
        """Whether the server was started here and ends with us."""
        return self.process is not None

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Wait for the server; flows are run inside the block.

        Raises:
            ServerUnreachable: If it does not answer, with the reason.
        """
        self._wait()
        try:
            with without_events() if self.ours else nullcontext():
                yield
        except Exception as error:
            if self.process is None or self.process.poll() is None:
                raise
            raise ServerUnreachable(
                f"Prefect's local server ended during the run ({self._last_line()}); "
                "run the same command again, it continues"
            ) from error

    def _wait(self) -> None:
        started = time.monotonic()
        allowed = STARTUP_SECONDS if self.ours else ANSWER_SECONDS
        while (fault := self._fault(allowed)) is not None:
            if self.process is not None and self.process.poll() is not None:
                raise ServerUnreachable(
                    f"Prefect's local server did not start: {self._last_line()}"
                )
            if time.monotonic() - started > allowed:
                raise ServerUnreachable(
                    f"the Prefect server at {self.url} does not answer ({fault}); start it, or "
                    "unset PREFECT_API_URL and HERITAGE_PREFECT_API_URL to do without"
                )
            time.sleep(POLL_SECONDS if self.ours else 1.0)

    def share(self) -> Share:
        """Prefect's part of the run so far."""
        return self.clock.share()

    def _fault(self, seconds: float) -> str | None:
        """Why the server does not answer; ``None`` if it does."""
        request = urllib.request.Request(f"{self.url.rstrip('/')}/health")  # noqa: S310 - http(s)
        if self.secret is not None:
            token = base64.b64encode(self.secret.encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        try:
            with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310
                return None
        except urllib.error.HTTPError as error:
            return None if error.code in (401, 403) else f"HTTP status {error.code}"
        except (OSError, ValueError) as error:
            return str(getattr(error, "reason", error))

    def _last_line(self) -> str:
        """The last thing the server said."""
        assert self.home is not None
        with suppress(OSError):
            lines = (self.home / "server.log").read_text(errors="replace").split("\n")
            return next(
                (line.strip() for line in reversed(lines) if line.strip()), "no reason given"
            )
        return "its folder is gone"


@contextmanager
def orchestration(api_url: str | None = None) -> Iterator[Orchestrator]:
    """Have flows report to a Prefect server for as long as the block lasts.

    Args:
        api_url: The site's server (the setting ``prefect_api_url``). The variable
            ``PREFECT_API_URL`` wins over it; with neither, a server is started and ended here.
    """
    url = os.environ.get("PREFECT_API_URL") or api_url
    with ExitStack() as stack:
        if url:
            server = Orchestrator(url)
            stack.enter_context(_environment({**SILENCE, **_quiet(), "PREFECT_API_URL": url}))
        else:
            server = stack.enter_context(_local_server())
            stack.enter_context(_environment(_client_environment(server)))
        yield server


@contextmanager
def _local_server() -> Iterator[Orchestrator]:
    """Start a server in its own process, ended with the block or with this process."""
    home = Path(tempfile.mkdtemp(prefix="heritage-prefect-"))
    secret = f"heritage:{secrets.token_urlsafe(24)}"
    read_end, write_end = os.pipe()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
    try:
        process = _spawn(listener.fileno(), read_end, home, secret)
        listener.close()
        os.close(read_end)
        _throw_away.add(url)
        yield Orchestrator(url, secret, process, home)
    finally:
        _throw_away.discard(url)
        listener.close()
        os.close(write_end)  # the server's sign to leave
        with suppress(NameError):
            _see_off(process)
        shutil.rmtree(home, ignore_errors=True)


def _spawn(listener: int, lifeline: int, home: Path, secret: str) -> subprocess.Popen[bytes]:
    """The server's process, in a session of its own so that Ctrl-C reaches us alone."""
    root = str(Path(__file__).resolve().parent.parent)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    path = os.pathsep.join(filter(None, (root, inherited.get("PYTHONPATH"))))
    own = {"PREFECT_HOME": str(home), "PREFECT_SERVER_API_AUTH_STRING": secret, "PYTHONPATH": path}
    command = [sys.executable, "-m", "flows.local_server", str(listener), str(lifeline), str(home)]
    with (home / "server.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            cwd=home,
            env=inherited | SILENCE | LEAN_SERVER | own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(listener, lifeline),
            start_new_session=True,
        )


def _see_off(process: subprocess.Popen[bytes]) -> None:
    """Reap the server, which needs no time to leave."""
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _client_environment(server: Orchestrator) -> dict[str, str | None]:
    """What Prefect's client must find; the user's own Prefect profile plays no part."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    unproxied = ",".join(filter(None, (given, "127.0.0.1")))
    return {
        **SILENCE,
        **_quiet(),
        **LEAN_CLIENT,
        "PREFECT_HOME": str(server.home),
        "PREFECT_API_URL": server.url,
        "PREFECT_API_AUTH_STRING": server.secret,
        "NO_PROXY": unproxied,
        "no_proxy": unproxied,
        "PREFECT_API_KEY": None,
        "PREFECT_PROFILE": None,
    }


@contextmanager
def without_events() -> Iterator[None]:
    """Run flows without the messages that only a lasting server has a reader for.

    Prefect's heart beats once a second even where nobody listens, and every flow waits for the
    last beat; the variable of that name cannot say "never". Its events are dropped here, because
    at the end of the process Prefect waits for all of them to arrive, at a server that has left.
    """
    from prefect.events.clients import NullEventsClient
    from prefect.events.worker import EventsWorker
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    EventsWorker.set_client_override(NullEventsClient)
    try:
        with temporary_settings(updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield
    finally:
        EventsWorker.drain_all(timeout=DRAIN_SECONDS, at_exit=False)
        EventsWorker.set_client_override(None)


def _quiet() -> dict[str, str]:
    return {name: value for name, value in QUIET.items() if name not in os.environ}


@contextmanager
def _environment(values: dict[str, str | None]) -> Iterator[None]:
    """Set variables (``None``: unset), and put them back afterwards."""
    before = {name: os.environ.get(name) for name in values}
    _set_environment(values)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if "prefect.context" in sys.modules:  # imported before us, in a notebook or a test
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
