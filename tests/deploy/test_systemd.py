"""The unit says nothing that systemd does not know."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "heritage.service"


def test_the_unit_is_sound(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    # The program is not where the unit expects it, on this machine.
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/heritage/.venv/bin/heritage", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True
    )
    about = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert about == []


def test_what_it_starts_exists():
    from flows.cli.app import app

    assert "heritage serve" in UNIT.read_text()
    assert "serve" in {command.name for command in app.registered_commands}
