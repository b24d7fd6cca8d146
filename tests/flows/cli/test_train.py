import io
import json
import signal
import time

import numpy as np
import pytest
from PIL import Image

from heritage.train.reporting import Progressed, Remark

RECIPE = """
name = "tiny"
pictures = "pictures"
validation = "validation"
config = { ngf = 8, n_downsampling = 2, n_blocks = 1, activation = "none", shuffle = 2 }
discriminator = { ndf = 8, n_layers = 2 }
crop = 64
batch = 2
steps = 4
warmup = 2
log_every = 2
precision = "32-true"
"""


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """A training that takes seconds, in the folder where commands are run."""
    monkeypatch.setattr("heritage.train.validation.PICTURES", 2)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    for name in ("pictures", "validation"):
        (tmp_path / name).mkdir()
        for number in range(2):
            small = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
            picture = Image.fromarray(small).resize((300, 260), Image.Resampling.BICUBIC)
            picture.save(tmp_path / name / f"{number}.png")
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


def test_a_slice_and_then_the_rest(run, recipe) -> None:
    first = run("train", "tiny.toml", "--device", "cpu", "--minutes", "0")
    assert first.exit_code == 0
    assert "0.0% done, 0 steps; the same command continues" in first.stdout
    result = run("train", "tiny.toml", "--device", "cpu")
    assert result.exit_code == 0
    assert result.stdout == "Finished after 4 steps: runs/tiny/weights.safetensors\n"
    assert "step 4, 100.0%" in result.stderr
    assert "windows/s" in result.stderr
    assert (recipe.parent / "runs" / "tiny" / "weights.safetensors").is_file()


def test_the_answer_in_json(run, recipe) -> None:
    result = run("train", recipe, "--device", "cpu", "--out", "mine", "--json")
    assert json.loads(result.stdout) == {
        "folder": "mine",
        "weights": "mine/weights.safetensors",
        "step": 4,
        "progress": 1.0,
        "finished": True,
    }
    assert "windows/s" not in result.stderr


def test_a_recipe_that_makes_no_sense_is_one_line(run, recipe) -> None:
    recipe.write_text(RECIPE + "colour = 3\n")
    result = run("train", recipe)
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    assert "unknown key colour" in result.stderr
    assert "there is no such recipe" in run("train", "nonsense").stderr


def test_a_shipped_recipe_takes_other_folders(run, recipe) -> None:
    result = run(
        "train", "fine-tune", "--from", "nobody", "--pictures", "pictures", "--validation",
        "validation", "--device", "cpu",
    )  # fmt: skip
    assert result.exit_code == 3
    assert "no such file of weights" in result.stderr  # and no complaint about folders
    assert not (recipe.parent / "runs").exists()


def test_interrupted_it_says_that_the_same_command_continues(start, recipe) -> None:
    recipe.write_text(RECIPE.replace("steps = 4", "steps = 100000"))
    process = start("train", recipe, "--device", "cpu", "--out", recipe.parent / "run")
    record = recipe.parent / "run" / "metrics.jsonl"
    until = time.monotonic() + 60
    while not record.exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "heritage: interrupted; the same command continues"


def test_the_bar_shows_pace_time_and_loss() -> None:
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    from flows.cli.train import _Bar

    screen = Console(record=True, width=100, file=io.StringIO())
    with Progress(TextColumn("{task.fields[pace]}"), console=screen) as bars:
        bar = _Bar(bars)
        bar(Progressed(10, 0.25, 8.0, 75.0, {"l1": 0.5}))
        bar(Remark("careful"))
        (task,) = bars.tasks
        assert task.completed == 0.25
        assert task.fields["pace"] == "8.0 windows/s, 1 min 15 s left, l1 0.5"
    assert "careful" in screen.export_text()


def test_a_detector_of_damage_is_trained_by_the_same_command(run, recipe) -> None:
    recipe.write_text(
        'task = "detection"\nname = "mine"\nlicence = "CC0-1.0"\npictures = "pictures"\n'
        "minutes = 0.05\ncanvas = 96\ncrop = 64\nbatch = 2\nfresh = 1\npool = 4\n"
        "widths = [4, 4, 4, 4]\nheld_out = 0.5\n"
    )
    first = run("train", "tiny.toml", "--device", "cpu", "--minutes", "0")
    assert "0.0% done, 0 steps; the same command continues" in first.stdout
    rest = run("train", "tiny.toml", "--device", "cpu", "--json")
    said = json.loads(rest.stdout)
    assert said["finished"]
    assert said["weights"] == "runs/mine/mine.safetensors"
    assert (recipe.parent / "runs" / "mine" / "mine.json").is_file()
