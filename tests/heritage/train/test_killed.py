"""A training that is killed, as the process it is, and goes on."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heritage.train.loop import Training
from heritage.train.recipe import read_recipe

PROGRAM = (
    "import sys, heritage.train.validation as validation\n"
    "validation.PICTURES = 2\n"
    "from heritage.train.__main__ import main\n"
    "sys.exit(main())"
)


def start(recipe: Path, out: Path) -> subprocess.Popen[bytes]:
    """The same training as a process; it saves as often as it can."""
    arguments = [recipe, "--out", out, "--device", "cpu", "--every", "0.0005"]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )


def entries(folder: Path) -> list[dict]:
    path = folder / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def losses(folder: Path) -> dict[int, dict]:
    """Terms by step, without times; a step that is there twice has to say the same."""
    found = {}
    for entry in entries(folder):
        if "loss" not in entry:
            continue
        kept = {k: v for k, v in entry.items() if k not in ("elapsed", "windows_per_second")}
        assert found.setdefault(entry["step"], kept) == kept
    return found


def kill_after(process: subprocess.Popen[bytes], folder: Path, step: int, delay: float) -> None:
    while not any(entry["step"] >= step for entry in entries(folder)):
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_a_training_killed_at_any_moment_gives_the_losses_of_one_that_was_not(recipe, folder):
    path = folder / "tiny.toml"
    path.write_text(path.read_text().replace("steps = 6", "steps = 60\nlog_every = 1"))
    whole, cut = folder / "whole", folder / "cut"
    Training(read_recipe(path), whole, device="cpu", tell=lambda _event: None).run()
    moments = random.Random(5)
    last = 0
    for _ in range(2):
        process = start(path, cut)
        last += moments.randint(4, 20)
        kill_after(process, cut, last, moments.random() * 0.2)
    assert max(entry["step"] for entry in entries(cut)) < 60
    assert start(path, cut).wait() == 0
    assert losses(cut) == losses(whole)
    assert set(losses(cut)) == set(range(1, 61))
    assert entries(cut)[-1]["validation"] == entries(whole)[-1]["validation"]
