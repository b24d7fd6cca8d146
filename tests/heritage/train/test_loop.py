import json

import pytest
import torch

from heritage.train import loop
from heritage.train.loop import Training, TrainingDiverged
from heritage.train.networks import adopt
from heritage.train.recipe import RecipeRefused
from heritage.train.reporting import Progressed, Remark, Validated
from heritage.train.watch import Limits
from models.checkpoints import load_checkpoint, load_weights, save_weights


def entries(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def start(recipe, folder, **named):
    return Training(recipe, folder, device="cpu", **{"tell": lambda _event: None} | named)


def test_a_training_that_was_cut_gives_the_losses_of_one_that_was_not(recipe, samples, tmp_path):
    def steps(training, first, last):
        return [training.step(*each) for each in samples(recipe, first, last)]

    whole = steps(start(recipe, tmp_path / "whole"), 0, 6)
    first = start(recipe, tmp_path / "cut")
    cut = steps(first, 0, 3)
    first.save()
    del first
    again = start(recipe, tmp_path / "cut")
    assert again.number == 3
    cut += steps(again, 3, 6)
    assert cut == whole


def test_a_run_leaves_weights_scores_and_a_sheet(recipe, tmp_path):
    folder, told = tmp_path / "run", []
    start(recipe.model_copy(update={"log_every": 3}), folder, tell=told.append).run()
    assert (folder / "sheet-0000006.png").is_file()
    last = entries(folder)[-1]
    assert set(last["validation"]) == {"thick", "medium", "hairlines"}
    assert set(last["health"]) == {"l1", "raw_l1", "variety"}
    assert [type(event) for event in told] == [Progressed, Progressed, Validated]
    assert told[1].share == 1
    assert json.loads((folder / "run.json").read_text())["batch"] == 2
    again = start(recipe, folder)
    assert again.number == 6
    assert again.seconds > 0
    average = again.average.state_dict()
    for name, tensor in load_weights(folder / "weights.safetensors").items():
        assert torch.allclose(tensor.float(), average[name].float(), atol=1e-3, rtol=1e-3)


def test_every_line_of_the_record_has_the_health_of_both_networks(recipe, tmp_path):
    start(recipe.model_copy(update={"log_every": 1}), tmp_path / "run").run()
    terms = [entry for entry in entries(tmp_path / "run") if "loss" in entry]
    assert [entry["step"] for entry in terms] == [1, 2, 3, 4, 5, 6]
    both = {"real", "fake", "real_right", "fake_right", "critic", "gradient", "discriminator"}
    assert both <= terms[2].keys()  # the first step with an adversary, and with a penalty
    assert "r1" in terms[2]
    assert "critic" not in terms[1]


def test_a_finished_run_that_is_started_again_adds_nothing(recipe, tmp_path):
    start(recipe, tmp_path / "run").run()
    before = entries(tmp_path / "run")
    start(recipe, tmp_path / "run").run()
    assert entries(tmp_path / "run") == before


def test_slices_give_the_lines_of_a_run_in_one_piece(recipe, tmp_path, monkeypatch):
    """A line is a mean over some steps, also where the run was cut between these."""
    monkeypatch.setattr(Training, "_validate", lambda _self: None)
    recipe = recipe.model_copy(update={"log_every": 4, "steps": 8, "schedule": "constant"})
    start(recipe, tmp_path / "whole").run()
    for last in (3, 5, 8):
        start(recipe.model_copy(update={"steps": last}), tmp_path / "cut").run()
    whole, cut = (
        [
            {key: entry[key] for key in ("step", "loss", "l1", "gradient")}
            for entry in entries(tmp_path / name)
        ]
        for name in ("whole", "cut")
    )
    assert whole == cut
    assert [entry["step"] for entry in cut] == [4, 8]


def test_time_spent_training_adds_up_over_slices(recipe, tmp_path):
    timed = recipe.model_copy(update={"minutes": 1e9, "log_every": 1})
    start(timed, tmp_path / "run").run(minutes=0.005)
    first = start(timed, tmp_path / "run")
    made, spent = first.number, first.seconds
    assert made > 0
    assert 0 < spent < 60
    first.run(minutes=0.005)
    second = start(timed, tmp_path / "run")
    assert second.number > made
    assert second.seconds > spent
    assert 0 < second.progress < 1e-6


def test_starting_from_weights_starts_from_them(recipe, tmp_path):
    start(recipe, tmp_path / "one").run()
    weights = tmp_path / "one" / "weights.safetensors"
    two = start(recipe, tmp_path / "two", start=weights)
    assert two.number == 0
    for name, tensor in load_weights(weights).items():
        assert torch.equal(two.network.state_dict()[name], tensor)


def test_weights_may_be_named_and_those_of_another_network_are_refused(recipe, tmp_path):
    with pytest.raises(RecipeRefused, match="must be those of the weights"):
        start(recipe, tmp_path / "run", start="art-small")
    with pytest.raises(RecipeRefused, match="no such file of weights"):
        start(recipe, tmp_path / "run", start="nobody")
    with pytest.raises(RecipeRefused, match="no weights to start from"):
        start(recipe, tmp_path / "run", start="telea")
    (tmp_path / "text.safetensors").write_text("no weights")
    training = start(recipe, tmp_path / "run")
    with pytest.raises(RecipeRefused, match="cannot be started from"):
        adopt(training.network, recipe, tmp_path / "text.safetensors")


def test_a_loss_that_is_no_number_stops_the_training(recipe, tmp_path):
    training = start(recipe, tmp_path / "run")
    image = torch.full((2, 3, 64, 64), torch.nan)
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., :32] = 1
    with pytest.raises(TrainingDiverged, match="step 0"):
        training.step(image, mask)
    with pytest.raises(TrainingDiverged, match="no longer numbers"):
        training.save()
    assert list((tmp_path / "run").glob("checkpoint*")) == []


@pytest.fixture
def poisoned(monkeypatch):
    """Windows of no numbers from a step on."""
    original = loop.windows_of

    def poison(first):
        class Poisoned:
            def __init__(self, *arguments):
                self.windows = original(*arguments)

            def from_step(self, number):
                for image, mask, label in self.windows.from_step(number):
                    yield (image if number < first else image * torch.nan), mask, label
                    number += 1

        monkeypatch.setattr(loop, "windows_of", Poisoned)

    return poison


def test_a_training_that_diverges_keeps_the_good_checkpoint(recipe, tmp_path, poisoned):
    folder = tmp_path / "run"
    start(recipe, folder).run()  # ends in a validation: this one is good
    good = load_weights(folder / "weights.safetensors")
    longer = recipe.model_copy(update={"steps": 50, "log_every": 4})
    poisoned(9)
    with pytest.raises(
        TrainingDiverged, match=r"became nan in step 9.*good.pt are those of st"
    ) as e:
        start(longer, folder).run(every=0, validate=1e9)
    assert "\n" not in str(e.value)
    assert load_checkpoint(folder / "good.pt")["step"] == 6
    assert list(folder.glob("checkpoint-*")) == []  # all came after the good one
    assert len(list(folder.glob("diverged-*"))) == recipe.keep
    assert all(
        torch.equal(v, good[k]) for k, v in load_weights(folder / "weights.safetensors").items()
    )
    assert "became nan" in entries(folder)[-1]["diverged"]
    again = start(longer, folder)
    assert again.number == 6
    again.run(minutes=0)
    assert not any("diverged" in entry for entry in entries(folder))


def test_what_is_not_validated_is_not_good(recipe, tmp_path, monkeypatch):
    training = start(recipe, tmp_path / "run")
    monkeypatch.setattr(training._validation, "health", lambda _network: {"l1": float("nan")})
    with pytest.raises(TrainingDiverged, match="gave no numbers"):
        training.run()
    assert not (tmp_path / "run" / "good.pt").exists()


def test_a_collapsed_generator_raises_an_alarm_and_goes_on(recipe, tmp_path, monkeypatch):
    told = []
    training = start(recipe, tmp_path / "run", tell=told.append)
    monkeypatch.setattr(training._validation, "health", lambda _network: {"variety": 0.01})
    training.run()
    assert isinstance(told[-1], Remark)
    assert "the same into every hole" in told[-1].text
    assert "alarm" in entries(tmp_path / "run")[-1]


def test_an_unreadable_checkpoint_is_passed_over_with_a_line(recipe, tmp_path):
    told = []
    first = start(recipe, tmp_path / "run")
    first.save()
    first.number = 2
    first.save()
    first.checkpoints.path(2).write_bytes(b"cut")
    assert start(recipe, tmp_path / "run", tell=told.append).number == 0
    (remark,) = told
    assert "trying the one before" in remark.text


def test_limits_of_the_recipe_are_those_of_the_watch(recipe, samples, tmp_path):
    limits = Limits(grace=0, saturation_gap=1e-9, saturation_steps=1, loss_steps=7)
    training = start(recipe.model_copy(update={"watch": limits}), tmp_path / "run")
    assert training.watch.limits is limits


def test_weights_of_the_average_can_be_released(recipe, tmp_path):
    training = start(recipe, tmp_path / "run")
    training.save()
    again = tmp_path / "again.safetensors"
    save_weights(again, training.average.state_dict())
    assert again.read_bytes() == (tmp_path / "run" / "weights.safetensors").read_bytes()
