"""Craquelure: a network, thin, and along the grain."""

import cv2
import numpy as np
import pytest

from heritage.damage.simulate import Craquelure, craquelure
from heritage.damage.simulate.cracks import network
from heritage.damage.simulate.fracture import divide
from heritage.damage.simulate.lines import draw_curves


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", ["net", "grain", "impact"])
def test_craquelure_is_a_network_of_thin_lines(kind):
    mask = craquelure(rng(), 512, 512, like=Craquelure(kind, cell=48, width=2))
    assert 0.003 < mask.mean() < 0.15
    assert cv2.distanceTransform(mask, cv2.DIST_L2, 5).max() < 6


def test_a_finer_cell_means_more_cracks():
    fine, coarse = (
        craquelure(rng(), 400, 400, like=Craquelure("net", cell=cell, width=1)).mean()
        for cell in (20, 60)
    )
    assert fine > 2 * coarse


def test_the_cell_may_be_given_as_a_number():
    assert craquelure(rng(), 512, 512, 62).mean() < craquelure(rng(), 512, 512, 18).mean()


def test_cracks_follow_the_grain():
    run = {}
    for direction in (0.0, np.pi / 2):
        like = Craquelure("grain", cell=24, direction=direction, waviness=0.05, bend=0.05)
        net = network(rng(4), 400, 400, like)
        run[direction] = np.abs(net.ends - net.starts).sum(axis=0)
    assert run[0.0][0] > 1.5 * run[0.0][1]
    assert run[np.pi / 2][1] > 1.5 * run[np.pi / 2][0]


def test_a_field_of_brush_strokes_leads_the_cracks():
    along = np.zeros((300, 300), np.float32)
    along[:, 150:] = np.pi / 2
    net = network(rng(2), 300, 300, Craquelure("grain", cell=20, bend=0.05), along)
    middle = (net.starts + net.ends)[:, 0] / 2
    run = np.abs(net.ends - net.starts)
    left, right = run[(middle > 0) & (middle < 120)], run[(middle > 180) & (middle < 300)]
    assert left[:, 0].sum() > left[:, 1].sum()
    assert right[:, 1].sum() > right[:, 0].sum()


def test_the_pieces_of_a_fracture_cover_the_layer_once():
    layer = divide(rng(), np.zeros((200, 300), np.float32), cell=30)
    areas = [abs(cv2.contourArea(np.array(piece, np.float32))) for piece in layer.pieces]
    assert sum(areas) == pytest.approx((200 + 30) * (300 + 30), rel=1e-4)
    assert len(layer.pieces) == len(layer.starts) + 1


def test_later_cracks_start_at_older_ones():
    layer = divide(rng(3), np.zeros((200, 200), np.float32), cell=40)
    assert layer.ages[0] == 0
    assert layer.ages.max() == 1
    first = np.hypot(*(layer.ends - layer.starts).T)
    assert first[layer.ages < 0.3].mean() > 2 * first[layer.ages > 0.8].mean()


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8])
def test_a_line_is_as_wide_as_asked_for(width):
    points = np.array([[20, 30], [80, 30]], np.float32)
    mask = draw_curves((60, 100), [(points, np.full(2, width, np.float32))])
    assert mask[:, 50].sum() == width


def test_what_is_thinner_than_half_a_pixel_is_not_drawn():
    points = np.array([[2, 3], [8, 3]], np.float32)
    assert not draw_curves((10, 10), [(points, np.full(2, 0.4, np.float32))]).any()
