import numpy as np
import pytest

from heritage.damage.policy.ink import is_ink

PAPER = (0.88, 0.82, 0.7)


def page(colour, width, seed=0):
    rng = np.random.default_rng(seed)
    picture = np.broadcast_to(np.float32(PAPER), (240, 240, 3)).copy()
    stroke = np.zeros((240, 240), bool)
    stroke[40:200, 120 : 120 + width] = True
    picture[stroke] = colour
    picture += rng.normal(0, 0.015, picture.shape).astype(np.float32)
    return picture, stroke


@pytest.mark.parametrize("colour", [(0.1, 0.1, 0.1), (0.7, 0.2, 0.15), (0.5, 0.4, 0.3)])
@pytest.mark.parametrize("width", [3, 12, 60])
def test_strokes_of_any_ink_are_found_and_paper_is_not(colour, width):
    picture, stroke = page(colour, width)
    ink = is_ink(picture, np.zeros(stroke.shape, bool))
    assert ink[stroke].mean() > 0.99
    assert not ink[~stroke].any()


def test_uneven_light_is_no_ink():
    picture, stroke = page(PAPER, 3)
    light = np.linspace(0.75, 1, 240, dtype=np.float32)[:, None, None]
    assert not is_ink(picture * light, np.zeros(stroke.shape, bool)).any()


def test_dark_holes_are_neither_ink_nor_paper():
    picture, stroke = page((0, 0, 0), 60)
    assert not is_ink(picture, stroke).any()
    other, _ = page((1, 1, 1), 60)
    assert (
        is_ink(picture, stroke) == is_ink(np.where(stroke[..., None], other, picture), stroke)
    ).all()
