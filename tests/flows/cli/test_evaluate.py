import json
import signal
import time

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        base = np.linspace(40, 200, 64)[:, None, None] + rng.normal(0, 12, (64, 64, 3))
        Image.fromarray(np.clip(base, 0, 255).astype(np.uint8)).save(folder / f"{name}.png")
    return folder


def arguments(images, tmp_path, *more):
    where = ("--images", images, "--output", tmp_path / "out")
    return ("evaluate", *where, "--models", "telea,opencv-ns", "--families", "thick,medium", *more)


def test_a_table_for_each_family_and_a_page(run, images, tmp_path) -> None:
    said = run(*arguments(images, tmp_path, "--markdown", tmp_path / "tables.md"))
    assert said.exit_code == 0, said.stderr
    for word in ("thick:", "medium:", "telea", "opencv-ns", "PSNR in the hole", "report.html"):
        assert word in said.stdout
    assert (tmp_path / "out" / "report.html").is_file()
    assert "| `telea` |" in (tmp_path / "tables.md").read_text()


def test_the_answer_can_be_read_by_a_script(run, images, tmp_path) -> None:
    said = run(*arguments(images, tmp_path, "--limit", 2, "--json"))
    answer = json.loads(said.stdout)
    assert answer["failures"] == []
    mean = answer["means"]["thick"]["telea"]["psnr_hole"]
    assert mean["low"] <= mean["mean"] <= mean["high"]
    assert mean["count"] == 2
    assert {"measure", "first", "second", "p"} <= set(answer["comparisons"]["medium"][0])
    kept = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert kept["pictures"] == ["a.png", "b.png"]


def test_what_makes_no_sense_is_one_line(run, images, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    base = ("evaluate", "--images", images, "--output", tmp_path / "out")
    for more, status, said in (
        (("--families", "holes"), 2, "holes"),
        (("--families", "given"), 2, "--masks"),
        (("--models", ","), 2, "commas"),
        (("--lpips-linear", images), 2, "--lpips-backbone"),
        (("--models", "nix"), 3, "nix"),
        (("--models", "gmic"), 3, "apt install gmic"),
        (("--masks", tmp_path / "nothing"), 3, "nothing"),
    ):
        result = run(*base, *more)
        assert result.exit_code == status, more
        assert result.stderr.count("\n") == 1, more
        assert result.stderr.startswith("heritage: ")
        assert said in result.stderr
    assert run("evaluate").exit_code == 2
    assert run("evaluate", "--images", tmp_path / "nothing").exit_code == 3


def test_a_fill_that_fails_makes_it_some_failed(run, images, tmp_path, monkeypatch) -> None:
    from heritage.evaluate.fillers import FillFailed
    from heritage.evaluate.outside import OpenCV

    def fill(self, damaged, mask):
        raise FillFailed("no luck")

    monkeypatch.setattr(OpenCV, "fill", fill)
    said = run(*arguments(images, tmp_path))
    assert said.exit_code == 1
    assert said.stderr.count("no luck") == 6
    assert (tmp_path / "out" / "report.html").is_file()
    only = ("--models", "opencv-ns", "--limit", 1)
    assert run(*arguments(images, tmp_path, *only)).exit_code == 3


def test_killed_it_goes_on_and_ends_in_the_same_scores(start, run, images, tmp_path) -> None:
    process = start(*arguments(images, tmp_path, "--json"))
    scores = tmp_path / "out" / "scores"
    deadline = time.monotonic() + 60
    while not list(scores.glob("thick/*/telea.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished = {path: path.stat().st_mtime_ns for path in scores.rglob("*.json")}
    assert finished
    resumed = json.loads(run(*arguments(images, tmp_path, "--json")).stdout)
    assert all(path.stat().st_mtime_ns == when for path, when in finished.items())
    fresh = json.loads(run(*arguments(images, tmp_path / "fresh", "--json")).stdout)
    for family, models in fresh["means"].items():
        for model, measures in models.items():
            for measure, value in measures.items():
                if measure not in ("seconds", "memory"):
                    assert resumed["means"][family][model][measure] == value


def test_interrupted_it_says_how_to_go_on(start, images, tmp_path) -> None:
    process = start(*arguments(images, tmp_path))
    deadline = time.monotonic() + 60
    while not (tmp_path / "out").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    if process.returncode:  # it may have been finished already
        assert process.returncode == 130
        assert "the same command continues" in stderr


def test_votes_are_ranked_by_the_same_command(run, images, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HERITAGE_HOME", str(tmp_path / "home"))
    said = run(*arguments(images, tmp_path, "--limit", 1, "--votes", "--json"))
    answer = json.loads(said.stdout)
    assert answer["votes"]["overall"]["votes"] == 0
    assert answer["means"]["thick"]["telea"]
    later = run("evaluate", "--output", tmp_path / "out", "--votes")
    assert later.exit_code == 0
    assert "0 votes" in later.stdout
    nothing = run("evaluate", "--output", tmp_path / "nothing", "--blind")
    assert nothing.exit_code == 3
    assert nothing.stderr.count("\n") == 1
