"""How fast the disk is, without a trace; and whether there is room."""

import itertools
import resource

import pytest

from heritage.care.checks.disk import SLOW, check_space, check_speed
from heritage.care.checks.findings import State


def test_a_trial_leaves_nothing_behind(tmp_path):
    (finding,) = check_speed(tmp_path)
    assert "MB/s written" in finding.found
    assert "MB/s read" in finding.found
    assert list(tmp_path.iterdir()) == []


def test_a_workspace_that_is_not_there_is_not_made(tmp_path):
    assert check_speed(tmp_path / "workspace") == []
    assert check_space(tmp_path / "workspace").found.endswith(f"free at {tmp_path}")
    assert list(tmp_path.iterdir()) == []


def test_a_slow_disk_is_a_notice(tmp_path):
    seconds = itertools.count()  # whatever is done takes a second
    (finding,) = check_speed(tmp_path, lambda: float(next(seconds)))
    assert finding.state is State.NOTICE
    assert f"{SLOW:.0f} MB/s" in finding.do


def test_a_disk_that_takes_nothing_is_wrong(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        (finding,) = check_speed(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert finding.state is State.WRONG
    assert "cannot be written" in finding.found
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("free", "state"),
    [(10**9, State.WRONG), (10**10, State.NOTICE), (10**12, State.SOUND)],
)
def test_little_room_is_told_in_time(tmp_path, free, state):
    assert check_space(tmp_path, lambda place: free).state is state
