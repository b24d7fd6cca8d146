import json

import numpy as np
import pytest
from PIL import Image

from heritage.errors import BadSetting
from heritage.evaluate import run as running
from heritage.evaluate.fillers import Filled, FillFailed
from heritage.evaluate.measures import MEASURES
from heritage.evaluate.run import Request, evaluate
from heritage.evaluate.scoring import Judge


class Grey:
    """Fills with mid-grey, and counts how often it is asked."""

    side = 32

    def __init__(self, name="grey", weights="1", fails=()):
        self.name, self.identity, self.fails = name, {"weights_sha256": weights}, fails
        self.asked = 0

    def fill(self, damaged, mask):
        self.asked += 1
        if self.asked in self.fails:
            raise FillFailed("no <luck>")
        return Filled(np.where(mask[..., None], np.uint8(128), damaged), 0.5, 1 << 20)


@pytest.fixture
def compare(images, tmp_path, monkeypatch):
    """``compare(filler, …)``: evaluate these on two families."""

    def call(*fillers, families=("thick", "hairlines"), watch=None):
        monkeypatch.setattr(running, "open_fillers", lambda *_: list(fillers))
        return evaluate(Request(images, tmp_path / "out", families=families), watch)

    return call


def test_everything_is_filled_measured_and_written(compare, tmp_path):
    found = compare(Grey())
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text()) == found
    for family in ("thick", "hairlines"):
        rows = found["scores"][family]["grey"]
        assert [row["picture"] for row in rows] == ["a", "b", "c"]
        assert set(rows[0]) - {"picture"} == set(MEASURES) - {"lpips"}
        folder = tmp_path / "out" / "fills" / family / "a"
        names = {"truth.png", "damaged.png", "mask.png", "grey.png"}
        assert {path.name for path in folder.iterdir()} == names
        truth, mask, filled = (
            np.asarray(Image.open(folder / f"{n}.png")) for n in ("truth", "mask", "grey")
        )
        assert set(np.unique(mask)) == {0, 255}
        assert (filled[mask > 0] == 128).all()
        assert np.array_equal(filled[mask == 0], truth[mask == 0])
    assert found["models"] == {"grey": {"weights_sha256": "1"}}
    assert found["crowd"]["thick"]["grey"]["samples"] >= 3
    assert found["scores"]["thick"]["grey"][0]["memory"] == 1


def test_scores_are_those_of_the_files(compare, tmp_path, images):
    """Whoever has the folder can measure again."""
    from heritage.evaluate.metrics import psnr

    row = compare(Grey())["scores"]["thick"]["grey"][0]
    folder = tmp_path / "out" / "fills" / "thick" / "a"
    truth, filled = (
        np.asarray(Image.open(folder / f"{n}.png"), np.float32) / 255 for n in ("truth", "grey")
    )
    assert row["psnr"] == pytest.approx(psnr(filled, truth), abs=1e-6)


def test_what_is_finished_is_not_done_again(compare, tmp_path, monkeypatch):
    first = compare(Grey())
    written = (tmp_path / "out" / "evaluation.json").read_bytes()

    def refuse(*_):
        raise AssertionError("nothing needs to be measured")

    monkeypatch.setattr(Judge, "look_at", refuse)
    again = Grey()
    assert compare(again) == first
    assert again.asked == 0
    assert (tmp_path / "out" / "evaluation.json").read_bytes() == written, "the date stays too"


def test_a_killed_run_goes_on_where_it_was(compare, tmp_path):
    class Killed(BaseException):
        pass

    def watch(done, total, what):
        assert total == 6
        if done == 4:
            raise Killed

    with pytest.raises(Killed):
        compare(Grey(), watch=watch)
    assert not (tmp_path / "out" / "evaluation.json").exists()
    rest = Grey()
    found = compare(rest)
    assert rest.asked == 2
    assert len(found["scores"]["hairlines"]["grey"]) == 3


def test_other_weights_other_pictures_and_lost_files_are_done_again(compare, tmp_path, images):
    compare(Grey())
    other = Grey(weights="2")
    compare(other)
    assert other.asked == 6
    fills = tmp_path / "out" / "fills"
    (fills / "thick" / "a" / "grey.png").write_bytes(b"")
    (fills / "thick" / "b" / "mask.png").unlink()
    (tmp_path / "out" / "scores" / "thick" / "c" / "grey.json").write_text("{")
    Image.open(images / "a.png").rotate(180).save(images / "a.png")
    again = Grey(weights="2")
    compare(again)
    assert again.asked == 3, "both of a, and thick c"
    assert (fills / "thick" / "b" / "mask.png").is_file()


def test_other_definitions_measure_old_fills_again(compare, monkeypatch):
    first = compare(Grey())
    monkeypatch.setattr("heritage.evaluate.scoring.DEFINITIONS", 2)
    again = Grey()
    second = compare(again)
    assert again.asked == 0
    assert second["scores"] == first["scores"], "with the times and memory of the fill"
    assert second["judge"] != first["judge"]


def test_a_fill_that_fails_is_told_and_the_others_go_on(compare):
    found = compare(Grey(fails={2}), Grey("second"))
    assert found["scores"]["thick"]["grey"][1] == {"picture": "b", "failed": "no <luck>"}
    assert "psnr" in found["scores"]["thick"]["grey"][2]
    assert all("psnr" in row for row in found["scores"]["thick"]["second"])


def test_windows_of_a_model_that_tiles_are_looked_at(compare):
    rows = compare(Grey())["scores"]["thick"]["grey"]
    assert any(row["windows"] is not None for row in rows)


def test_a_name_that_cannot_be_a_file_is_refused(compare):
    for name in ("truth", "a/b", ".hidden"):
        with pytest.raises(BadSetting, match="cannot be compared"):
            compare(Grey(name))


def test_a_model_card_takes_its_means_from_it(compare):
    from heritage.train.release import means

    found = compare(Grey(fails={2}))
    rows = [row for row in found["scores"]["thick"]["grey"] if "psnr" in row]
    said = means(found)["thick"]["grey"]
    assert said["psnr"] == pytest.approx(np.mean([row["psnr"] for row in rows]), abs=1e-4)
