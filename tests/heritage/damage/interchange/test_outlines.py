import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heritage.damage.interchange.outlines import rings_of
from heritage.damage.polygons import Polygons
from heritage.damage.runs import Runs, components, runs_of
from heritage.geometry import Box


def outlines(mask):
    row, start, stop = runs_of(mask)
    label = components(Runs(row, start, stop, np.zeros(len(row), np.float32)))
    return [
        rings_of(row[label == n], start[label == n], stop[label == n])
        for n in range(int(label.max(initial=-1)) + 1)
    ]


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_outlines_become_the_very_same_pixels_again(mask):
    found = outlines(mask)
    polygons = Polygons(tuple(tuple(ring.astype(np.float64) for ring in rings) for rings in found))
    height, width = mask.shape
    assert np.array_equal(polygons.read(Box(0, 0, height, width)), mask)


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_every_region_has_one_outline_and_the_rest_are_holes(mask):
    for rings in outlines(mask):
        areas = [
            float(np.sum(r[:, 0] * np.roll(r[:, 1], -1) - np.roll(r[:, 0], -1) * r[:, 1]))
            for r in rings
        ]
        assert areas[0] > 0
        assert all(area < 0 for area in areas[1:])


def test_straight_edges_have_no_corners_between():
    mask = np.zeros((20, 30), bool)
    mask[3:17, 4:25] = True
    mask[6:9, 10:20] = False
    [[outline, hole]] = outlines(mask)
    assert {tuple(corner) for corner in outline.tolist()} == {(4, 3), (25, 3), (25, 17), (4, 17)}
    assert {tuple(corner) for corner in hole.tolist()} == {(10, 6), (20, 6), (20, 9), (10, 9)}
    assert len(outline) == len(hole) == 4
