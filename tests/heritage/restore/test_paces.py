"""Paces: what is concluded from trials, and what is remembered of real runs."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.geometry import Box
from heritage.restore.inpainters import load_inpainter
from heritage.restore.paces import (
    Work,
    byte_seconds,
    remember,
    remembered,
    seconds_from,
    trial,
)
from heritage.restore.windows import Window
from models.remembered import cache_folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def windows(sides):
    return [
        Window(n, 0, Box(0, 0, side, side), Box(0, 0, side, side)) for n, side in enumerate(sides)
    ]


RATES = st.floats(0.01, 50)


@given(RATES, st.floats(0, 500), st.lists(st.floats(0.01, 0.6), min_size=4, max_size=12))
def test_a_cost_of_so_much_a_pixel_and_so_much_a_damaged_pixel_is_found(each, filled, shares):
    pieces = [Work(0.1 + 0.02 * n, (0.1 + 0.02 * n) * share) for n, share in enumerate(shares)]
    timed = [
        Work(w.megapixels, w.damaged, each * w.megapixels + filled * w.damaged) for w in pieces
    ]
    whole = sum(timed, Work()) + sum(timed, Work())
    assert seconds_from(timed, whole) == pytest.approx(whole.seconds, rel=1e-3)


def test_few_trials_are_taken_as_proportional_to_the_pixels():
    assert seconds_from([Work(0.5, 0.1, 2.0)], Work(5, 3)) == pytest.approx(20)
    assert seconds_from([], Work(5, 3)) == 0


@given(st.lists(st.sampled_from([64, 128, 256, 512]), min_size=1, max_size=60))
def test_a_trial_with_time_enough_sees_every_window_once_and_one_shape_at_a_time(sides):
    seen = []

    def fill(group):
        assert len({window.shape for window in group}) == 1
        seen.extend(window.number for window in group)
        return Work(1, 1, 1)

    trial(windows(sides), fill, 1e9)
    assert sorted(seen) == list(range(len(sides)))


def test_a_trial_ends_before_its_time_is_over_and_has_seen_small_and_large():
    clock = iter(range(1000))
    seen = []

    def fill(group):
        seen.append(group[0].shape[0])
        return Work(1, 1, 1)

    trial(windows([64] * 400 + [512] * 400), fill, 6.0, lambda: float(next(clock)))
    assert 2 <= len(seen) <= 4
    assert set(seen) == {64, 512}


def test_what_was_learnt_is_believed_where_there_is_enough_alike():
    model = load_inpainter("telea", "cpu")
    assert not remembered(model).tells_of(Work(5, 0.1))
    remember(model, Work(1, 0.02, 3))
    assert not remembered(model).tells_of(Work(5, 0.1))  # too little
    remember(model, Work(3, 0.06, 9))
    known = remembered(model)
    assert known.tells_of(Work(5, 0.1))
    assert known.seconds_for(Work(5, 0.1)) == pytest.approx(15)
    assert not known.tells_of(Work(5, 0.5))  # far more damage in each window
    assert remembered(load_inpainter("navier-stokes", "cpu")) == Work()


def test_old_runs_fade():
    model = load_inpainter("telea", "cpu")
    remember(model, Work(1000, 20, 1000))
    for _ in range(8):
        remember(model, Work(50, 1, 100))
    assert remembered(model).megapixels <= 51
    assert remembered(model).seconds_for(Work(1)) == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize("text", ["", "[1]", '{"x": 1}', "{"])
def test_damaged_memories_are_forgotten(text):
    cache_folder().mkdir(parents=True)
    (cache_folder() / "paces.json").write_text(text)
    model = load_inpainter("telea", "cpu")
    assert remembered(model) == Work()
    remember(model, Work(3, 1, 1))
    assert remembered(model).megapixels == 3


def test_the_disk_is_tried_and_left_as_it_was(tmp_path: Path):
    file, folder = tmp_path / "master.tif", tmp_path / "scratch"
    folder.mkdir()
    file.write_bytes(bytes(1 << 20))
    assert 0 < byte_seconds(file, folder) < 1e-5
    assert not list(folder.iterdir())
    assert file.stat().st_size == 1 << 20
