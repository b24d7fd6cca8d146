"""Which maker of windows a recipe gets, and what all of them promise."""

import itertools

import pytest
import torch

from heritage.errors import HeritageError
from heritage.train import device_masks, windows
from heritage.train.device_windows import DeviceWindows
from heritage.train.windows import windows_of
from heritage.train.workers import Windows

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(device_masks, "_FIRST", 16)
    monkeypatch.setattr(device_masks, "SIZE", 64)


def of(recipe, labels=None, rank=0, world=1, **changes):
    mix = {"thick": 1.0, "medium": 1.0}
    return windows_of(recipe.model_copy(update={"mix": mix, **changes}), CPU, labels, rank, world)


@pytest.mark.parametrize("where", ["device", "loader"])
def test_windows_have_the_shapes_that_a_training_takes(recipe, where):
    image, mask, label = of(recipe, windows=where, batch=3).step(0)
    assert image.shape == (3, 3, 64, 64)
    assert mask.shape == (3, 1, 64, 64)
    assert label.tolist() == [-1, -1, -1]
    assert image.dtype == mask.dtype == torch.float32
    assert label.dtype == torch.int64
    assert 0 <= float(image.min()) < float(image.max()) <= 1
    assert mask.unique().tolist() == [0, 1]


@pytest.mark.parametrize("where", ["device", "loader"])
def test_a_training_that_was_cut_sees_what_it_would_have_seen(recipe, where):
    whole = of(recipe, windows=where).from_step(0)
    seen = list(itertools.islice(whole, 8))
    whole.close()
    again = of(recipe, windows=where).from_step(5)
    for number in (5, 6, 7):
        assert all(map(torch.equal, seen[number], next(again)))
    again.close()
    assert not torch.equal(seen[0][0], seen[1][0])


@pytest.mark.parametrize("where", ["device", "loader"])
def test_every_rank_has_its_own_windows(recipe, where):
    one, two = (of(recipe, None, rank, 2, windows=where).step(3) for rank in (0, 1))
    assert not torch.equal(one[0], two[0])
    assert not torch.equal(one[1], two[1])


@pytest.mark.parametrize("where", ["device", "loader"])
def test_labels_are_those_of_the_pictures_shown(recipe, where):
    from PIL import Image

    for number, path in enumerate(sorted(recipe.pictures.iterdir())):
        Image.new("RGB", (100, 100), (60 * number,) * 3).save(path)
    still = recipe.augmentation.model_copy(update={"tone": 0.0})
    made = of(recipe, [0, 1, 2, 3], windows=where, batch=16, augmentation=still)
    image, _, label = made.step(0)
    assert torch.equal((image.mean((1, 2, 3)) * 255 / 60).round().long(), label)
    assert len(label.unique()) > 2


@pytest.mark.parametrize("where", ["device", "loader"])
def test_a_hole_in_the_centre_replaces_simulated_damage(recipe, where):
    _, mask, _ = of(recipe, windows=where, centre=24).step(0)
    expected = torch.zeros(2, 1, 64, 64)
    expected[..., 20:44, 20:44] = 1
    assert torch.equal(mask, expected)


def test_on_a_cpu_threads_make_them_unless_told_otherwise(recipe):
    assert isinstance(of(recipe), Windows)
    assert isinstance(of(recipe, windows="device"), DeviceWindows)


def test_the_device_is_chosen_by_itself_where_there_is_a_gpu_and_room(recipe, monkeypatch):
    class Chosen(Exception):
        pass

    def cache(sources, device):
        raise Chosen

    monkeypatch.setattr(windows, "PictureCache", cache)
    monkeypatch.setattr(windows, "room_for_pictures", lambda device: 1 << 30)
    gpu = torch.device("cuda")
    with pytest.raises(Chosen):
        windows_of(recipe.model_copy(update={"centre": 8}), gpu, None)
    monkeypatch.setattr(windows, "room_for_pictures", lambda device: 1000)
    assert isinstance(windows_of(recipe, gpu, None), Windows)


def test_pictures_too_large_for_the_device_are_refused_with_numbers(recipe, monkeypatch):
    monkeypatch.setattr(windows, "room_for_pictures", lambda device: 100_000)
    with pytest.raises(HeritageError, match="set windows = 'loader'"):
        of(recipe, windows="device")


def test_workers_are_as_many_as_asked(recipe):
    asked = type(recipe).model_validate(recipe.model_dump() | {"workers": 3})
    assert windows_of(asked, CPU, None).workers == 3


def test_there_is_no_rank_beyond_the_world(recipe):
    with pytest.raises(ValueError, match="rank 2"):
        of(recipe, None, 2, 2)


def test_damage_that_is_none_is_refused_with_all_that_is(recipe):
    with pytest.raises(HeritageError, match=r"unknown damage: mould; there are thick, .*, real"):
        windows_of(recipe.model_copy(update={"mix": {"mould": 1.0}}), CPU, None)
