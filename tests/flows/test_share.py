import subprocess
import time

import pytest

from flows.share import Clock, Share, work


def test_what_is_not_work_is_orchestration() -> None:
    clock = Clock()
    with work(), work():  # nested work counts once
        time.sleep(0.05)
    time.sleep(0.05)
    share = clock.share()
    assert share.work == pytest.approx(0.05, abs=0.03)
    assert share.seconds == pytest.approx(share.total - share.work)
    assert share.to_json() == {
        "seconds": round(share.seconds, 3),
        "percent": round(share.percent, 2),
    }


def test_work_that_fails_is_counted_too() -> None:
    clock = Clock()
    with pytest.raises(FileNotFoundError), work():
        subprocess.run(["no such program"], check=True)
    assert clock.share().work > 0


def test_a_run_of_no_time_has_no_share() -> None:
    assert Share(0.0, 0.0).percent == 0.0
