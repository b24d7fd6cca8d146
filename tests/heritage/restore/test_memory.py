"""Memory: what is predicted is enough, and what is not enough is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from heritage.errors import NotEnoughMemory
from heritage.restore.memory import MIB, appetite, fit, predict_memory
from heritage.tiff import inspect

RUN = """
import json, sys
from heritage.resident import resident
from heritage.restore import finish, run_batches
from heritage.restore.prepare import prepare
from heritage.restore.forecast import Forecaster
from heritage.restore.inpainters import load_inpainter
load_inpainter(sys.argv[2], "cpu").device_class  # as the command line does before it predicts
Forecaster._computing = lambda *_: 0.0  # what a trial takes is another test's
said = Forecaster(sys.argv[2], "cpu").forecast(sys.argv[1], output=sys.argv[3])
with prepare(sys.argv[1], None, sys.argv[2], sys.argv[3]) as job:
    predicted, batch = job.record["memory"], job.plan.batch
    run_batches(job.folder, job.pending(), "cpu")
    finish(job.folder)
peak = resident("peak")
forecast = said.memory
print(json.dumps({"predicted": predicted, "forecast": forecast, "batch": batch, "peak": peak}))
"""


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A master of 1400 x 1400 with damage in every window."""
    place = tmp_path_factory.mktemp("scan")
    picture = np.random.default_rng(0).integers(0, 255, (1400, 1400, 3), np.uint8)
    mask = np.zeros((1400, 1400), np.uint8)
    mask[60::180, :1200] = 255
    mask[:1200, 60::180] = 255
    tifffile.imwrite(place / "scan.tif", picture, photometric="rgb", tile=(256, 256))
    tifffile.imwrite(place / "scan.mask.tif", mask)
    return place / "scan.tif"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measured as Linux reports it")
@pytest.mark.parametrize("model", ["telea", "art-small"])
def test_a_run_stays_within_what_was_predicted(scan, tmp_path, model):
    command = [sys.executable, "-c", RUN, str(scan), model, str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["peak"] <= said["forecast"] <= said["predicted"], said
    assert said["forecast"] <= 1.35 * said["peak"], said


def test_less_memory_means_smaller_batches_and_then_a_refusal(scan, monkeypatch):
    # What other tests have left in this process must not count.
    monkeypatch.setattr("heritage.restore.memory.resident", lambda: 0)
    info = inspect(scan)
    sizes = []
    for allowed in (8192, 1024, 800, 700):
        budget = fit(info, 512, 8, appetite("diffusion"), allowed * MIB, 1000)
        assert budget.predicted <= allowed * MIB
        sizes.append(budget.batch)
    assert sizes[0] == 8
    assert sizes == sorted(sizes, reverse=True)
    with pytest.raises(NotEnoughMemory, match=r"needs at least .* and is allowed 100\.0 MB"):
        fit(info, 512, 8, appetite("diffusion"), 100_000_000, 1000)


def test_a_plan_whose_batches_are_not_full_needs_less(scan, monkeypatch):
    monkeypatch.setattr("heritage.restore.memory.resident", lambda: 0)  # or it grows in between
    info = inspect(scan)
    full, half = (
        predict_memory(info, 512, 8, 8 * MIB, appetite("gan"), 0, largest)
        for largest in (None, 1 << 20)
    )
    assert half < full
    assert predict_memory(info, 512, 8, 8 * MIB, appetite("gan"), 0, 1 << 40) == full


def test_every_part_adds_to_the_prediction(scan):
    info = inspect(scan)
    least = predict_memory(info, 256, 1, 8 * MIB, appetite("diffusion"))
    assert predict_memory(info, 512, 1, 8 * MIB, appetite("diffusion")) > least
    assert predict_memory(info, 256, 8, 8 * MIB, appetite("gan")) > least
    large = replace(info, height=14_000, width=14_000)
    caches = [predict_memory(large, 256, 1, n * MIB, appetite("diffusion")) for n in (8, 256)]
    assert caches[0] < caches[1]
    assert predict_memory(info, 256, 1, 256 * MIB, appetite("diffusion")) < caches[1]
    assert predict_memory(info, 256, 1, 8 * MIB, appetite("diffusion"), 10**9) > least


def test_a_networks_own_figure_and_its_weights_count(scan):
    small, large = appetite("gan", 1_000_000, 200), appetite("gan", 50_000_000, 800)
    assert (small.alive, small.weights) == (pytest.approx(300), 8_000_000)
    info = inspect(scan)
    light, heavy = (predict_memory(info, 512, 4, 8 * MIB, needs) for needs in (small, large))
    assert heavy - light == pytest.approx(512 * 512 * (900 + 4 * 30) + 8 * 49_000_000, rel=0.01)
