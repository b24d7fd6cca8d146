"""Training and evaluation as runs of a worker; what they do there is tested as commands."""

import numpy as np
import pytest
from PIL import Image

from flows.operations.learning import evaluate_models, train_model
from heritage.errors import HeritageError
from tests.flows.cli.test_train import RECIPE

pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.slow]


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Two pictures, and a recipe that takes seconds, in the folder where the worker is."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    for name in ("pictures", "validation"):
        (tmp_path / name).mkdir()
        for number in range(2):
            small = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
            picture = Image.fromarray(small).resize((300, 260), Image.Resampling.BICUBIC)
            picture.save(tmp_path / name / f"{number}.png")
    (tmp_path / "tiny.toml").write_text(RECIPE)
    return tmp_path / "pictures"


def test_what_is_wrong_with_a_recipe_is_why_the_run_failed(pictures):
    (pictures.parent / "tiny.toml").write_text(RECIPE.replace("steps = 4", "steps = -4"))
    with pytest.raises(HeritageError, match="steps"):
        train_model("tiny.toml", pictures.parent / "out")


def test_a_comparison_leaves_its_page(pictures):
    evaluate_models(pictures, ["telea"], pictures.parent / "compared")
    assert list((pictures.parent / "compared").rglob("*.html"))


def test_an_unknown_model_is_why_the_run_failed(pictures):
    with pytest.raises(HeritageError, match="nobody"):
        evaluate_models(pictures, ["nobody"], pictures.parent / "compared")
