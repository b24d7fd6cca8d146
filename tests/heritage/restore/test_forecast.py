"""Forecasts: the numbers are those of the run, and nothing is left behind."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from heritage.errors import (
    HeritageError,
    MaskRefused,
    MasterRefused,
    NotEnoughMemory,
    NothingToRestore,
    OutputInTheWay,
    StorageFailed,
    UnknownModel,
)
from heritage.restore.engine import restore
from heritage.restore.forecast import Forecaster, forecast
from heritage.restore.options import Options
from heritage.restore.prepare import prepare


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def scan(tmp_path):
    """A master of 700 x 900 with two regions, one of them larger than a small window."""
    place = tmp_path / "scans"
    place.mkdir()
    picture = np.random.default_rng(0).integers(0, 255, (700, 900, 3), np.uint8)
    mask = np.zeros((700, 900), np.uint8)
    mask[50:52, 100:300] = 255
    mask[300:520, 300:700] = 255
    tifffile.imwrite(place / "scan.tif", picture, photometric="rgb", tile=(256, 256))
    tifffile.imwrite(place / "scan.mask.tif", mask)
    return place / "scan.tif"


def listing(folder):
    return sorted(
        (str(path.relative_to(folder)), path.stat().st_mtime_ns) for path in folder.rglob("*")
    )


def test_it_is_what_the_run_then_plans(scan, tmp_path, monkeypatch):
    # What this process has gathered counts too, and changes from one moment to the next.
    monkeypatch.setattr("heritage.restore.memory.resident", lambda: 0)
    options = Options(window=256)
    said = forecast(scan, None, "telea", tmp_path / "out", "cpu", options=options)
    with prepare(scan, None, "telea", tmp_path / "out", options=options) as job:
        plan = job.plan
        assert said.regions == job.regions == 2
        assert said.damaged_pixels == job.damaged_pixels == 200 * 2 + 220 * 400
        assert said.windows == len(plan.windows)
        assert said.levels == plan.levels > 1
        assert said.batch == plan.batch
        assert said.memory == pytest.approx(job.record["memory"], rel=0.1)
    assert said.share == pytest.approx(said.damaged_pixels / (700 * 900))
    assert said.megapixels == pytest.approx(sum(w.box.area for w in plan.windows) / 1e6)
    assert said.seconds > 0
    assert said.disk > said.damaged_pixels


def test_nothing_is_written_beside_the_master_or_in_the_output(scan, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = listing(scan.parent)
    said = forecast(scan, None, "telea", tmp_path / "none" / "out", "cpu")
    assert said.windows
    assert listing(scan.parent) == before
    assert not (tmp_path / "none").exists()
    assert not list(scratch.iterdir())


def test_what_is_done_is_said_to_be_done_and_what_is_begun_to_be_begun(scan, tmp_path):
    with prepare(scan, None, "telea", tmp_path / "out"):
        pass
    assert forecast(scan, None, "telea", tmp_path / "out", "cpu").begun
    restore(scan, None, "telea", tmp_path / "out", "cpu")
    said = forecast(scan, None, "telea", tmp_path / "out", "cpu")
    assert said.done
    assert not said.begun
    with pytest.raises(OutputInTheWay):
        forecast(scan, None, "biharmonic", tmp_path / "out", "cpu")


def _without_mask(scan):
    scan.with_name("scan.mask.tif").unlink()


def _with_another_mask(scan):
    tifffile.imwrite(scan.with_name("scan.mask.tif"), np.ones((5, 5), np.uint8))


def _broken(scan):
    scan.write_bytes(scan.read_bytes()[:3000])


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (_without_mask, NothingToRestore),
        (_with_another_mask, MaskRefused),
        (_broken, MasterRefused),
    ],
)
def test_what_would_be_refused_is_refused_for_the_same_reason(scan, tmp_path, spoil, error):
    spoil(scan)
    with pytest.raises(error) as ahead:
        forecast(scan, None, "telea", tmp_path / "out", "cpu")
    with pytest.raises(HeritageError) as real:
        restore(scan, None, "telea", tmp_path / "out", "cpu")
    assert str(ahead.value) == str(real.value)


def test_too_little_memory_or_disk_is_known_before(scan, tmp_path, monkeypatch):
    options = Options(memory=64 << 20)
    with pytest.raises(NotEnoughMemory):
        forecast(scan, None, "telea", tmp_path / "out", "cpu", options=options)
    monkeypatch.setattr("heritage.restore.storage.shutil.disk_usage", lambda _: _Full)
    with pytest.raises(StorageFailed, match="free"):
        forecast(scan, None, "telea", tmp_path / "out", "cpu")


class _Full:
    free = 0


def test_a_model_that_does_not_exist_is_known_at_once():
    with pytest.raises(UnknownModel):
        Forecaster("toaster")


def test_of_many_masters_only_the_first_are_tried(scan, tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(
        "heritage.restore.forecast.trial", lambda *given: tried.append(given) or _slow(given[0])
    )
    forecaster = Forecaster("telea", "cpu", learning=1.0)
    several = [forecaster.forecast(scan, output=tmp_path / str(n)) for n in range(3)]
    assert len(tried) == 1
    assert several[1].seconds == pytest.approx(several[2].seconds, rel=0.5)


def _slow(windows):
    from heritage.restore.paces import Work

    return [Work(w.box.area / 1e6, 0.01, 2.0) for w in windows]
