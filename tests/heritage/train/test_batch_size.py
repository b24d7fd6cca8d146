import pytest
import torch

from heritage.train import batch_size
from heritage.train.batch_size import fitting_batch, largest
from heritage.train.loop import Training
from heritage.train.recipe import RecipeRefused


def quiet(_event):
    pass


@pytest.mark.parametrize(("room", "found"), [(1000, 256), (256, 256), (100, 64), (1, 1), (0, 0)])
def test_the_largest_power_of_two_that_fits_is_found(room, found):
    tried = []

    def fits(batch):
        tried.append(batch)
        return batch <= room

    assert largest(fits, 256) == found
    assert tried == [256 >> i for i in range(len(tried))]


def test_on_a_cpu_more_memory_means_a_larger_batch(recipe, tmp_path, monkeypatch):
    training = Training(recipe, tmp_path / "run", device="cpu", tell=quiet)
    sizes = []
    for megabytes in (60, 200, 100_000):
        monkeypatch.setattr(batch_size, "free_memory", lambda mb=megabytes: mb << 20)
        sizes.append(fitting_batch(training))
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] == 16
    assert all(size & (size - 1) == 0 for size in sizes)


def test_if_nothing_fits_that_is_said(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(batch_size, "free_memory", lambda: 1 << 20)
    with pytest.raises(RecipeRefused, match="not even one window"):
        Training(recipe.model_copy(update={"batch": "auto"}), tmp_path, device="cpu", tell=quiet)


def test_looking_for_it_leaves_the_training_as_it_was(recipe, samples, tmp_path):
    def first_steps(training):
        return [training.step(*each) for each in samples(recipe, 0, 4)]

    plain = first_steps(Training(recipe, tmp_path / "plain", device="cpu", tell=quiet))
    training = Training(recipe, tmp_path / "tried", device="cpu", tell=quiet)
    fitting_batch(training)
    assert training.number == 0
    assert first_steps(training) == plain


def test_what_was_found_is_kept_for_the_whole_run(recipe, tmp_path, monkeypatch):
    auto = recipe.model_copy(update={"batch": "auto"})
    told = []
    monkeypatch.setattr(batch_size, "free_memory", lambda: 60 << 20)
    first = Training(auto, tmp_path / "run", device="cpu", tell=told.append)
    assert told[0].text == f"batch: {first.batch} windows of 64 pixels"
    first.save()
    monkeypatch.setattr(batch_size, "free_memory", lambda: 1 << 40)
    again = Training(auto, tmp_path / "run", device="cpu", tell=quiet)
    assert again.batch == first.batch < 16


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_it_is_tried(recipe, tmp_path):
    training = Training(recipe, tmp_path / "run", device="cuda", tell=quiet)
    assert fitting_batch(training) == 256  # the network is tiny
