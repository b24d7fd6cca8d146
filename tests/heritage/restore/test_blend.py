import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.geometry import Box
from heritage.restore.blend import (
    NONE,
    SHARED,
    WHOLE,
    Piece,
    WindowIndex,
    blend,
    claims,
    shares,
    weights,
)
from heritage.restore.plan import Window, make_plan

drawn = settings(max_examples=40, deadline=None)


def planned(mask, regions, size, context, overlap, batch):
    return make_plan(
        regions, *mask.shape, lambda box: mask[box.slices], size, context, overlap, batch
    )


def piece_of(window, mask, values):
    """What a window says whose values are given as a picture of its core."""
    damaged = mask[window.core.slices]
    claimed = claims(window, mask[window.box.slices])
    return Piece.of(window, damaged, claimed[damaged], values[damaged])


def pieces_of(plan, mask, values_of=None):
    for window in plan.at(0):
        empty = np.zeros((window.core.height, window.core.width, 3), np.float32)
        yield piece_of(window, mask, empty if values_of is None else values_of(window))


def shares_of(plan, mask):
    """Each window with its share of every pixel, as a picture of the whole raster."""
    for one in shares(list(pieces_of(plan, mask)), Box(0, 0, *mask.shape), mask, plan.overlap):
        picture = np.zeros(mask.shape)
        places = np.flatnonzero(mask)[one.there]
        picture.ravel()[places] = one.share
        yield one.piece.window, picture


def laid_out(values, mask):
    picture = np.zeros((*mask.shape, values.shape[1]), np.float32)
    picture[mask] = values
    return picture


@given(data=st.data())
@drawn
def test_weights_sum_to_one_over_every_damaged_pixel_and_nowhere_else(
    damage, measures, regions_of, data
):
    mask, measured = data.draw(damage), data.draw(measures)
    plan = planned(mask, regions_of(mask)[0], *measured)
    total = np.zeros(mask.shape, np.float32)
    for _, share in shares_of(plan, mask):
        assert (share >= 0).all()
        total += share.astype(np.float32)
    np.testing.assert_allclose(total[mask], 1, atol=1e-6)
    assert not total[~mask].any()


@given(data=st.data())
@drawn
def test_a_region_whole_in_a_core_comes_from_that_window_alone(damage, measures, regions_of, data):
    mask, measured = data.draw(damage), data.draw(measures)
    regions, label = regions_of(mask)
    plan = planned(mask, regions, *measured)
    for window, share in shares_of(plan, mask):
        for number in window.regions:
            own = label == number
            assert own.sum() == regions[number - 1].area
            assert (share[own] == 1).all()


@given(data=st.data())
@drawn
def test_blocks_cut_differently_give_the_same_bytes(damage, measures, regions_of, data):
    mask, measured = data.draw(damage), data.draw(measures)
    plan = planned(mask, regions_of(mask)[0], *measured)
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    shape = (*mask.shape, 3)
    pieces = list(pieces_of(plan, mask, lambda w: rng.random(shape, np.float32)[w.core.slices]))
    whole, answered = blend(pieces, Box(0, 0, *mask.shape), mask, plan.overlap)
    assert answered.all()
    whole = laid_out(whole, mask)
    by_number = {piece.window.number: piece for piece in pieces}
    index = WindowIndex(plan.at(0))
    step = data.draw(st.integers(40, 300))
    for y in range(0, mask.shape[0], step):
        for x in range(0, mask.shape[1], step):
            block = Box(y, x, y + step, x + step).clipped(*mask.shape)
            near = [by_number[w.number] for w in reversed(index.overlapping(block))]
            cut, _ = blend(near, block, mask[block.slices], plan.overlap)
            here = mask[block.slices]
            assert cut.tobytes() == np.ascontiguousarray(whole[block.slices][here]).tobytes()


@given(data=st.data())
@drawn
def test_windows_that_say_what_is_there_change_nothing(damage, measures, regions_of, data):
    mask, measured = data.draw(damage), data.draw(measures)
    plan = planned(mask, regions_of(mask)[0], *measured)
    picture = np.random.default_rng(3).random((*mask.shape, 3), np.float32)
    pieces = list(pieces_of(plan, mask, lambda w: picture[w.core.slices]))
    blended, _ = blend(pieces, Box(0, 0, *mask.shape), mask, plan.overlap)
    assert (blended == picture[mask]).all()


def test_values_that_are_not_claimed_may_be_anything():
    mask = np.zeros((200, 200), bool)
    mask[90:110, 90:110] = True
    window = Window(0, 0, Box(0, 0, 200, 200), Box(80, 80, 120, 120))
    values = np.full((40, 40, 3), np.nan, np.float32)
    values[10:30, 10:30] = 0.5
    values[10:12] = np.nan
    piece = piece_of(window, mask, values)
    # Another window has the first two rows; this one claims nothing there.
    claimed = np.where(piece.places < 12 * 40, np.uint8(NONE), piece.claims)
    piece = Piece(window, piece.places, claimed, piece.values)
    blended, answered = blend([piece], Box(0, 0, 200, 200), mask, 16)
    assert (blended[40:] == 0.5).all()
    assert not blended[:40].any()
    assert answered.tolist() == [False] * 40 + [True] * 360


def test_two_windows_fade_as_a_raised_cosine_that_sums_to_one():
    left = Window(0, 0, Box(0, 0, 100, 300), Box(20, 0, 80, 180), fade=(False, False, False, True))
    right = Window(
        1, 0, Box(0, 100, 100, 400), Box(20, 140, 80, 300), fade=(False, False, True, False)
    )
    fall, rise = weights(left, 40)[0, 140:], weights(right, 40)[0, :40]
    np.testing.assert_allclose(fall + rise, 1, atol=1e-6)
    assert (np.diff(rise) > 0).all()
    assert rise[0] > 0
    np.testing.assert_allclose(rise[20], 0.5, atol=0.05)


def test_a_window_of_specks_leaves_a_neighbour_that_only_reaches_in_to_others():
    mask = np.zeros((100, 200), bool)
    mask[50:53, 40:43] = True
    mask[60, 55:150] = True
    specks = Window(0, 0, Box(0, 0, 100, 128), Box(40, 30, 70, 60))
    claimed = claims(specks, mask[specks.box.slices])
    assert claimed[10, 10] == WHOLE
    assert claimed[20, 27] == NONE
    tiled = Window(1, 0, specks.box, specks.core, fade=(False, False, False, True))
    assert claims(tiled, mask[specks.box.slices])[20, 27] == SHARED


def test_at_the_rasters_edge_damage_is_whole():
    mask = np.ones((30, 30), bool)
    mask[10, 10] = False
    window = Window(0, 0, Box(0, 0, 30, 30), Box(0, 0, 30, 30))
    assert set(np.unique(claims(window, mask))) == {NONE, WHOLE}


def test_a_coarse_window_claims_all_damage_in_its_core():
    mask = np.zeros((30, 30), bool)
    mask[10, :] = True
    window = Window(0, 2, Box(0, 0, 30, 30), Box(5, 5, 20, 20))
    assert (claims(window, mask) == SHARED).sum() == 15


@pytest.mark.parametrize("block", [Box(0, 0, 10, 10), Box(500, 500, 1500, 520), Box(-5, -5, 1, 1)])
def test_the_index_finds_the_windows_that_a_search_finds(block):
    rng = np.random.default_rng(5)
    windows = []
    for number, (y, x, h, w) in enumerate(rng.integers(1, 700, (200, 4)).tolist()):
        core = Box(y, x, y + h, x + w)
        windows.append(Window(number, 0, core, core))
    found = WindowIndex(windows).overlapping(block)
    assert found == [w for w in windows if w.core.overlaps(block)]
