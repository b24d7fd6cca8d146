"""One line a fact, for those who asked, and no secret in it."""

import json
import logging
import subprocess
import sys
import threading

import pytest

from heritage.logs import begin, concerning, identified, say
from heritage.secrecy import Secrecy
from heritage.settings import load_settings


@pytest.fixture
def logged(capsys):
    """Begins a log with these settings; gives the lines that were written since."""

    def asked(**given):
        begin(load_settings(**given))

        def lines():
            return capsys.readouterr().err.splitlines()

        return lines

    yield asked
    begin(load_settings(log_format="text"))
    assert logging.getLogger("heritage").propagate


def test_nothing_is_said_to_those_who_did_not_ask(logged):
    lines = logged()
    say("restoration.begun", master="a.tif")
    say("restoration.failed", "error")
    assert lines() == []


def test_json_lines_parse_and_carry_who_and_when(logged):
    lines = logged(log_format="json")
    say("restoration.finished", regions=2, seconds=0.5, path=None, folder="Künstler\n二")
    (line,) = map(json.loads, lines())
    assert list(line)[:3] == ["time", "level", "event"]
    assert line["time"].endswith("Z")
    assert (line["level"], line["event"]) == ("info", "restoration.finished")
    assert (line["regions"], line["seconds"], line["folder"]) == (2, 0.5, "Künstler\n二")
    assert {"host", "pid"} <= set(line)


def test_lines_of_a_master_carry_its_ids_in_every_thread(logged):
    from contextvars import copy_context

    lines = logged(log_format="json")
    with concerning(master="a.tif", person=None):

        def task():
            with concerning(master="a.tif"):
                identified(restoration="r1", master_sha256="f" * 64)
                say("stage.completed")

        thread = threading.Thread(target=copy_context().run, args=(task,))
        thread.start()
        thread.join()
        say("attempt.restored")
        with concerning(master="b.tif"):
            say("other")
    say("after")
    first, second, other, after = map(json.loads, lines())
    assert {(one["master"], one["restoration"]) for one in (first, second)} == {("a.tif", "r1")}
    assert other["master"] == "b.tif"
    assert "master" not in after
    assert "person" not in first


def test_what_was_said_through_logging_comes_out_the_same_way(logged):
    lines = logged(log_format="json")
    with concerning(master="a.tif"):
        logging.getLogger("heritage").warning("the %s is full", "disk")
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("heritage").exception("broken")
    warned, broken = map(json.loads, lines())
    assert (warned["event"], warned["message"], warned["master"]) == (
        "message", "the disk is full", "a.tif",
    )  # fmt: skip
    assert (warned["level"], broken["level"]) == ("warning", "error")
    assert "ValueError: odd" in broken["exception"]


def test_text_is_one_line_a_fact_and_the_level_is_kept_to(logged):
    lines = logged(log_level="warning")
    say("restoration.begun")
    say("restoration.failed", "error", reason="disk full")
    (line,) = lines()
    assert line.startswith("time=")
    assert ' event=restoration.failed reason="disk full" ' in line


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("postgresql://ann:pa:ss/w@rd@db/archive", "pa:ss"),
        ("https:/ann:pass@host/x.tif", "pass"),
        ("see https://token-abc@host/x and file:///y", "token-abc"),
        ("s3://b/x?X-Amz-Signature=abcdef&page=2", "abcdef"),
        ("https://host/x?sig=abc%2F&id=1", "abc%2F"),
        ("connection failed: hunter22 is wrong", "hunter22"),
        ("or as it is written in an address: hunter%32%32", "hunter%32%32"),
        ("the secret of the directory is opensesame", "opensesame"),
    ],
)
def test_secrets_are_masked(said, hidden, logged, monkeypatch):
    lines = logged(
        log_format="json", database_url="postgresql://ann:hunter%32%32@db/archive",
        review_oidc_secret="opensesame",
    )  # fmt: skip
    say("said", reason=said)
    logging.getLogger("heritage").error("%s", said)
    written = lines()
    assert len(written) == 2
    assert all(hidden not in line for line in written)
    assert all("***" in line for line in written)


def test_fields_that_are_secrets_by_name_are_masked(logged):
    lines = logged(log_format="json")
    say("login", password="x", api_key="y", authorization="Basic z", person="Ann")
    (line,) = map(json.loads, lines())
    assert [line[name] for name in ("password", "api_key", "authorization")] == ["***"] * 3
    assert line["person"] == "Ann"


def test_harmless_words_stay():
    for said in ("https://host:8040/worklist", "/archive/a@b.tif", "12:30 ann@museum.example"):
        assert Secrecy().hidden(said) == said


def test_settings_that_make_no_sense_are_told_by_others(logged, monkeypatch, capsys):
    monkeypatch.setenv("HERITAGE_LOG_LEVEL", "loud")
    begin()
    say("anything")
    assert capsys.readouterr().err == ""


def test_who_does_not_ask_does_not_wait_for_structlog():
    program = "import sys; from heritage.logs import say; say('x'); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"structlog", "prometheus_client"} & set(done.stdout.split())
    assert done.stderr == ""
