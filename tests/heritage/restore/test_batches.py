"""Running batches: several devices, too little memory, faults in any stage; never a hang."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
import tifffile
import torch

from heritage.errors import NotEnoughMemory, UnknownModel
from heritage.restore import Options, finish, run_batches
from heritage.restore.devices import devices_of, load_inpainters
from heritage.restore.filling import Filler
from heritage.restore.inpainters import load_inpainter
from heritage.restore.patches import PatchFolder
from heritage.restore.prepare import prepare

SMALL = Options(window=96, batch=4)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A master whose damage takes several batches on two scales."""
    place = tmp_path_factory.mktemp("scan")
    random = np.random.default_rng(0)
    picture = cv2.GaussianBlur(random.integers(0, 255, (320, 400, 3), np.uint8), (0, 0), 3)
    mask = np.zeros((320, 400), np.uint8)
    mask[::41, ::37] = 255
    mask[60:210, 60:220] = 255
    tifffile.imwrite(place / "scan.tif", picture, photometric="rgb", tile=(64, 64))
    tifffile.imwrite(place / "scan.mask.tif", mask)
    return place / "scan.tif"


@pytest.fixture
def job(scan, tmp_path):
    with prepare(scan, None, "telea", tmp_path / "out", options=SMALL) as begun:
        yield begun


@pytest.fixture
def inpainter(monkeypatch):
    """The inpainter that the engine gets, whose call a test may replace."""
    real = load_inpainter("telea", "cpu")
    stand_in = _StandIn(real)
    monkeypatch.setattr("heritage.restore.batches.load_inpainters", lambda *_: (stand_in,))
    return stand_in


class _StandIn:
    def __init__(self, real):
        self.real, self.card, self.device = real, real.card, real.device
        self.name, self.device_class = real.name, real.device_class
        self.counts = []
        self.before = lambda image: None

    def __call__(self, image, mask):
        self.before(image)
        self.counts.append(len(image))
        return self.real(image, mask)


def bytes_of(restoration):
    return restoration.restored.read_bytes(), restoration.layer.read_bytes()


def restored_with(scan, output, device):
    with prepare(scan, None, "telea", output, options=SMALL) as job:
        told = []
        run_batches(job.folder, job.pending(), device, told.append)
        assert told == list(range(len(job.plan.batches)))
        return bytes_of(finish(job.folder))


def test_several_devices_share_a_plan_and_the_bytes_are_those_of_one(scan, tmp_path):
    one = restored_with(scan, tmp_path / "one", "cpu")
    assert restored_with(scan, tmp_path / "three", "cpu, cpu,cpu") == one


def test_all_devices_of_a_machine_are_at_work_at_the_same_time(job, monkeypatch):
    *coarser, finest = job.stages()
    for stage in coarser:
        run_batches(job.folder, stage, "cpu")
    both = threading.Barrier(2, timeout=20)
    pair = _StandIn(load_inpainter("telea", "cpu")), _StandIn(load_inpainter("telea", "cpu"))
    for one in pair:
        one.before = lambda image, one=one: None if one.counts else both.wait()
    monkeypatch.setattr("heritage.restore.batches.load_inpainters", lambda *_: pair)
    assert len(finest) >= 2
    run_batches(job.folder, finest, "cpu,cpu")
    assert job.pending() == []
    assert all(one.counts for one in pair)


def test_devices_are_named_with_commas_and_auto_is_one_where_no_gpu_is(monkeypatch):
    assert devices_of("cuda:0, cuda:1,") == ("cuda:0", "cuda:1")
    monkeypatch.setattr("heritage.restore.devices._working_gpus", lambda: ())
    assert devices_of("auto") == ("auto",)
    monkeypatch.setattr("heritage.restore.devices._working_gpus", lambda: ("cuda:0", "cuda:2"))
    assert devices_of("auto") == ("cuda:0", "cuda:2")


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(UnknownModel, match="cuda:77"):
        load_inpainters("art-small", "cpu,cuda:77")


@pytest.mark.parametrize(
    "fault",
    [torch.OutOfMemoryError("CUDA"), RuntimeError("[enforce fail] out of memory"), MemoryError()],
    ids=["torch", "plain", "python"],
)
@pytest.mark.parametrize("most", [1, 2])
def test_less_at_once_where_memory_runs_out_and_the_same_bytes(
    scan, tmp_path, job, inpainter, fault, most
):
    def limited(image):
        if len(image) > most:
            raise fault

    inpainter.before = limited
    run_batches(job.folder, job.pending(), "cpu")
    assert max(inpainter.counts) == most
    found = bytes_of(finish(job.folder))
    inpainter.before = lambda image: None
    assert restored_with(scan, tmp_path / "whole", "cpu") == found


def test_what_a_device_could_not_hold_is_not_tried_again(inpainter):
    asked = []

    def limited(image):
        asked.append(len(image))
        if len(image) > 2:
            raise MemoryError

    inpainter.before = limited
    filler = Filler(inpainter)
    images, holes = torch.rand(8, 3, 20, 20), torch.zeros(8, 1, 20, 20, dtype=torch.bool)
    for _ in range(2):
        assert np.array_equal(filler.fill(images, holes), images.numpy())
    assert asked == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]


def test_memory_too_small_for_one_window_is_said_plainly(job, inpainter):
    def exhausted(image):
        raise torch.OutOfMemoryError("CUDA out of memory")

    inpainter.before = exhausted
    with pytest.raises(NotEnoughMemory, match=r"cannot hold one window of .* choose a smaller"):
        run_batches(job.folder, job.pending(), "cpu")


def test_a_fault_that_is_not_about_memory_is_not_hidden(job, inpainter):
    def broken(image):
        raise RuntimeError("CUDA error: misaligned address")

    inpainter.before = broken
    with pytest.raises(RuntimeError, match="misaligned"):
        run_batches(job.folder, job.pending(), "cpu")


@pytest.mark.parametrize("stage", ["read", "write", "progress"])
def test_a_fault_in_any_stage_ends_the_run_with_it_and_leaves_no_thread(job, monkeypatch, stage):
    threads = threading.active_count()

    def broken(*_):
        raise ArithmeticError(stage)

    if stage == "read":
        monkeypatch.setattr("heritage.restore.views.ViewReader.read", broken)
    elif stage == "write":
        monkeypatch.setattr(PatchFolder, "write", broken)
    told = broken if stage == "progress" else None
    with pytest.raises(ArithmeticError, match=stage):
        run_batches(job.folder, job.pending(), "cpu", told)
    assert threading.active_count() == threads
    monkeypatch.undo()
    run_batches(job.folder, job.pending(), "cpu")
    assert job.pending() == []


def test_a_batch_counts_only_when_it_is_on_disk(job):
    def counted(batch):
        assert job.patches().device(batch) == "cpu"

    run_batches(job.folder, job.pending(), "cpu", counted)


INTERRUPTED = """
import os, signal, sys, threading, time
from heritage.restore import Options, run_batches
from heritage.restore.filling import Filler
from heritage.restore.prepare import prepare
fill = Filler.fill
def slow(self, images, holes):
    time.sleep(0.5)
    return fill(self, images, holes)
Filler.fill = slow
options = Options(window=96, batch=1)
with prepare(sys.argv[1], None, "telea", sys.argv[2], options=options) as job:
    def done(batch):
        if batch == 0:
            threading.Timer(0.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        run_batches(job.folder, job.pending(), "cpu,cpu", done)
    except KeyboardInterrupt:
        print("interrupted", 0 < len(job.pending()) < len(job.plan.batches), flush=True)
"""


def test_ctrl_c_ends_a_run_at_once(scan, tmp_path):
    command = [sys.executable, "-c", INTERRUPTED, str(scan), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["interrupted", "True"]


def test_a_guided_window_is_shown_the_coarser_solution_outside_its_core(job, inpainter):
    seen = []
    inpainter.before = lambda image: seen.append(image.clone())
    run_batches(job.folder, job.pending(), "cpu")
    assert job.plan.levels > 1
    assert any(window.guided for window in job.plan.windows)
    assert sum(map(len, seen)) == len(job.plan.windows)
    assert replace(job, plan=job.plan).pending() == []


def test_a_run_goes_on_in_the_way_it_was_begun(monkeypatch):
    usual = load_inpainter("art-small", "cpu")
    assert load_inpainter("art-small", "cpu", usual.device_class) is usual
    other = "cpu" if usual.device_class != "cpu" else "cpu bfloat16"
    assert load_inpainter("art-small", "cpu", other).device_class == other
    assert load_inpainter("art-small", "cpu", "cuda bfloat16 contiguous") is usual
    monkeypatch.setenv("HERITAGE_PRECISION", "float32")
    assert load_inpainter("art-small", "cpu", "cpu bfloat16").device_class == "cpu"
