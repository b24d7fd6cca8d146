"""Unknown files: one line of reason, in time, and never our own end."""

import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heritage.errors import HeritageError, MasterRefused, StorageFailed
from heritage.geometry import Box
from heritage.tiff import compose, inspect, open_master, structure_differences
from heritage.tiff.isolation import Guard, WorkerGone

SOUND = {
    # tests/heritage/tiff/test_compose.py says why these three can be restored.
    "TwelveMonkeys__a33.tif",
    "rio-tiler__201404_13SED190110_201404_0x1500m_CL_1_alpha.tif",
    "rio-tiler__201404_13SED190110_201404_0x1500m_CL_1_mask.tif",
}


@pytest.fixture
def guard() -> Iterator[Guard]:
    """A worker of the test's own, ended afterwards."""
    one = Guard()
    yield one
    one.close()


def malformed(shared: Path) -> list[Path]:
    return sorted((shared / "data/tiff/malformed").glob("*.[tT]*"))


def test_every_malformed_file_is_refused_in_one_line(
    shared: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for file in malformed(shared):
        began = time.monotonic()
        if file.name in SOUND:
            assert inspect(file).segments
        else:
            with pytest.raises(MasterRefused) as caught:
                inspect(file)
            assert "\n" not in str(caught.value)
            assert str(caught.value).startswith(f"{file}: ")
        assert time.monotonic() - began < 10
    assert capfd.readouterr() == ("", "")


def test_the_worker_stays_under_a_gibibyte(shared: Path, guard: Guard) -> None:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("no /proc here")
    for file in malformed(shared):
        guard.ask({"path": str(file), "page": None})
    assert guard._process is not None
    text = Path(f"/proc/{guard._process.pid}/status").read_text()
    peak = next(line for line in text.splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 1 << 20


def test_a_small_file_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.tif"
    entries = [(256, 4, 2**30), (257, 4, 2**30), (258, 3, 8), (259, 3, 8), (262, 3, 1),
               (273, 4, 8), (278, 4, 2**30), (279, 4, 100)]  # fmt: skip
    raw = b"".join(struct.pack("<HHII", code, kind, 1, value) for code, kind, value in entries)
    bomb.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(entries)) + raw + bytes(4 + 100))
    with pytest.raises(MasterRefused, match="decodes to"):
        inspect(bomb)


@pytest.mark.parametrize("ending", ["crash", "hang"])
def test_a_worker_that_dies_costs_one_file(guard: Guard, tmp_path: Path, ending: str) -> None:
    good = tmp_path / "good.tif"
    tifffile.imwrite(good, np.zeros((8, 8), np.uint8))
    request = {"path": str(good), "page": None}
    guard.ask(request)
    assert guard._process is not None
    os.kill(guard._process.pid, signal.SIGKILL if ending == "crash" else signal.SIGSTOP)
    if ending == "crash":
        guard._process.wait()
    else:
        with pytest.raises(WorkerGone):
            guard.ask(request, seconds=0.5)
    assert "master" in guard.ask(request)


def test_threads_get_their_own_answers(guard: Guard, tmp_path: Path) -> None:
    answers: dict[int, Any] = {}
    for size in range(1, 9):
        tifffile.imwrite(tmp_path / f"{size}.tif", np.zeros((size, size), np.uint8))

    def ask(size: int) -> None:
        answers[size] = guard.ask({"path": str(tmp_path / f"{size}.tif"), "page": None})

    threads = [threading.Thread(target=ask, args=(size,)) for size in range(1, 9)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {size: one["master"]["width"] for size, one in answers.items()} == {
        size: size for size in range(1, 9)
    }


def test_the_worker_ends_with_its_caller(tmp_path: Path) -> None:
    good = tmp_path / "good.tif"
    tifffile.imwrite(good, np.zeros((8, 8), np.uint8))
    code = (
        "import os, sys\n"
        "from heritage.tiff import inspect\n"
        "from heritage.tiff.guard import GUARDS\n"
        "inspect(sys.argv[1])\n"
        "print(*GUARDS.processes(), flush=True)\n"
        "if sys.argv[2] == 'killed': os.kill(os.getpid(), 9)\n"
    )
    for how in ("finished", "killed"):
        done = subprocess.run(
            [sys.executable, "-c", code, good, how], text=True, capture_output=True, check=False
        )
        assert done.stderr == ""
        assert ended(int(done.stdout))


def ended(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # An orphan that has ended may wait for init to collect it.
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


class TestReasons:
    def test_what_is_no_file_or_no_tiff(self, tmp_path: Path) -> None:
        empty, text = tmp_path / "empty.tif", tmp_path / "text.tif"
        empty.touch()
        text.write_text("a letter, not a picture")
        pipe = tmp_path / "pipe.tif"
        os.mkfifo(pipe)
        for path, reason in [
            (empty, "empty"),
            (text, "not a TIFF"),
            (tmp_path, "a folder"),
            (pipe, "no ordinary file"),
        ]:
            with pytest.raises(MasterRefused, match=reason):
                inspect(path)
        with pytest.raises(StorageFailed, match="No such file"):
            inspect(tmp_path / "nowhere.tif")

    @pytest.mark.parametrize(
        ("array", "more", "reason"),
        [
            (np.zeros((8, 8), np.complex64), {}, "complex"),
            (np.zeros((16, 16, 16), np.uint8), {"volumetric": True, "tile": (16, 16, 16)},
             "volume"),
            (np.zeros((8, 8), np.uint8), {"photometric": "cfa"}, "CFA"),
            (np.zeros((8, 8, 4), np.uint8), {"photometric": "separated",
             "extratags": [(332, 3, 1, 2, True)]}, "inks"),
        ],
    )  # fmt: skip
    def test_kinds_that_cannot_be_restored(
        self, tmp_path: Path, array: Any, more: dict[str, Any], reason: str
    ) -> None:
        path = tmp_path / "m.tif"
        tifffile.imwrite(path, array, metadata=None, **more)
        with pytest.raises(MasterRefused, match=reason):
            inspect(path)

    def test_a_page_that_does_not_exist(self, tmp_path: Path) -> None:
        path = tmp_path / "m.tif"
        tifffile.imwrite(path, np.zeros((8, 8), np.uint8))
        for page in (1, -1):
            with pytest.raises(MasterRefused, match="no page"):
                inspect(path, page)

    def test_a_jpeg_that_is_cut_off(self, tmp_path: Path) -> None:
        # libjpeg would fill the rest with grey and say nothing.
        path = tmp_path / "m.tif"
        rng = np.random.default_rng(0)
        tifffile.imwrite(
            path,
            rng.integers(0, 255, (64, 64, 3), np.uint8),
            compression="jpeg",
            photometric="ycbcr",
            metadata=None,
        )
        with tifffile.TiffFile(path) as file:
            at, size = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
        data = bytearray(path.read_bytes())
        data[at + size // 2 : at + size] = bytes(size - size // 2)
        path.write_bytes(data)
        with pytest.raises(MasterRefused, match="cut off"):
            inspect(path)

    def test_not_a_number_is_no_reason(self, tmp_path: Path) -> None:
        path = tmp_path / "m.tif"
        tifffile.imwrite(path, np.full((8, 8), np.nan, np.float32))
        assert inspect(path).dtype == "float32"


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_mutated_directory_is_refused_or_restored_faithfully(shared: Path, data: Any) -> None:
    """Never another exception, never a changed tag or page."""
    files = [
        file
        for file in sorted((shared / "data/tiff/valid").glob("*.[tT]*"))
        if file.stat().st_size < 100_000
    ]
    file = data.draw(st.sampled_from(files))
    raw = bytearray(file.read_bytes())
    with tifffile.TiffFile(file) as tiff:
        first = tiff.pages[0]
        end = first.offset + 2 + 12 * len(first.tags)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(first.offset, end))
        raw[at] = data.draw(st.sampled_from([0, 1, 2, 8, 255]))
    with tempfile.TemporaryDirectory() as folder:
        master, target = Path(folder, "m.tif"), Path(folder, "r.tif")
        master.write_bytes(raw)

        def paint(box: Box, pixels: Any) -> None:
            pixels[::3, ::3] = 1

        try:
            info = inspect(master)
            answer = compose(master, target, paint, lambda box: True)
        except HeritageError:
            assert not target.exists()
            return
        again = answer.reencoded is not None
        assert structure_differences(master, target, info.page, again) == []


def test_what_is_reported_is_what_the_manifest_says(shared: Path) -> None:
    import csv

    with (shared / "data/tiff/valid/manifest.csv").open() as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    for name, row in rows.items():
        try:
            info = inspect(shared / "data/tiff/valid" / name)
        except HeritageError:
            continue
        assert info.bits == int(row["bits"]), name
        assert info.dtype == row["dtype"], name
        assert info.byteorder == row["byteorder"], name
        assert str(info.bigtiff) == row["bigtiff"], name
        assert str(info.tiled) == row["tiled"], name
        assert len(info.icc or b"") == int(row["icc_bytes"] or 0), name
        assert info.bytes == int(row["bytes"]), name


def test_the_answer_survives_the_way_between_processes(shared: Path) -> None:
    for name in ("exampletiffs__shapes_lzw_palette.tif", "TwelveMonkeys__cmyk_jpeg.tif"):
        path = shared / "data/tiff/valid" / name
        with open_master(path) as master:
            seen, ours = inspect(path), master.info
        assert (seen.icc, seen.palette, seen.resolution) == (
            ours.icc, ours.palette, ours.resolution,
        )  # fmt: skip
        assert seen.path == path
        assert set(seen.to_json()) >= {"width", "height", "icc", "notes"}
