"""Killed at any moment, run again: the same bytes. A full disk: a reason, and the work is kept."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from heritage.errors import StorageFailed
from heritage.restore import Options
from heritage.restore.engine import restore
from heritage.restore.verify import verify

# One process imports everything, then forks one child per attempt: an attempt costs milliseconds.
KILLER = """
import os, random, resource, signal, sys, time
from pathlib import Path
from heritage.restore import Options
from heritage.restore.engine import restore
from heritage.restore.inpainters import load_inpainter

load_inpainter("telea", "cpu")
place, limit = Path(sys.argv[1]), 150_000

def child(output):
    pid = os.fork()
    if pid:
        return pid
    try:
        if limit and output.name == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        options = Options(window=96, batch=1)
        restore(place / "scan.tif", None, "telea", output, "cpu", options=options)
        os._exit(0)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
        os._exit(1)

def whole(output):
    begun = time.monotonic()
    status = os.waitpid(child(output), 0)[1]
    print(output.name, os.waitstatus_to_exitcode(status), flush=True)
    return time.monotonic() - begun

seconds = whole(place / "calm")
whole(place / "full")
limit = 0
whole(place / "full")
random.seed(0)
for _ in range(8):
    pid = child(place / "killed")
    time.sleep(random.uniform(0.02, seconds / 3))
    os.kill(pid, signal.SIGKILL)
    died = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    visible = sorted(path.name for path in (place / "killed").glob("[!.]*"))
    batches_done = len(list((place / "killed/.scan.work/patches").glob("[!.]*")))
    print("attempt", died, visible, batches_done, flush=True)
whole(place / "killed")
"""


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A small master whose damage takes a dozen batches."""
    tmp_path = tmp_path_factory.mktemp("scan")
    random = np.random.default_rng(0)
    y, x = np.mgrid[:300, :340]
    picture = np.stack([x * 150, y * 180, (x + y) * 90], axis=-1).astype(np.uint16)
    picture += random.integers(0, 900, picture.shape, np.uint16)
    mask = np.zeros((300, 340), np.uint8)
    mask[50:54, 5:330] = 255
    mask[100:260, 60:200] = 255
    mask[::37, ::41] = 255
    options = {"photometric": "rgb", "rowsperstrip": 16, "compression": "zlib", "predictor": True}
    tifffile.imwrite(tmp_path / "scan.tif", picture, **options)
    tifffile.imwrite(tmp_path / "scan.mask.tif", mask)
    return tmp_path


@pytest.fixture(scope="module")
def said(scan):
    """What the killing process reports, line by line."""
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(scan)],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def files(folder: Path) -> dict[str, object]:
    """Bytes of a restoration's files; the record without its times."""
    found: dict[str, object] = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    record = json.loads((folder / f"{folder.name}.provenance.json").read_bytes())
    del record["times"]
    return found | {f"{folder.name}.provenance.json": record}


def test_a_run_killed_at_random_moments_ends_in_the_same_bytes(scan, said):
    attempts = [line for line in said if line.startswith("attempt")]
    assert "calm 0" in said
    assert "killed 0" in said
    assert sum("attempt True" in line for line in attempts) >= 5, said
    for line in attempts:
        assert "[]" in line or "['scan']" in line, f"half-written work is visible: {line}"
    assert files(scan / "killed/scan") == files(scan / "calm/scan")
    left = sorted(path.name for path in (scan / "killed").iterdir())
    assert left == ["scan"]


def test_a_file_that_cannot_grow_fails_with_a_reason_and_the_next_run_continues(scan, said):
    failed = said.index("full 1")
    assert said[failed - 1].startswith("StorageFailed"), said
    assert said[failed + 1] == "full 0"
    assert files(scan / "full/scan") == files(scan / "calm/scan")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_meanwhile_is_named_and_the_work_is_kept(scan, small_disk):
    ballast = small_disk / "ballast"

    def fill(what, done, total):
        if (what, done) == ("inpaint", 3):
            with ballast.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
                while True:
                    stream.write(bytes(1 << 16))

    options = Options(window=96, batch=1)
    arguments = (scan / "scan.tif", None, "telea", small_disk, "cpu")
    with pytest.raises(StorageFailed, match="the disk is full"):
        restore(*arguments, options=options, progress=fill)
    ballast.unlink()
    done = restore(*arguments, options=options)
    assert done.continued
    assert verify(done.folder).ok


def test_a_disk_that_is_too_small_is_told_before_anything_starts(scan, small_disk):
    (small_disk / "ballast").write_bytes(bytes(20 << 20))
    with pytest.raises(StorageFailed, match=r"needs .* free .* and has"):
        restore(scan / "scan.tif", None, "telea", small_disk, "cpu")
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]
