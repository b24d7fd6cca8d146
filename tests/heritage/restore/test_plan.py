import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.damage.regions import Region
from heritage.geometry import Box
from heritage.restore.levels import reduced_box
from heritage.restore.plan import Plan, make_plan

drawn = settings(max_examples=40, deadline=None)


def planned(mask, regions, size=128, context=16, overlap=16, batch=4):
    return make_plan(
        regions, *mask.shape, lambda box: mask[box.slices], size, context, overlap, batch
    )


@given(data=st.data())
@drawn
def test_every_damaged_pixel_lies_in_a_core_and_sees_its_context(
    damage, measures, regions_of, data
):
    mask, (size, context, overlap, batch) = data.draw(damage), data.draw(measures)
    plan = planned(mask, regions_of(mask)[0], size, context, overlap, batch)
    covered = np.zeros_like(mask)
    for window in plan.windows:
        raster = plan.level_size(window.level)
        assert Box(0, 0, *raster).contains(window.box)
        assert max(window.shape) <= size
        assert window.box.contains(window.core.grown(context).clipped(*raster))
        if window.level == 0:
            covered[window.core.slices] = True
    assert covered[mask].all()


@given(data=st.data())
@drawn
def test_a_region_that_fits_into_a_window_belongs_whole_to_one_only(
    damage, measures, regions_of, data
):
    mask, (size, context, overlap, batch) = data.draw(damage), data.draw(measures)
    regions, _ = regions_of(mask)
    plan = planned(mask, regions, size, context, overlap, batch)
    owners = [number for window in plan.windows for number in window.regions]
    fitting = []
    for region in regions:
        seen = region.box.grown(context).clipped(*mask.shape)
        if seen.height <= size and seen.width <= size:
            fitting.append(region.number)
    assert sorted(owners) == fitting
    for window in plan.windows:
        for number in window.regions:
            assert window.core.contains(regions[number - 1].box)


@given(data=st.data())
@drawn
def test_where_a_window_is_guided_the_coarser_level_has_an_answer(
    damage, measures, regions_of, data
):
    mask, (size, context, overlap, batch) = data.draw(damage), data.draw(measures)
    plan = planned(mask, regions_of(mask)[0], size, context, overlap, batch)
    for window in plan.windows:
        if not window.guided:
            continue
        coarser = window.level + 1
        asked = reduced_box(window.core).grown(1).clipped(*plan.level_size(coarser))
        hole = plan.level_mask(lambda box: mask[box.slices], coarser, asked)
        answered = np.zeros_like(hole)
        for other in plan.at(coarser):
            if other.core.overlaps(asked):
                answered[other.core.intersection(asked).within(asked)] = True
        assert answered[hole].all()


@given(data=st.data())
@drawn
def test_batches_hold_every_window_once_of_one_level_and_shape_coarse_first(
    damage, measures, regions_of, data
):
    mask, (size, context, overlap, batch) = data.draw(damage), data.draw(measures)
    plan = planned(mask, regions_of(mask)[0], size, context, overlap, batch)
    assert sorted(n for numbers in plan.batches for n in numbers) == list(range(len(plan.windows)))
    levels = []
    for numbers in plan.batches:
        windows = [plan.windows[n] for n in numbers]
        assert len({(w.level, w.shape) for w in windows}) == 1
        assert len(windows) == 1 or sum(w.box.area for w in windows) <= batch * size * size
        levels.append(windows[0].level)
    assert levels == sorted(levels, reverse=True)
    assert [w.number for w in plan.windows] == list(range(len(plan.windows)))


@given(data=st.data())
@drawn
def test_json_brings_the_same_plan_back_in_the_same_bytes(damage, measures, regions_of, data):
    mask, measured = data.draw(damage), data.draw(measures)
    plan = planned(mask, regions_of(mask)[0], *measured)
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert again.to_json() == plan.to_json()
    assert planned(mask, regions_of(mask)[0], *measured).to_json() == plan.to_json()


@pytest.mark.parametrize("text", [b"[]", b'{"format":1}', b'{"format":99}'])
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(ValueError, match="plan"):
        Plan.from_json(text)


def test_a_small_crack_costs_a_small_window(regions_of):
    mask = np.zeros((1200, 1200), bool)
    mask[600:620, 700:704] = True
    plan = planned(mask, regions_of(mask)[0], 512, 64, 64)
    (window,) = plan.windows
    assert window.shape == (192, 192)
    assert not window.guided
    assert window.fade == (False,) * 4


def test_windows_at_the_edge_are_shifted_inward_not_shrunk(regions_of):
    mask = np.zeros((1000, 1000), bool)
    mask[:3, :3] = mask[-3:, -300:] = True
    plan = planned(mask, regions_of(mask)[0], 512, 64, 64)
    assert {w.box for w in plan.windows} == {Box(0, 0, 128, 128), Box(872, 616, 1000, 1000)}


def test_a_raster_smaller_than_a_window_is_one_window(regions_of):
    mask = np.ones((90, 70), bool)
    mask[0, 0] = False
    plan = planned(mask, regions_of(mask)[0], 512, 64, 64)
    (window,) = plan.windows
    assert window.box == Box(0, 0, 90, 70)
    assert window.regions == (1,)


def test_a_long_thin_crack_is_tiled_where_it_runs_without_a_coarse_pass(regions_of):
    mask = np.zeros((3000, 3000), bool)
    diagonal = np.arange(3000)
    mask[diagonal, diagonal] = mask[diagonal[:-1], diagonal[1:]] = True
    plan = planned(mask, regions_of(mask)[0], 512, 64, 64)
    assert plan.levels == 1
    assert len(plan.windows) <= 2 * 3000 // 320 + 10
    assert all(any(window.fade) for window in plan.windows)


def test_a_deep_loss_is_first_seen_whole_on_the_coarsest_level(regions_of):
    mask = np.zeros((3000, 2500), bool)
    mask[400:2300, 300:1900] = True
    plan = planned(mask, regions_of(mask)[0], 512, 64, 64)
    top = plan.at(plan.levels - 1)
    assert plan.levels == 4
    assert len(top) == 1
    assert not top[0].guided
    assert all(window.guided for window in plan.windows if window.level < 3)
    assert top[0].core.contains(reduced_box(Box(400, 300, 2300, 1900), 3))


def test_a_mask_of_nearly_everything_still_has_a_plan(regions_of):
    mask = np.ones((1200, 1500), bool)
    mask[600, 700] = False
    plan = planned(mask, regions_of(mask)[0], 512, 64, 64)
    assert plan.levels == 3
    assert len(plan.at(2)) == 1


def test_a_net_of_cracks_does_not_swallow_the_coarse_picture(regions_of):
    mask = np.zeros((2048, 2048), bool)
    mask[::12] = mask[:, ::12] = True
    mask[600:1500, 600:1500] = True
    plan = planned(mask, regions_of(mask)[0], 512, 64, 64)
    hole = plan.level_mask(lambda box: mask[box.slices], 3, Box(0, 0, 256, 256))
    assert 0.15 < hole.mean() < 0.3


def test_neighbours_share_a_window_when_that_is_cheaper(regions_of):
    mask = np.zeros((1000, 1000), bool)
    mask[500:505, 100:900:50] = True
    plan = planned(mask, regions_of(mask)[0], 512, 64, 64)
    assert len(plan.windows) <= 3


def test_measures_that_leave_no_core_are_refused():
    with pytest.raises(ValueError, match="core"):
        make_plan([], 10, 10, lambda box: np.zeros((1, 1), bool), 128, 60, 16)


def test_a_hundred_thousand_specks_are_planned_in_seconds_and_a_few_megabytes():
    rng = np.random.default_rng(1)
    corners = np.unique(rng.integers(0, 19_990, (100_000, 2)), axis=0)
    regions = [
        Region(number, Box(y, x, y + 4, x + 4), 16, 2.0)
        for number, (y, x) in enumerate(corners.tolist(), 1)
    ]
    plan = make_plan(regions, 20_000, 20_000, lambda box: np.zeros((0, 0), bool))
    text = plan.to_json()
    assert len(text) < 2_000_000
    assert sum(len(window.regions) for window in plan.windows) == len(regions)
    assert json.loads(text)["height"] == 20_000
