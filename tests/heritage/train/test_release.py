import json
import subprocess
import sys

import pytest

from heritage.train.loop import Training
from heritage.train.release import circumstances, hardware, hours, release


@pytest.fixture
def run(recipe, tmp_path):
    """A finished run of ``recipe``."""
    folder = tmp_path / "run"
    named = recipe.model_copy(update={"log_every": 2})
    Training(named, folder, device="cpu", tell=lambda _event: None).run()
    return folder


def test_the_card_says_what_the_run_says_and_not_what_the_recipe_hoped(recipe, run, tmp_path):
    auto = recipe.model_copy(update={"batch": "auto"})
    training = json.loads(release(auto, run, tmp_path / "models").read_text())["training"]
    assert training["batch"] == 2
    assert training["steps"] == 6
    assert training["hardware"].endswith(", CPU")


def test_several_cards_are_counted():
    known = {"machine": "x86_64", "device": "NVIDIA H100", "devices": 4}
    assert hardware(known) == "x86_64, 4 x NVIDIA H100"


def test_runs_of_earlier_versions_have_no_circumstances(tmp_path):
    assert circumstances(tmp_path) == {}
    assert hardware({})


@pytest.mark.parametrize(
    ("elapsed", "hours_spent"), [([3600, 7200], 2.0), ([3600, 7200, 1800, 3600], 3.0)]
)
def test_hours_add_up_whether_slices_count_anew_or_on(tmp_path, elapsed, hours_spent):
    lines = [json.dumps({"step": i, "elapsed": seconds}) for i, seconds in enumerate(elapsed, 1)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    assert hours(tmp_path) == (len(elapsed), hours_spent)


@pytest.mark.slow
def test_a_recipe_by_name_is_released_with_the_pictures_of_its_run(run, folder, tmp_path):
    command = [sys.executable, "-m", "heritage.train.release"]
    done = [folder / "tiny.toml", run, "--into", tmp_path / "models"]
    subprocess.run([*command, *map(str, done)], check=True)
    card = json.loads((tmp_path / "models" / "tiny.json").read_text())
    assert card["data"]["pictures"] == 4
    wrong = ["nonsense", run, "--into", tmp_path / "models"]
    answer = subprocess.run([*command, *map(str, wrong)], capture_output=True, text=True)
    assert answer.returncode == 3
    assert answer.stderr.startswith("release: nonsense: there is no such recipe")
