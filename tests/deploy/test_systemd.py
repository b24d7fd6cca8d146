"""The units say nothing that systemd does not know, and start what is there."""

import configparser
import shlex
import shutil
import subprocess

import pytest

from tests.deploy.checking import DEPLOY, command_faults, variable_faults

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
NAMES = [unit.name for unit in UNITS]
PROGRAMS = "/opt/heritage/.venv/bin/"
APART = [unit for unit in UNITS if unit.name != "heritage.service"]


def read(unit):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(unit.read_text())
    return {name: dict(parser[name]) for name in parser.sections()}


@pytest.fixture
def verified(tmp_path):
    """What systemd says about all units together."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    for unit in UNITS:
        # The programs are not where the units expect them, on this machine.
        lines = [
            line.partition("=")[0] + "=/bin/true" if line.startswith("ExecStart") else line
            for line in unit.read_text().splitlines()
        ]
        (tmp_path / unit.name).write_text("\n".join(lines))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(tmp_path / name for name in NAMES)],
        capture_output=True, text=True,
    )  # fmt: skip
    return done.stderr


def test_there_are_units_for_the_whole_and_for_each_part():
    assert {unit.stem.removeprefix("heritage-") for unit in UNITS} == {
        "heritage", "prefect", "deployed", "worker@", "review", "metrics",
    }  # fmt: skip


def test_the_units_are_sound(verified):
    about = [line for line in verified.splitlines() if "heritage" in line]
    assert about == []


@pytest.mark.parametrize("unit", UNITS, ids=NAMES)
def test_what_it_starts_exists(unit):
    command = read(unit)["Service"]["ExecStart"].replace("%i", "0").replace("%H", "here")
    assert command.startswith(PROGRAMS)
    assert command_faults(shlex.split(command)) == []


@pytest.mark.parametrize("unit", UNITS, ids=NAMES)
def test_its_variables_mean_something(unit):
    said = [line for line in unit.read_text().splitlines() if line.startswith("Environment=")]
    assert said
    assert variable_faults(line.split("=")[1] for line in said) == []


@pytest.mark.parametrize("unit", APART, ids=[unit.name for unit in APART])
def test_it_has_no_more_rights_than_it_needs(unit):
    service = read(unit)["Service"]
    assert service["User"] == "heritage"
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == "/srv/heritage"
    assert service["CapabilityBoundingSet"] == ""
    assert service["NoNewPrivileges"] == "true"


def test_a_worker_sees_its_gpu_alone():
    text = (DEPLOY / "systemd" / "heritage-worker@.service").read_text()
    assert "Environment=CUDA_VISIBLE_DEVICES=%i\n" in text
    assert "PrivateDevices" not in text  # the GPU is a device
    assert "MemoryDenyWriteExecute" not in text  # its driver compiles


def test_nothing_stands_twice():
    for unit in UNITS:
        lines = [
            line.partition("=")[0]
            for line in unit.read_text().splitlines()
            if "=" in line and not line.startswith(("#", "Environment"))
        ]
        assert len(lines) == len(set(lines)), unit.name
