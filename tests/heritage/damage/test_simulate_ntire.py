"""The mask types of the NTIRE 2022 challenge, by what its report says of them."""

import numpy as np
import pytest

from heritage.damage.simulate import FAMILIES


def masks(name, count=24, side=512):
    return [FAMILIES[f"ntire-{name}"](np.random.default_rng(i), side, side) for i in range(count)]


def test_completion_takes_one_side_away():
    for mask in masks("completion"):
        assert 0.19 < mask.mean() < 0.81
        straight = mask if np.ptp(mask, axis=1).max() == 0 else mask.T
        assert np.ptp(straight, axis=1).max() == 0
        assert np.abs(np.diff(straight[:, 0].astype(int))).sum() == 1


def test_expand_leaves_a_square_in_the_middle():
    sides = {int(np.sqrt((mask == 0).sum())) for mask in masks("expand")}
    assert sides == {128, 170, 256}
    for mask in masks("expand", 4):
        assert mask[255:257, 255:257].sum() == 0
        assert mask[0].all()


def test_every_n_lines_takes_whole_lines():
    found = set()
    for mask in masks("every-n-lines", 60):
        lines = mask if np.ptp(mask, axis=1).max() == 0 else mask.T
        gone = np.flatnonzero(lines[:, 0])
        assert np.ptp(lines, axis=1).max() == 0
        assert len(set(np.diff(gone))) == 1
        found.add((int(gone[1]), lines is mask))
    assert found == {(n, rows) for n in (2, 3, 4, 5) for rows in (True, False)}


def test_nearest_neighbour_leaves_one_pixel_in_a_square():
    spacings = {round(1 / np.sqrt(1 - mask.mean())) for mask in masks("nearest-neighbour")}
    assert spacings == {2, 3, 4}
    assert all(mask[0, 0] == 0 for mask in masks("nearest-neighbour", 4))


@pytest.mark.parametrize("name", ["thin", "medium", "thick"])
@pytest.mark.parametrize("side", [96, 512])
def test_strokes_leave_three_tenths(name, side):
    found = [mask.mean() for mask in masks(name, 30, side)]
    assert min(found) > 0
    assert max(found) <= 0.7


def test_strokes_grow_from_thin_to_thick():
    import cv2

    thin, medium, thick = (
        np.mean([cv2.distanceTransform(m, cv2.DIST_L2, 5).max() for m in masks(name, 10)])
        for name in ("thin", "medium", "thick")
    )
    assert thin < medium < thick
