"""Locks: one process per restoration, and none left behind by a dead one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from heritage.errors import RestorationBusy
from heritage.restore.lock import RestorationLock, held_here, lock_path

HOLDER = """
import sys, time
from pathlib import Path
from heritage.restore.lock import RestorationLock
lock = RestorationLock(Path(sys.argv[1]), "x")
print("held", flush=True)
time.sleep(60)
"""


def test_the_second_process_learns_who_holds_it_and_a_dead_holder_holds_nothing(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RestorationBusy, match=f"process {holder.pid} on {os.uname().nodename}"):
            RestorationLock(tmp_path, "x")
        RestorationLock(tmp_path, "y").release()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
    with RestorationLock(tmp_path, "x"):
        assert held_here(tmp_path, "x")


def test_one_process_cannot_hold_it_twice_and_leaves_no_file(tmp_path):
    lock = RestorationLock(tmp_path, "x")
    with pytest.raises(RestorationBusy, match=str(os.getpid())):
        RestorationLock(tmp_path, "x")
    lock.release()
    lock.release()
    assert not lock_path(tmp_path, "x").exists()
    assert not held_here(tmp_path, "x")
    with RestorationLock(tmp_path, "x"):
        pass
