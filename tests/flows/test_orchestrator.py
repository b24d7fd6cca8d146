import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from flows.orchestrator import Orchestrator, orchestration
from heritage.errors import ServerUnreachable


def _is_running(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    if status.parent.parent.joinpath("self").exists():
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _gone(process: int, home: Path) -> bool:
    for _ in range(100):
        if not _is_running(process) and not home.exists():
            return True
        time.sleep(0.1)
    return False


def test_the_server_answers_and_wants_its_secret(prefect_server: Orchestrator) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        assert client.api_healthcheck() is None
        assert str(client.api_url).rstrip("/") == prefect_server.url
    address = f"{prefect_server.url}/flows/count"
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.urlopen(urllib.request.Request(address, b"{}"))
    refused.value.close()


def test_nobody_is_told_that_we_run(prefect_server: Orchestrator) -> None:
    from prefect._internal.analytics import is_telemetry_enabled
    from prefect.settings import get_current_settings

    assert not is_telemetry_enabled()
    assert not get_current_settings().server.analytics_enabled


def test_the_server_leaves_when_we_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    program = """
        import sys, time
        from flows.orchestrator import orchestration
        with orchestration() as server:
            print(server.process.pid, server.home, flush=True)
            time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        number, home = parent.stdout.readline().split()
    assert _is_running(int(number))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert _gone(int(number), Path(home))


def test_the_environment_is_afterwards_as_it_was(
    prefect_server: Orchestrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL")
    before = dict(os.environ)
    with orchestration("http://127.0.0.1:1/api") as server:
        assert os.environ["PREFECT_API_URL"] == server.url
    assert dict(os.environ) == before


def test_a_server_that_does_not_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.orchestrator.ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
        monkeypatch.setenv("PREFECT_API_URL", url)
        with (
            orchestration() as server,
            pytest.raises(ServerUnreachable, match="does not answer"),
            server.ready(),
        ):
            pass


def test_a_server_that_cannot_start_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "uvicorn.py").write_text("raise RuntimeError('no uvicorn today')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with (
        orchestration() as server,
        pytest.raises(ServerUnreachable, match="no uvicorn today"),
        server.ready(),
    ):
        pass
