"""What a run shows of its restorations."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image
from prefect.logging import disable_run_logger

from flows.operations.details import details
from flows.report import Fate, Outcome
from heritage.restore.engine import restore
from heritage.settings import load_settings


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    picture = np.full((500, 700, 3), 90, np.uint8)
    mask = np.zeros((500, 700), np.uint8)
    mask[20:30, 20:30] = mask[400:440, 600:660] = 255
    picture[mask > 0] = (250, 0, 0)
    tifffile.imwrite(folder / "a_[mill].tif", picture, photometric="rgb")
    tifffile.imwrite(folder / "a_[mill].mask.tif", mask)
    return restore(folder / "a_[mill].tif", model="telea", output=folder / "out", device="cpu")


def pictures(markdown):
    found = re.findall(r"!\[[^]]*\]\(data:image/jpeg;base64,([^)]+)\)", markdown)
    return [np.asarray(Image.open(BytesIO(base64.b64decode(one)))) for one in found]


def test_the_largest_fill_is_shown_before_and_after(done, tmp_path):
    settings = load_settings(home=tmp_path)
    outcome = Outcome(done.master, Fate.RESTORED, folder=done.folder)
    failed = Outcome(done.master, Fate.FAILED, "no such file")
    markdown = details([failed, *[outcome] * 14], settings)
    shown = pictures(markdown)
    assert len(shown) == 12
    assert markdown.endswith("… and 2 more")
    assert "**a  mill .tif**" in markdown
    before, after = np.split(shown[0], 2, axis=1)
    assert before.shape == (320, 320, 3)
    red = (before[..., 0] > 180) & (before[..., 1] < 70)
    assert red.sum() == pytest.approx(40 * 60, rel=0.1)
    assert np.abs(after.astype(int) - 90).max() < 25


def test_nothing_restored_shows_nothing_and_lost_files_stop_nothing(done, tmp_path):
    settings = load_settings(home=tmp_path)
    assert details([], settings) == ""
    gone = Outcome(done.master, Fate.RESTORED, folder=tmp_path / "gone")
    with disable_run_logger():
        assert details([gone], settings) == ""
