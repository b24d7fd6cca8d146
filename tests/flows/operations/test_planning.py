"""docs/planning.md says what the simulation says."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FAST_STORAGE = ("--storage-megabytes-per-second", "50000")


@pytest.mark.parametrize(
    "changed", [(), FAST_STORAGE, (*FAST_STORAGE, "--requests-per-second", "1000")]
)
def test_tables_are_those_of_the_script(changed):
    told = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "planning.py"), "simulate", *changed],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    table = told.stdout.partition("\n")[2]
    assert table.count("\n") == 11
    assert table in (ROOT / "docs" / "planning.md").read_text("utf-8")
