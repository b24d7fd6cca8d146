"""What the classical detectors find, leave alone, and that it does not matter how they are cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.damage.classes import DamageClass
from heritage.damage.detect.cracks import Cracks
from heritage.damage.detect.losses import Losses
from heritage.damage.detect.scratches import Scratches

HEIGHT, WIDTH = 640, 760


def paint(value=170):
    rng = np.random.default_rng(7)
    grey = np.full((HEIGHT, WIDTH), value, np.int64) + rng.integers(-6, 7, (HEIGHT, WIDTH))
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


def found(detector, picture):
    edge = detector.context
    whole = np.pad(picture, ((edge, edge), (edge, edge), (0, 0)), "reflect")
    made = detector.detect(whole.astype(np.float32) / 255)
    inner = np.s_[edge : edge + picture.shape[0], edge : edge + picture.shape[1]]
    return made.confidence[inner], made.classes[inner]


def net():
    """Cracks in all directions, three pixels wide."""
    picture = paint()
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for angle in np.linspace(0, np.pi, 7)[:-1]:
        across = rows * np.cos(angle) + columns * np.sin(angle)
        picture[np.abs(across % 150 - 75) < 1.5] = 50
    return picture


def test_cracks_are_found_and_called_so():
    picture = net()
    sure, kinds = found(Cracks(), picture)
    cracked = (picture[..., 0] < 60) & (np.indices((HEIGHT, WIDTH)).min(axis=0) > 40)
    assert (sure[cracked] >= 0.5).mean() > 0.7
    assert (sure[picture[..., 0] > 100] >= 0.5).mean() < 0.02
    assert set(np.unique(kinds[sure >= 0.5])) == {DamageClass.CRACKS}


def test_brushwork_and_lines_in_one_direction_are_no_cracks():
    rng = np.random.default_rng(9)
    brushed = paint()
    for row in range(4, HEIGHT - 4, 6):  # ridges of paint: dark beside bright
        brushed[row : row + 2] = rng.integers(80, 110)
        brushed[row + 2 : row + 4] = rng.integers(230, 250)
    assert (found(Cracks(), brushed)[0] >= 0.5).mean() < 0.01
    ruled = paint()
    ruled[20::40] = 120
    assert (found(Cracks(), ruled)[0] >= 0.5).mean() < 0.01


def test_a_lone_line_is_a_scratch_and_hatching_is_not():
    picture = paint()
    picture[300:302, 60:700] = 245
    sure, kinds = found(Scratches(), picture)
    assert (sure[300:302, 150:600] >= 0.5).mean() > 0.9
    assert (sure[:280] >= 0.5).mean() == 0
    assert kinds[300, 400] == DamageClass.SCRATCH
    hatched = paint()
    hatched[::12] = 60
    assert (found(Scratches(), hatched)[0] >= 0.5).mean() < 0.01


def test_an_even_patch_is_a_loss_and_a_shaded_one_is_not():
    picture = paint(90)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    blot = (rows - 300) ** 2 + (columns - 400) ** 2 < 30**2
    picture[blot] = 225
    sure, kinds = found(Losses(), picture)
    assert (sure[blot] >= 0.5).mean() > 0.8
    assert (sure[~blot] >= 0.5).mean() < 0.002
    assert kinds[300, 400] == DamageClass.MATERIAL_LOSS
    ball = paint(90)
    ball[blot] = (90 + 130 * (1 - np.hypot(rows - 300, columns - 400) / 30))[blot, None]
    assert (found(Losses(), ball)[0] >= 0.5).mean() < 0.002


@pytest.mark.parametrize("kind", [Cracks, Scratches, Losses])
@settings(max_examples=6, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(8, 200), st.integers(8, 200))
def test_results_do_not_depend_on_how_a_picture_is_cut(kind, top, left, height, width):
    detector = kind()
    edge = detector.context
    rng = np.random.default_rng(5)
    whole = rng.integers(0, 256, (2 * edge + 300, 2 * edge + 300, 3), np.uint8)
    whole[::17, :, :] = 20
    whole = whole.astype(np.float32) / 255
    at = detector.detect(whole)
    y, x = 4 * (top // 4), 4 * (left // 4)
    bottom, right = min(y + height, 300), min(x + width, 300)
    part = np.ascontiguousarray(whole[y : bottom + 2 * edge, x : right + 2 * edge])
    cut = detector.detect(part)
    inner, core = (
        np.s_[edge + y : edge + bottom, edge + x : edge + right],
        np.s_[edge:-edge, edge:-edge],
    )
    assert np.array_equal(cut.confidence[core], at.confidence[inner])
    assert np.array_equal(cut.classes[core], at.classes[inner])
