import json

import pytest
import torch

from heritage.train.loop import Training, TrainingDiverged
from models.checkpoints import load_weights


def losses(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_training_that_was_cut_gives_the_losses_of_one_that_was_not(recipe, samples, tmp_path):
    def steps(training, first, last):
        return [training.step(*each) for each in samples(recipe, first, last)]

    whole = steps(Training(recipe, tmp_path / "whole", accelerator="cpu"), 0, 6)
    first = Training(recipe, tmp_path / "cut", accelerator="cpu")
    cut = steps(first, 0, 3)
    first.save()
    del first
    again = Training(recipe, tmp_path / "cut", accelerator="cpu")
    assert again.number == 3
    cut += steps(again, 3, 6)
    assert cut == whole


def test_a_run_leaves_weights_scores_and_a_sheet(recipe, tmp_path):
    folder = tmp_path / "run"
    Training(recipe, folder, accelerator="cpu").run()
    assert (folder / "sheet-0000006.png").is_file()
    scores = losses(folder)[-1]["validation"]
    assert set(scores) == {"thick", "medium", "hairlines"}
    again = Training(recipe, folder, accelerator="cpu")
    assert again.number == 6
    average = again.average.state_dict()
    for name, tensor in load_weights(folder / "weights.safetensors").items():
        assert torch.allclose(tensor.float(), average[name].float(), atol=1e-3, rtol=1e-3)


def test_starting_from_weights_starts_from_them(recipe, tmp_path):
    Training(recipe, tmp_path / "one", accelerator="cpu").run()
    weights = tmp_path / "one" / "weights.safetensors"
    two = Training(recipe, tmp_path / "two", start=weights, accelerator="cpu")
    assert two.number == 0
    for name, tensor in load_weights(weights).items():
        assert torch.equal(two.network.state_dict()[name], tensor)


def test_a_loss_that_is_no_number_stops_the_training(recipe, tmp_path):
    training = Training(recipe, tmp_path / "run", accelerator="cpu")
    image = torch.full((2, 3, 64, 64), torch.nan)
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., :32] = 1
    with pytest.raises(TrainingDiverged, match="step 0"):
        training.step(image, mask)
