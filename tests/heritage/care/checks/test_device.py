"""A driver that torch cannot use, and a device that is not there."""

import pytest

from heritage.care.checks.device import check_device
from heritage.care.checks.findings import State

SAID = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"


def test_a_device_that_is_there_is_named(settings, tmp_path):
    (finding,) = check_device(settings(device="cpu"), tmp_path / "no driver")
    assert finding.state is State.SOUND
    assert finding.found.startswith("cpu (")


def test_a_device_that_is_missing_is_wrong(settings, tmp_path):
    (finding,) = check_device(settings(device="cuda:9"), tmp_path / "no driver")
    assert finding.state is State.WRONG
    assert "cuda:9" in finding.found


def test_a_driver_that_torch_does_not_use_is_told(settings, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("here torch uses it")
    driver = tmp_path / "version"
    driver.write_text(SAID)
    _, finding = check_device(settings(device="cpu"), driver)
    assert "550.54.15" in finding.found
    assert finding.state is (State.NOTICE if torch.version.cuda is None else State.WRONG)
    assert finding.do
