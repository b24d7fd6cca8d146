"""What killed work leaves behind is told; what somebody is at is not."""

import os
import subprocess
import sys

import pytest

from heritage.care.checks.findings import State
from heritage.care.checks.leftovers import QUIET_SECONDS, check_leftovers
from heritage.restore.lock import RestorationLock

LATER = QUIET_SECONDS + 60


def later(path):
    """An hour after this was written, and more."""
    return path.stat().st_mtime + LATER


@pytest.fixture
def work(settings):
    """A work folder with a finished batch."""
    folder = settings().home / "restored" / ".mill.work"
    folder.mkdir(parents=True)
    (folder / "job.json").write_text("{}")
    return folder


def abouts(findings):
    return [finding.about for finding in findings]


def test_work_that_nobody_is_at_is_told(settings, work):
    (finding,) = check_leftovers(settings(), at=later(work))
    assert (finding.about, finding.state) == ("unfinished work", State.NOTICE)
    assert str(work) in finding.found
    assert (work / "job.json").exists()


def test_work_that_was_just_written_to_is_left_in_peace(settings, work):
    assert check_leftovers(settings(), at=work.stat().st_mtime + 60) == []


def test_work_that_somebody_is_at_is_left_in_peace(settings, work):
    with RestorationLock(work.parent, "mill"):
        assert check_leftovers(settings(), at=later(work)) == []
    assert abouts(check_leftovers(settings(), at=later(work))) == ["unfinished work"]


def test_the_lock_of_a_killed_process_protects_nothing(settings, work):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from heritage.restore.lock import RestorationLock\n"
        "lock = RestorationLock(Path(sys.argv[1]), 'mill'); print('held', flush=True)\n"
        "time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(work.parent)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        assert check_leftovers(settings(), at=later(work)) == []
        process.kill()
        process.wait()
    assert (work.parent / ".mill.lock").exists()
    assert abouts(check_leftovers(settings(), at=later(work))) == ["unfinished work"]


def test_work_elsewhere_is_found_where_it_is_known_to_be(settings, tmp_path):
    folder = tmp_path / "elsewhere" / ".mill.work"
    folder.mkdir(parents=True)
    assert check_leftovers(settings(), at=later(folder)) == []
    found = check_leftovers(settings(), [folder.parent], later(folder))
    assert abouts(found) == ["unfinished work"]


def test_halves_of_files_are_told(settings):
    folder = settings().home / "backups"
    folder.mkdir(parents=True)
    half = folder / f".catalogue.sqlite.{os.getpid()}.part"
    half.write_bytes(b"half")
    (finding,) = check_leftovers(settings(), at=later(half))
    assert (finding.about, finding.do) == ("halves of files", "remove them")
    assert check_leftovers(settings(), at=half.stat().st_mtime) == []


def test_fetched_masters_are_told_unless_they_are_kept_or_somebodys(settings):
    berth = settings().home / "staging" / "0123456789abcdef"
    berth.mkdir(parents=True)
    (berth / "mill.tif").write_bytes(b"master")
    assert abouts(check_leftovers(settings(), at=later(berth))) == ["staging"]
    assert check_leftovers(settings(keep_staged=True), at=later(berth)) == []
    with RestorationLock(berth.parent, f"mill.tif.{berth.name}"):
        assert check_leftovers(settings(), at=later(berth)) == []


def test_where_nothing_is_nothing_is_made(settings):
    assert check_leftovers(settings()) == []
    assert not settings().home.exists()
