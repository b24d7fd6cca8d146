import json

import numpy as np
import pytest

from heritage.damage.policy.protect import Polygons, read_polygons
from heritage.errors import MaskRefused
from heritage.geometry import Box

SQUARE = [[2, 3], [8, 3], [8, 9], [2, 9], [2, 3]]
HOLE = [[4, 5], [6, 5], [6, 7], [4, 7], [4, 5]]


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def test_a_polygon_with_a_hole(tmp_path):
    feature = {"type": "Feature", "properties": {}, "geometry": polygon(SQUARE, HOLE)}
    collection = {"type": "FeatureCollection", "features": [feature]}
    expected = np.zeros((12, 12), bool)
    expected[3:9, 2:8] = True
    expected[5:7, 4:6] = False
    for content in (polygon(SQUARE, HOLE), feature, collection):
        drawn = read_polygons(write(tmp_path / "a.json", content), 12, 12)
        assert (drawn.read(Box(0, 0, 12, 12)) == expected).all()


def test_overlapping_polygons_protect_both(tmp_path):
    both = {"type": "MultiPolygon", "coordinates": [[SQUARE], [HOLE]]}
    drawn = read_polygons(write(tmp_path / "a.json", both), 12, 12)
    assert drawn.read(Box(0, 0, 12, 12)).sum() == 36


def test_windows_may_be_cut_anywhere_and_neighbours_share_no_pixel():
    rng = np.random.default_rng(1)
    star = rng.uniform(-20, 120, (60, 2))
    drawn = Polygons(((star,),))
    whole = drawn.read(Box(0, 0, 100, 100))
    assert 0.1 < whole.mean() < 0.9
    for y0, x0, y1, x1 in [(0, 0, 37, 100), (37, 0, 100, 41), (37, 41, 100, 100), (50, 50, 51, 51)]:
        box = Box(y0, x0, y1, x1)
        assert (drawn.read(box) == whole[box.slices]).all()
    corners = np.array([[0, 0], [100, 0], [100, 100], [0, 100.0]])
    middle = np.array([37.5, 61.5])
    parts = [
        Polygons(((np.array([corners[i], corners[(i + 1) % 4], middle]),),)).read(
            Box(0, 0, 100, 100)
        )
        for i in range(4)
    ]
    assert (np.sum(parts, axis=0) == 1).all()


def test_pixels_whose_centre_is_inside_by_the_definition():
    ring = np.random.default_rng(2).uniform(0, 30, (9, 2))
    inside = np.zeros((30, 30), bool)
    for y in range(30):
        for x in range(30):
            for (ax, ay), (bx, by) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                if (ay <= y + 0.5) != (by <= y + 0.5):
                    at = ax + (y + 0.5 - ay) * (bx - ax) / (by - ay)
                    inside[y, x] ^= at <= x + 0.5
    assert (Polygons(((ring,),)).read(Box(0, 0, 30, 30)) == inside).all()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"type": "Point", "coordinates": [1, 2]}, "'Point' is neither Polygon nor"),
        (polygon([[0, 0], [1, 1], [0, 0]]), "fewer than three corners"),
        (polygon([[0, 0], [1, "a"], [0, 3]]), "is no x and y"),
        (polygon([[0, 0], [1, float("nan")], [0, 3]]), "is no x and y"),
        (polygon([[x, -y] for x, y in SQUARE]), "polygon 1 lies outside of the master of 20 x 10"),
        (polygon(), "a list of coordinates was expected"),
        ([1], "an object with a type was expected"),
    ],
)
def test_what_is_no_protected_area_is_refused(tmp_path, content, said):
    path = write(tmp_path / "a.json", content)
    with pytest.raises(MaskRefused) as refused:
        read_polygons(path, 10, 20)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)
