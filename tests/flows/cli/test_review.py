"""``heritage review``: accounts on the command line, and the room that opens and closes."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

PROGRAM = [sys.executable, "-m", "flows.cli", "review"]


@pytest.fixture
def review(tmp_path):
    """Runs the command in a workspace of its own."""
    environment = {**os.environ, "HERITAGE_HOME": str(tmp_path), "NO_COLOR": "1"}

    def run(*arguments, password="correct horse battery\n", **more):
        return subprocess.run(
            [*PROGRAM, *arguments],
            input=password,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            **more,
        )

    run.environment = environment
    return run


def test_accounts_are_made_changed_and_listed(review):
    made = review("account", "Ann", "--full-name", "Ann Lee", "--role", "administrator")
    assert made.returncode == 0, made.stderr
    assert "Ann Lee may come in as ann, administrator." in made.stdout
    assert review("account", "ben").returncode == 0
    changed = review("account", "ben", "--role", "reviewer", "--close")
    assert "Changed ben" in changed.stdout
    listed = json.loads(review("accounts", "--json").stdout)["accounts"]
    assert listed == [
        {"name": "ann", "full_name": "Ann Lee", "role": "administrator", "active": True},
        {"name": "ben", "full_name": "ben", "role": "reviewer", "active": False},
    ]
    last = review("account", "ann", "--role", "viewer")
    assert last.returncode == 3
    assert "one active administrator has to stay" in last.stderr


@pytest.mark.parametrize(
    ("arguments", "password", "words"),
    [
        (("account", "ann"), "short\n", "12 to 256"),
        (("account", "ann", "--role", "king"), "", "no role 'king'"),
        ((), "", "nobody can log in yet"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(review, arguments, password, words):
    done = review(*arguments, password=password)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_room_opens_and_closes(review):
    assert review("account", "ann", "--role", "administrator").returncode == 0
    command = [*PROGRAM, "--port", "0"]
    with subprocess.Popen(
        command, env=review.environment, stdout=subprocess.PIPE, text=True
    ) as room:
        words = room.stdout.readline()
        address = words.split()[1]
        with urllib.request.urlopen(f"{address}health", timeout=30) as answer:
            assert json.load(answer)["status"] == "ok"
        room.send_signal(signal.SIGINT)
        assert room.wait(timeout=60) == 0
