import json

import numpy as np
import pytest
import torch

from heritage.train.detection.crops import Crops
from heritage.train.detection.examples import load_material
from heritage.train.detection.loop import DetectorTraining
from heritage.train.detection.objective import objective
from heritage.train.detection.release import LEVELS, choose, release
from heritage.train.detection.scoring import Count
from models.detectors import detector_at, find_detector, load_detector
from models.device import one_thread
from models.errors import ModelNotFound, WeightsRefused


@pytest.fixture(autouse=True)
def _quick():
    with one_thread():
        yield


def test_crops_are_the_same_for_any_number_of_workers(recipe):
    material, _ = load_material(recipe)
    alone, helped = (iter(Crops(material, recipe, 0, workers)) for workers in (1, 2))
    for _ in range(4):
        assert torch.equal(next(alone), next(helped))


def test_crops_and_their_truths_are_turned_alike(recipe):
    """Where a real pattern is dark, the truth says so, however both were turned."""
    plain = recipe.augmentation.model_copy(update={"tone": 0.0})
    cracked = recipe.model_copy(
        update={"clean": 0.0, "real": 1.0, "bare": 0.0, "augmentation": plain}
    )
    material, _ = load_material(recipe)
    grey = type(material)([np.full((120, 160, 3), 220, np.uint8)], material.masks)
    crops = next(iter(Crops(grey, cracked, 0, 1)))
    dark = crops[..., :3].float().mean(dim=3) < 190
    assert dark.any()
    assert (crops[..., -1][dark] > 0).float().mean() > 0.9
    assert crops[..., 3][dark].float().mean() > 100  # the evidence of lines lies there, too


def test_the_objective_falls_as_the_answer_gets_right():
    truth = torch.zeros(1, 16, 16, dtype=torch.uint8)
    truth[:, 4:8] = 9
    truth[:, 12:] = 255
    right = torch.where(truth == 9, 6.0, -6.0)[:, None]
    kind = torch.zeros(1, 18, 8, 8)
    kind[:, 9] = 6
    good, bad = objective(right, kind, truth), objective(-right, kind, truth)
    assert good < 0.05 < bad
    flipped = right.clone()
    flipped[:, :, 12:] *= -1
    assert objective(flipped, kind, truth) == good  # nobody knows
    kind[:, 4] = 12
    assert objective(right, kind, truth) > good


def test_a_training_goes_on_where_it_stopped_and_learns(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("heritage.train.detection.loop._REPORT", 4)
    material, held_out = load_material(recipe)
    run = tmp_path / "run"
    first = DetectorTraining(recipe, run, material, "cpu")
    first.run(0.02)
    assert 0 < first.progress < 1
    second = DetectorTraining(recipe, run, material, "cpu")
    assert (second.step, second.seconds) == (first.step, first.seconds)
    for name, tensor in first.average.state_dict().items():
        assert torch.equal(tensor, second.average.state_dict()[name])
    second.run()
    assert second.progress == 1
    losses = [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    third = len(losses) // 3
    assert np.mean(losses[-third:]) < np.mean(losses[:third])
    card = release(second, held_out)
    (tmp_path / "models" / "detection").mkdir(parents=True)
    for suffix in (".json", ".safetensors"):
        (run / f"tiny{suffix}").rename(tmp_path / "models" / "detection" / f"tiny{suffix}")
    found = find_detector("tiny", tmp_path / "models")
    assert found.sha256 == card["sha256"]
    assert found.level in LEVELS
    seen = torch.rand(1, 3, 64, 64), torch.rand(1, 5, 64, 64)
    with torch.inference_mode():
        one, two = second.average(*seen)[0], load_detector(found)(*seen)[0]
    assert torch.allclose(one, two, atol=0.05)  # stored as float16


def test_a_training_starts_from_another_and_says_so(recipe, tmp_path):
    material, held_out = load_material(recipe)
    first = DetectorTraining(recipe, tmp_path / "first", material, "cpu")
    first.run(0.01)
    known = release(first, held_out)
    start = detector_at(tmp_path / "first" / "tiny.safetensors")
    second = DetectorTraining(recipe, tmp_path / "second", material, "cpu", start=start)
    for name, tensor in first.average.state_dict().items():
        for begun in (second.network, second.average):
            assert torch.allclose(tensor, begun.state_dict()[name], atol=1e-3)  # float16 on disk
    second.run(0.01)
    resumed = DetectorTraining(recipe, tmp_path / "second", material, "cpu")
    assert release(resumed, held_out)["training"]["from"] == known["sha256"]
    assert "from" not in known["training"]


def test_what_does_not_fit_is_not_started_from(recipe, tmp_path):
    material, held_out = load_material(recipe)
    release(DetectorTraining(recipe, tmp_path / "run", material, "cpu"), held_out)
    weights = tmp_path / "run" / "tiny.safetensors"
    wider = recipe.model_copy(update={"widths": (8, 4, 4, 4)})
    with pytest.raises(WeightsRefused, match="does not fit the network"):
        DetectorTraining(wider, tmp_path / "other", material, "cpu", start=detector_at(weights))
    with pytest.raises(ModelNotFound, match="no file"):
        detector_at(tmp_path / "none.safetensors")
    with pytest.raises(ModelNotFound, match="no damage detector 'nobody'"):
        detector_at("nobody")


def test_the_level_is_the_best_of_those_that_leave_sound_pictures_alone():
    counts = [Count(10, 5, 10, 9), Count(10, 8, 10, 8), Count(10, 9, 10, 4)]
    assert choose(np.array([0.1, 0.0005, 0.0001]), counts, 0.001) == 1
    assert choose(np.array([0.1, 0.01, 0.0001]), counts, 0.001) == 2
    assert choose(np.array([0.1, 0.01, 0.01]), counts, 0.001) == 2
