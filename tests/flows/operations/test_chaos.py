"""A few rounds of what ``benchmarks/chaos.py`` does a hundred times."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "benchmarks" / "chaos.py"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_five_disturbed_rounds_end_as_if_nothing_had_happened(tmp_path):
    command = [sys.executable, str(PROGRAM), "--rounds", "5", "--keep", str(tmp_path / "site")]
    command += ["--json", str(tmp_path / "said.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    said = json.loads((tmp_path / "said.json").read_text())
    assert said["faults"] == []
    assert [one["happened"] != [] for one in said["rounds"]] == [True] * 5
