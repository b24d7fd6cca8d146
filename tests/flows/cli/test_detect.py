"""``heritage detect`` with the real detectors, on a small master that is cracked."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import tifffile


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """A pale master with dark cracks across it, and a sound one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    rng = np.random.default_rng(4)
    for name in ("cracked", "sound"):
        picture = rng.integers(195, 205, (300, 420, 3), np.uint8)
        if name == "cracked":
            for row in (60, 150, 240):
                picture[row : row + 3, 10:410] = 20
                picture[row - 50 : row, 100 + row : 103 + row] = 25
        tifffile.imwrite(f"scans/{name}.tif", picture, photometric="rgb", tile=(64, 64))
    return tmp_path / "scans"


def test_masks_are_proposed_and_recorded(run, scans) -> None:
    before = (scans / "cracked.tif").read_bytes()
    result = run("detect", "scans", "--output", "found", "--detectors", "cracks", "--preview")
    assert result.exit_code == 0, result.stderr
    assert "found/cracked/cracked.mask.tif: " in result.stdout
    assert "CRACKS" in result.stdout
    found = tifffile.imread("found/cracked/cracked.mask.tif") > 0
    assert found[60:63, 40:380].mean() > 0.9
    assert found.mean() < 0.1
    record = json.loads((scans.parent / "found/cracked/cracked.damage.json").read_text())
    assert record["status"] == "proposed"
    assert (scans.parent / "found/cracked/cracked.preview.jpg").is_file()
    assert not tifffile.imread("found/sound/sound.mask.tif").any()
    assert (scans / "cracked.tif").read_bytes() == before
    with closing(sqlite3.connect(scans.parent / "workspace/catalogue.sqlite")) as base:
        masks = base.execute("SELECT origin, status FROM mask").fetchall()
    assert masks == [("detected", "proposed")]


def test_a_policy_says_what_is_filled_and_may_be_overruled(run, scans) -> None:
    command = ("detect", "scans/cracked.tif", "-o", "found", "--detectors", "cracks", "--json")
    [said] = json.loads(run(*command, "--policy", "painting").stdout)
    assert said["filled"] == 0
    assert said["documented"] == said["regions"] > 0
    assert not tifffile.imread("found/cracked/cracked.fill.tif").any()
    [asked] = json.loads(run(*command, "--policy", "painting", "--fill", "CRACKS").stdout)
    assert asked["filled"] > 0
    assert tifffile.imread("found/cracked/cracked.fill.tif").any()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--detectors", "cracks,holes"), "no detector 'holes'"),
        (("--policy", "paintings"), "no policy 'paintings'; did you mean painting?"),
        (("--fill", "CRACKS"), "give a --policy"),
        (("--policy", "painting", "--fill", "CRAK"), "'CRAK' is no class"),
        (("--protect", "a.tif"), "give a --policy"),
        (("--threshold", "2"), "threshold of 2 makes no sense"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(run, scans, words, said) -> None:
    result = run("detect", "scans", "-o", "found", *words)
    assert result.exit_code != 0
    assert said in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr


def test_a_file_that_is_no_master_stops_no_other(run, scans) -> None:
    (scans / "broken.tif").write_bytes(b"II*\0rubbish")
    result = run("detect", "scans", "-o", "found", "--detectors", "cracks")
    assert "broken.tif" in result.stderr
    assert (scans.parent / "found/cracked/cracked.damage.json").is_file()
    assert result.exit_code != 0


def test_corrections_come_back_and_are_on_record(run, scans) -> None:
    run("detect", "scans/cracked.tif", "-o", "found", "--detectors", "cracks",
        "--format", "geojson,png")  # fmt: skip
    drawn = Path("found/cracked/cracked.damage.geojson")
    assert Path("found/cracked/cracked.mask.png").is_file()
    content = json.loads(drawn.read_text())
    content["features"] = [
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [
            [[10, 60], [410, 60], [410, 63], [10, 63]]]}},
    ]  # fmt: skip
    Path("mine.geojson").write_text(json.dumps(content))
    command = ("correct", "mine.geojson", "--proposed", "found/cracked/cracked.mask.tif")
    result = run(*command, "--output", "scans/cracked.mask.tif")
    assert result.exit_code == 0, result.stderr
    assert "removed" in result.stdout
    assert np.count_nonzero(tifffile.imread("scans/cracked.mask.tif")) == 1200
    said = json.loads(Path("scans/cracked.difference.json").read_text())
    assert said["removed"] > 0
    assert said["by"]
    over = run(*command, "--output", "found/cracked/cracked.mask.tif")
    assert "would replace the proposal" in over.stderr
    assert run(*command, "--output", "mask.png").exit_code != 0
