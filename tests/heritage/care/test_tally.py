"""Counts survive kills, broken files and full disks, and nobody's work stops for them."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from heritage.care.measures import BATCHES, DEVICE_MEMORY, FILLED_PIXELS, RETRIES, STAGE_SECONDS
from heritage.care.tally import FILE, FOLDER, PRESENT, Note, Tally

COUNTING = """
import sys
from pathlib import Path
from heritage.care.measures import BATCHES, FILLED_PIXELS
from heritage.care.tally import Note, Tally
tally = Tally(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    assert tally.write(Note().add(BATCHES).add(FILLED_PIXELS, 7))
    print("counted", flush=True)
"""


def counting(home, times):
    return subprocess.Popen(
        [sys.executable, "-c", COUNTING, str(home), str(times)], stdout=subprocess.PIPE, text=True
    )


def test_what_is_noted_is_summed(tmp_path):
    tally = Tally(tmp_path)
    assert tally.read().of(BATCHES) == 0
    for _ in range(2):
        assert tally.write(Note().add(BATCHES, 3).add(RETRIES, label="prepare"))
        assert tally.write(Note().keep(DEVICE_MEMORY, 5, "cuda:0"))
    assert tally.write(Note().keep(DEVICE_MEMORY, 4, "cuda:0"))
    found = tally.read()
    assert found.of(BATCHES) == 6
    assert found.of(RETRIES, "prepare") == 2
    assert (found.of(DEVICE_MEMORY, "cuda:0"), found.labels(DEVICE_MEMORY)) == (4, ["cuda:0"])


def test_seconds_fall_into_classes(tmp_path):
    tally = Tally(tmp_path)
    for seconds in (0.05, 0.1, 2.0, 100_000.0):
        tally.write(Note().observe(STAGE_SECONDS, seconds, "prepare"))
    classes, total = tally.read().classes(STAGE_SECONDS, "prepare")
    assert dict(classes)["0.1"] == 2
    assert dict(classes)["3"] == 3
    assert classes[-2:] == [("14400", 3), ("+Inf", 4)]
    assert total == pytest.approx(100_002.15)
    assert tally.read().classes(STAGE_SECONDS, "finish")[1] == 0


def test_many_processes_lose_nothing_and_nobody_sees_counts_fall(tmp_path):
    writers = [counting(tmp_path, 100) for _ in range(4)]
    seen = []
    while any(writer.poll() is None for writer in writers):
        found = Tally(tmp_path).read()
        assert found.of(FILLED_PIXELS) == 7 * found.of(BATCHES)
        seen.append(found.of(BATCHES))
        time.sleep(0.01)
    assert [writer.wait() for writer in writers] == [0] * 4
    for writer in writers:
        writer.stdout.close()
    assert seen == sorted(seen)
    assert len(set(seen)) > 2
    assert Tally(tmp_path).read().of(BATCHES) == 400


def test_a_killed_process_leaves_what_it_counted_and_nothing_by_halves(tmp_path):
    told = 0
    for _ in range(5):
        with counting(tmp_path, 10_000) as process:
            for _ in range(7):
                assert process.stdout.readline() == "counted\n"
            process.send_signal(signal.SIGKILL)
            told += 7 + process.stdout.read().count("counted\n")
    found = Tally(tmp_path).read()
    assert told <= found.of(BATCHES) <= told + 5
    assert found.of(FILLED_PIXELS) == 7 * found.of(BATCHES)
    assert found.processes == 5
    assert [path.name for path in (tmp_path / FOLDER).iterdir() if path.suffix == ".sqlite"] == [
        FILE
    ]
    assert len(list((tmp_path / FOLDER).iterdir())) <= 2  # whatever number of processes there were


def test_a_full_disk_costs_counts_and_nothing_else(tmp_path):
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from heritage.care.measures import BATCHES\n"
        "from heritage.care.tally import Note, Tally\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "tally = Tally(Path(sys.argv[1]))\n"
        "assert tally.write(Note().add(BATCHES))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "assert not tally.write(Note().add(BATCHES))\n"
        "print('still here')\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("still here\n", "")
    assert Tally(tmp_path).read().of(BATCHES) == 1
    assert Tally(tmp_path).write(Note().add(BATCHES))
    assert Tally(tmp_path).read().of(BATCHES) == 2


def test_a_folder_that_cannot_be_written_costs_counts_and_nothing_else(tmp_path):
    (tmp_path / FOLDER).write_text("in the way")
    assert not Tally(tmp_path).write(Note().add(BATCHES))


def test_who_holds_the_file_holds_up_nobody_for_long(tmp_path):
    tally = Tally(tmp_path)
    tally.write(Note().add(BATCHES))
    holder = sqlite3.connect(tmp_path / FOLDER / FILE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    assert not tally.write(Note().add(BATCHES))
    assert time.monotonic() - started < 20
    assert tally.read().of(BATCHES) == 1
    holder.close()
    assert tally.write(Note().add(BATCHES))
    assert tally.read().of(BATCHES) == 2


def test_a_broken_file_is_begun_anew(tmp_path):
    tally = Tally(tmp_path)
    tally.write(Note().add(BATCHES, 9))
    (tmp_path / FOLDER / FILE).write_bytes(os.urandom(5000))
    assert tally.write(Note().add(BATCHES))
    assert tally.read().of(BATCHES) == 1


def test_an_empty_file_holds_nothing(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / FILE).touch()
    assert Tally(tmp_path).read().of(BATCHES) == 0


def test_processes_are_forgotten(tmp_path):
    now = [1_000.0]
    tally = Tally(tmp_path, lambda: now[0])
    tally.write(Note())
    assert tally.read().processes == 1
    now[0] += PRESENT + 1
    assert tally.read().processes == 0
