import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.geometry import Box
from heritage.restore.levels import (
    enlarged_box,
    level_mask,
    level_picture,
    level_size,
    reduce_known,
    reduced_box,
)

drawn = settings(max_examples=40, deadline=None)
sizes = st.integers(1, 90)


def reduced_by_hand(picture, mask, level):
    height, width = level_size(*mask.shape, level)
    hole = np.zeros((height, width), bool)
    mean = np.zeros((height, width, 3))
    scale = 1 << level
    for y in range(height):
        for x in range(width):
            block = np.s_[y * scale : (y + 1) * scale, x * scale : (x + 1) * scale]
            hole[y, x] = mask[block].mean() >= 0.5
            if not mask[block].all():
                mean[y, x] = picture[block][~mask[block]].mean(axis=0)
    return mean, hole


@given(height=sizes, width=sizes, level=st.integers(0, 4), seed=st.integers(0, 99))
@drawn
def test_a_level_is_the_mean_of_what_is_known(height, width, level, seed):
    rng = np.random.default_rng(seed)
    picture = rng.random((height, width, 3), np.float32)
    mask = rng.random((height, width)) < rng.random()
    whole = Box(0, 0, *level_size(height, width, level))
    mean, hole = level_picture(
        lambda box: picture[box.slices], lambda box: mask[box.slices], level, whole, height, width
    )
    if level == 0:
        assert (mean == picture).all()
        assert (hole == mask).all()
        return
    by_hand, hole_by_hand = reduced_by_hand(picture, mask, level)
    np.testing.assert_allclose(mean, by_hand, atol=1e-5)
    assert (hole == hole_by_hand).all()
    assert (level_mask(lambda box: mask[box.slices], level, whole, height, width) == hole).all()


@given(level=st.integers(1, 4), y=st.integers(0, 70), x=st.integers(0, 70), side=st.integers(1, 60))
@drawn
def test_a_piece_of_a_level_equals_that_piece_of_the_whole(level, y, x, side):
    rng = np.random.default_rng(level)
    mask = rng.random((1300, 1500)) < 0.4
    picture = rng.random((1300, 1500, 1), np.float32)
    whole = Box(0, 0, *level_size(1300, 1500, level))
    piece = Box(y, x, y + side, x + side).clipped(*level_size(1300, 1500, level))
    readers = (lambda box: picture[box.slices]), (lambda box: mask[box.slices])
    all_of_it, all_holes = level_picture(*readers, level, whole, 1300, 1500)
    part, holes = level_picture(*readers, level, piece, 1300, 1500)
    assert part.tobytes() == np.ascontiguousarray(all_of_it[piece.slices]).tobytes()
    assert (holes == all_holes[piece.slices]).all()


def test_a_constant_stays_constant_and_damage_does_not_bleed():
    picture = np.full((64, 64, 3), 0.25, np.float32)
    known = np.ones((64, 64), np.float32)
    picture[10:30, 10:30], known[10:30, 10:30] = 9.0, 0.0
    reduced, share = reduce_known(picture, known, 2)
    np.testing.assert_allclose(reduced[share > 0], 0.25, atol=1e-6)


def test_halving_twice_is_quartering():
    rng = np.random.default_rng(0)
    picture, known = rng.random((64, 32, 3), np.float32), rng.random((64, 32), np.float32)
    once, share = reduce_known(*reduce_known(picture, known))
    at_once, share_at_once = reduce_known(picture, known, 2)
    np.testing.assert_allclose(once, at_once, atol=1e-5)
    np.testing.assert_allclose(share, share_at_once, atol=1e-6)


@given(y=sizes, x=sizes, h=sizes, w=sizes, levels=st.integers(0, 5))
@drawn
def test_a_reduced_box_covers_the_box_it_came_from(y, x, h, w, levels):
    box = Box(y, x, y + h, x + w)
    assert enlarged_box(reduced_box(box, levels), levels, y + h, x + w).contains(box)
