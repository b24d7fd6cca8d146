"""Decisions become files without inference: rejected fills are gone, the rest is as it was."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile

from heritage.damage.masks import open_mask
from heritage.damage.regions import find_regions
from heritage.errors import BadSetting, MasterRefused, OutputInTheWay, VerificationFailed
from heritage.restore.engine import restore
from heritage.restore.recompose import recompose
from heritage.restore.verify import verify

SAID = {"approver": "B. Curator", "statement": "evidence-based completion"}
LAYOUTS = {
    "tiled-16": {"dtype": np.uint16, "tile": (256, 256), "compression": "zlib"},
    "strips-8": {"dtype": np.uint8, "rowsperstrip": 31},
}
KILLED = """
import sys
from pathlib import Path
from heritage.restore.recompose import recompose
folder, master, output = map(Path, sys.argv[1:])
print("ready", flush=True)
recompose(folder, master, [2], output, {"approver": "B. Curator"})
"""


@pytest.fixture(scope="module", params=LAYOUTS)
def done(request, tmp_path_factory):
    """A restoration of a master with four regions, over two tiles and more."""
    layout = dict(LAYOUTS[request.param])
    dtype = layout.pop("dtype")
    folder = tmp_path_factory.mktemp("scan")
    rng = np.random.default_rng(5)
    rows = np.arange(700)[:, None, None] + np.arange(900)[None, :, None] + np.array([0, 40, 90])
    picture = (rows % 251 + rng.integers(0, 5, rows.shape)) * (257 if dtype == np.uint16 else 1)
    tifffile.imwrite(folder / "scan.tif", picture.astype(dtype), photometric="rgb", **layout)
    mask = np.zeros((700, 900), np.uint8)
    mask[20:40, 30:60] = 255
    mask[200:230, 480:560] = 255  # over a tile's border
    mask[300:640, 100:104] = 255
    mask[500:520, 700:730] = 255
    tifffile.imwrite(folder / "scan.mask.tif", mask)
    return restore(folder / "scan.tif", model="telea", output=folder / "out", device="cpu")


def pixels(path):
    return tifffile.imread(path)


def test_rejected_regions_are_the_masters_own_again(done, tmp_path):
    made = recompose(done.folder, done.master, [2, 4], tmp_path, SAID)
    assert not made.skipped
    before, master, after = map(pixels, (done.restored, done.master, made.restored))
    with open_mask(done.mask) as mask:
        regions = find_regions(mask)
    assert len(regions) == 4
    for region in regions:
        part = region.box.slices
        expected = master if region.number in (2, 4) else before
        assert (after[part] == expected[part]).all()
    assert (before != master).any()
    assert made.regions == 2
    assert verify(made.folder).findings == ()


def test_the_record_says_who_took_back_what(done, tmp_path):
    made = recompose(done.folder, done.master, {4}, tmp_path, SAID)
    record, before = (json.loads(one.provenance.read_bytes()) for one in (made, done))
    assert record["review"]["rejected"] == [4]
    assert record["review"]["decisions"] == SAID
    assert record["model"] == before["model"]
    assert record["times"] == before["times"]
    assert record["mask"]["pixels"] == before["mask"]["pixels"] - 20 * 30
    assert record["regions"]["count"] == 3
    assert record["identity"] != before["identity"]


def test_where_nothing_was_rejected_the_bytes_stay(done, tmp_path):
    made = recompose(done.folder, done.master, [], tmp_path, SAID)
    for kind in ("restored", "mask", "layer"):
        assert getattr(made, kind).read_bytes() == getattr(done, kind).read_bytes()
    assert verify(made.folder).findings == ()


def test_the_same_decisions_again_are_left_as_they_are(done, tmp_path):
    made = recompose(done.folder, done.master, [1], tmp_path, SAID)
    stamp = made.restored.stat().st_mtime_ns
    assert recompose(done.folder, done.master, [1], tmp_path, SAID).skipped
    assert made.restored.stat().st_mtime_ns == stamp
    with pytest.raises(OutputInTheWay, match="something else"):
        recompose(done.folder, done.master, [2], tmp_path, SAID)
    assert [path.name for path in tmp_path.iterdir()] == ["scan"]


@pytest.mark.parametrize(("rejected", "words"), [([5], "no region 5"), ([1, 2, 3, 4], "nothing")])
def test_what_cannot_be_composed_is_said(done, tmp_path, rejected, words):
    with pytest.raises(BadSetting, match=words):
        recompose(done.folder, done.master, rejected, tmp_path, SAID)
    assert not (tmp_path / "scan").exists()
    assert recompose(done.folder, done.master, [1], tmp_path, SAID).regions == 3


@pytest.mark.parametrize("kind", ["mask", "layer", "provenance"])
def test_a_restoration_that_was_tampered_with_is_refused(done, tmp_path, kind):
    folder = tmp_path / "scan"
    shutil.copytree(done.folder, folder)
    path = folder / getattr(done, kind).name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(b"{}" if kind == "provenance" else data)
    with pytest.raises(VerificationFailed) as caught:
        recompose(folder, done.master, [1], tmp_path / "signed", SAID)
    assert caught.value.path == path


def test_another_master_is_refused(done, tmp_path):
    other = tmp_path / "scan.tif"
    picture = pixels(done.master)
    picture[0, 0] ^= 1
    with tifffile.TiffFile(done.master) as file:
        page = file.pages.first
        tile = page.tile if page.is_tiled else None
        tifffile.imwrite(other, picture, photometric="rgb", tile=tile, compression=page.compression)
    with pytest.raises(MasterRefused, match="not the master"):
        recompose(done.folder, other, [1], tmp_path / "signed", SAID)
    assert not (tmp_path / "signed" / "scan").exists()


def test_killed_at_any_moment_the_same_call_ends_in_the_same_bytes(done, tmp_path):
    whole = recompose(done.folder, done.master, [2], tmp_path / "whole", {"approver": "B. Curator"})
    rng = np.random.default_rng(1)
    output = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, done.folder, done.master, output]
    for _ in range(4):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(float(rng.uniform(0, 0.08)))
            process.send_signal(signal.SIGKILL)
    made = recompose(done.folder, done.master, [2], output, {"approver": "B. Curator"})
    for kind in ("restored", "mask", "layer", "provenance"):
        assert getattr(made, kind).read_bytes() == getattr(whole, kind).read_bytes()
    assert [path.name for path in output.iterdir()] == ["scan"]
