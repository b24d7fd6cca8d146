"""Damage as hypothesis draws it: specks, scratches, losses, and rasters that are hardly there."""

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import ndimage

from heritage.damage.regions import Region
from heritage.geometry import Box


@st.composite
def _damage(draw, longest=420):
    import cv2

    height, width = draw(st.integers(1, longest)), draw(st.integers(1, longest))
    mask = np.zeros((height, width), np.uint8)
    for _ in range(draw(st.integers(1, 9))):
        y, x = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        kind = draw(st.sampled_from(["speck", "scratch", "loss", "ring", "dust"]))
        if kind == "speck":
            mask[y : y + draw(st.integers(1, 5)), x : x + draw(st.integers(1, 5))] = 1
        elif kind == "scratch":
            end = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
            cv2.line(mask, (x, y), end, 1, draw(st.integers(1, 4)))
        elif kind == "loss":
            mask[y : y + draw(st.integers(1, 250)), x : x + draw(st.integers(1, 250))] = 1
        elif kind == "ring":
            cv2.circle(mask, (x, y), draw(st.integers(3, 90)), 1, 2)
        else:
            dust = np.random.default_rng(draw(st.integers(0, 99))).random(mask.shape) < 0.003
            mask |= dust
    mask[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = 1
    return mask.astype(bool)


@pytest.fixture(scope="session")
def damage():
    """Strategy of (h, w) bool masks with at least one damaged pixel."""
    return _damage()


@pytest.fixture(scope="session")
def measures():
    """Strategy of small window measures: size, context, overlap, batch."""
    return st.sampled_from([(128, 16, 16, 4), (64, 8, 16, 1), (192, 32, 40, 3), (100, 10, 30, 2)])


@pytest.fixture(scope="session")
def regions_of():
    """Regions of an array, found in another way than the product does."""

    def find(mask):
        label, _ = ndimage.label(mask, np.ones((3, 3)))
        depth = ndimage.distance_transform_edt(mask) if not mask.all() else np.full(mask.shape, 1e3)
        found = []
        for number, (rows, columns) in enumerate(ndimage.find_objects(label), 1):
            own = label[rows, columns] == number
            box = Box(rows.start, columns.start, rows.stop, columns.stop)
            found.append(
                Region(number, box, int(own.sum()), float(depth[rows, columns][own].max()))
            )
        return found, label

    return find
