"""Compressed tiles and strips are decoded where a crash, a hang or a bomb costs one master."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.errors import MasterRefused
from heritage.geometry import Box
from heritage.tiff import decoding, guard, open_master
from heritage.tiff.codec import same_bits
from heritage.tiff.guard import Guards
from heritage.tiff.picture import Picture


@pytest.fixture
def guards(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guards]:
    """Guards of the test's own, ended afterwards."""
    own = Guards()
    monkeypatch.setattr(guard, "GUARDS", own)
    monkeypatch.setattr(decoding, "GUARDS", own)
    yield own
    own.close()


@pytest.fixture
def master(recipe: Any, tmp_path: Path) -> tuple[Path, Any]:
    """A deflated master of nine tiles, and its pixels."""
    path = tmp_path / "m.tif"
    return path, recipe(height=90, width=90, tile=(32, 32), compression="deflate").write(path)


def resident_peak(process: int) -> int:
    """Most bytes that a process ever held in memory."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        pytest.skip("no /proc here")
    line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def segfault(process: int) -> None:
    """Let a stopped process end as one does whose codec writes where it must not."""
    os.kill(process, signal.SIGSEGV)
    os.kill(process, signal.SIGCONT)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_pixels_come_back_as_they_are_decoded_in_this_process(any_recipe: Any, data: Any) -> None:
    recipe = data.draw(any_recipe)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.tif")
        recipe.write(path)
        with Picture(path) as guarded, Picture(path, guarded=False) as plain:
            for cell in guarded.grid.cells():
                assert same_bits(guarded.joined(cell), plain.joined(cell))


def test_uncompressed_masters_need_no_other_process(
    recipe: Any, tmp_path: Path, guards: Guards
) -> None:
    path = tmp_path / "m.tif"
    whole = recipe().write(path)
    with open_master(path) as one:
        assert np.array_equal(one.read(Box(0, 0, 40, 50)), whole)
    assert guards.processes() == []


def test_what_the_file_leaves_out_needs_no_other_process(tmp_path: Path, guards: Guards) -> None:
    path = tmp_path / "m.tif"
    tifffile.imwrite(
        path, iter([np.ones((16, 16), np.uint8), None]), shape=(16, 32), dtype=np.uint8,
        tile=(16, 16), compression="deflate", metadata=None,
    )  # fmt: skip
    with open_master(path) as one:
        assert not one.read(Box(0, 16, 16, 32)).any()
        assert guards.processes() == []
        assert one.read(Box(0, 0, 16, 16)).all()
    assert len(guards.processes()) == 1


class TestOneMasterIsLost:
    def test_by_a_codec_that_crashes(self, master: tuple[Path, Any], guards: Guards) -> None:
        path, whole = master
        with open_master(path, cache_bytes=0) as one:
            assert np.array_equal(one.read(Box(0, 0, 8, 8)), whole[:8, :8])
            (process,) = guards.processes()
            os.kill(process, signal.SIGSTOP)
            crash = threading.Timer(0.2, segfault, (process,))
            crash.start()
            with pytest.raises(MasterRefused, match=r"tile 5 of 9 .* the decoder crashed"):
                one.read(Box(40, 40, 41, 41))
            crash.join()
            # The next one goes on; here it happens to be the same.
            assert np.array_equal(one.read(Box(0, 0, 90, 90)), whole)
        assert guards.processes() != [process]

    def test_by_a_codec_that_hangs(
        self, master: tuple[Path, Any], guards: Guards, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, whole = master
        monkeypatch.setattr(decoding, "SECONDS", 0.5)
        with open_master(path, cache_bytes=0) as one:
            one.read(Box(0, 0, 8, 8))
            os.kill(guards.processes()[0], signal.SIGSTOP)
            began = time.monotonic()
            with pytest.raises(MasterRefused, match=r"tile 1 of 9 .* no answer"):
                one.read(Box(0, 0, 8, 8))
            assert time.monotonic() - began < 5
            assert np.array_equal(one.read(Box(0, 0, 90, 90)), whole)

    def test_by_one_strip_of_many_that_are_decoded_together(
        self, recipe: Any, tmp_path: Path, guards: Guards, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The run fails as a whole; then the strip that was asked for is tried by itself."""
        monkeypatch.setattr(decoding, "SECONDS", 1.0)
        path = tmp_path / "m.tif"
        whole = recipe(height=64, rows=1, compression="deflate").write(path)
        with open_master(path, cache_bytes=0) as one:
            for row in range(7):
                one.read(Box(row, 0, row + 1, 50))
            os.kill(guards.processes()[0], signal.SIGSTOP)  # before rows 7 to 14
            assert np.array_equal(one.read(Box(7, 0, 64, 50)), whole[7:])

    def test_by_a_bomb(self, tmp_path: Path, guards: Guards) -> None:
        """A strip of 64 pixels that unpacks to more than a gigabyte."""
        path = tmp_path / "bomb.tif"
        packer = zlib.compressobj(1)
        zeros, bomb = bytes(32 << 20), b""
        for _ in range(40):
            bomb += packer.compress(zeros)
        bomb += packer.flush()
        tifffile.imwrite(
            path, iter([bomb]), shape=(8, 8), dtype=np.uint8, rowsperstrip=8,
            compression="deflate", photometric="minisblack", metadata=None,
        )  # fmt: skip
        with open_master(path) as one, pytest.raises(MasterRefused, match="strip 1 of 1"):
            one.read(Box(0, 0, 8, 8))
        for process in guards.processes():
            assert resident_peak(process) < 1 << 30

    def test_by_a_tile_far_longer_than_its_pixels(self, tmp_path: Path) -> None:
        """It is refused before its bytes are read: here 300 MB, but it may be terabytes."""
        path = tmp_path / "m.tif"
        tifffile.imwrite(path, np.zeros((8, 8), np.uint8), compression="deflate", metadata=None)
        with tifffile.TiffFile(path) as file:
            tag = file.pages[0].tags[279]
            at, kind = tag.valueoffset, "<u4" if tag.dtype == 4 else "<u2"
            entry = tag.offset
        raw = bytearray(path.read_bytes())
        if kind == "<u2":
            raw[entry + 2 : entry + 4] = (4).to_bytes(2, "little")
        raw[at : at + 4] = (300_000_000).to_bytes(4, "little")
        path.write_bytes(raw)
        os.truncate(path, 300_000_000 + len(raw))
        with pytest.raises(MasterRefused, match="300,000,000 bytes"):
            open_master(path)

    def test_by_being_replaced_meanwhile(self, master: tuple[Path, Any], guards: Guards) -> None:
        path, _ = master
        with open_master(path) as one:
            other = path.with_name("other.tif")
            other.write_bytes(path.read_bytes())
            other.replace(path)
            with pytest.raises(MasterRefused, match="replaced while it was being read"):
                one.read(Box(0, 0, 8, 8))


def test_a_file_rewritten_in_place_is_another_one(tmp_path: Path) -> None:
    """Same name, same size, same inode, within a tick of the clock."""
    path = tmp_path / "m.tif"
    values = []
    for dtype in (np.uint16, np.int16):
        tifffile.imwrite(path, np.full((8, 8), 7, dtype), compression="zstd", metadata=None)
        with open_master(path) as one:
            values.append(one.read(Box(0, 0, 8, 8)))
    assert [value.dtype for value in values] == [np.uint16, np.int16]


def test_a_worker_that_died_while_idle_is_replaced_without_a_word(
    master: tuple[Path, Any], guards: Guards
) -> None:
    path, whole = master
    with open_master(path, cache_bytes=0) as one:
        one.read(Box(0, 0, 8, 8))
        os.kill(guards.processes()[0], signal.SIGKILL)
        time.sleep(0.1)
        assert np.array_equal(one.read(Box(0, 0, 90, 90)), whole)


def test_threads_share_a_few_workers(master: tuple[Path, Any], guards: Guards) -> None:
    path, whole = master
    boxes = [Box(y, x, y + 30, x + 30) for y in range(0, 61, 15) for x in range(0, 61, 15)] * 3
    with open_master(path, cache_bytes=0) as one, ThreadPoolExecutor(8) as pool:
        for box, pixels in zip(boxes, pool.map(one.read, boxes), strict=True):
            assert np.array_equal(pixels, whole[box.slices])
    assert 1 <= len(guards.processes()) <= guard.MOST


def test_memory_for_pixels_is_given_back_with_the_master(
    master: tuple[Path, Any], guards: Guards
) -> None:
    path, _ = master
    with open_master(path) as one:
        one.read(Box(0, 0, 8, 8))
        assert [single._memory.size for single in guards._all if single._memory] == [1 << 20]
    assert [single._memory.size for single in guards._all if single._memory] == [0]
    with open_master(path) as one:
        one.read(Box(0, 0, 8, 8))


def test_a_fork_has_workers_of_its_own(master: tuple[Path, Any]) -> None:
    """The parent's lock may be held, and its worker busy, at the moment of the fork."""
    path, _ = master
    code = (
        "import os, sys, threading\n"
        "from heritage.geometry import Box\n"
        "from heritage.tiff import open_master\n"
        "from heritage.tiff.guard import GUARDS\n"
        "with open_master(sys.argv[1], cache_bytes=0) as one:\n"
        "    before = one.read(Box(0, 0, 90, 90)).tobytes()\n"
        "    mine = GUARDS.processes()\n"
        "    go_on = True\n"
        "    def busy():\n"
        "        while go_on: one.read(Box(0, 0, 90, 90))\n"
        "    threads = [threading.Thread(target=busy) for _ in range(3)]\n"
        "    for thread in threads: thread.start()\n"
        "    children = []\n"
        "    for _ in range(5):\n"
        "        child = os.fork()\n"
        "        if not child:\n"
        "            with open_master(sys.argv[1]) as again:\n"
        "                right = again.read(Box(0, 0, 90, 90)).tobytes() == before\n"
        "            own = not set(GUARDS.processes()) & set(mine)\n"
        "            GUARDS.close()\n"
        "            os._exit(0 if right and own else 1)\n"
        "        children.append(child)\n"
        "    codes = [os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children]\n"
        "    go_on = False\n"
        "    for thread in threads: thread.join()\n"
        "    print(codes, one.read(Box(0, 0, 90, 90)).tobytes() == before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, path],
        text=True, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("[0, 0, 0, 0, 0] True\n", "")
