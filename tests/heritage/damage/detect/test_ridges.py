import numpy as np

from heritage.damage.detect.ridges import (
    UNIT,
    along_lines,
    confidence_of,
    evidence,
    grey_of,
    hats,
    level,
)


def surface(height=120, width=140):
    rng = np.random.default_rng(2)
    return rng.integers(140, 160, (height, width), np.uint8)


def test_hats_see_what_is_thinner_than_they_are():
    grey = surface()
    grey[40:43] = 60
    grey[80:100] = 60
    dark = hats(grey, (5, 9), dark=True)
    assert dark[41].min() > 70
    assert dark[85:95].max() < 25
    assert hats(255 - grey, (5, 9), dark=False)[41].min() > 70


def test_evidence_needs_more_where_there_is_more_texture():
    line = surface()
    line[60:62] = 90
    rough = line.copy()
    for row in range(46, 75, 4):  # other dark lines around it
        if row not in (58, 62):
            rough[row] = 60
    plain, busy = (evidence(hats(g, (5,), dark=True), 24, 1.3) for g in (line, rough))
    assert np.median(plain[60]) > UNIT
    assert np.median(busy[60]) < 0.8 * np.median(plain[60])


def test_only_what_is_drawn_out_remains_and_its_direction_is_known():
    thin = np.zeros((100, 100), np.uint8)
    thin[50, 10:90] = 200
    thin[20:24, 20:24] = 200
    ways = along_lines(thin, 31, 12)
    best = np.maximum.reduce(ways)
    assert best[50, 30:70].min() == 200
    assert best[21, 21] == 0
    assert int(np.argmax([way[50, 50] for way in ways])) == 0
    assert ways[6][50, 50] == 0


def test_levels_are_means_and_confidence_is_a_half_at_one():
    assert level(np.full((40, 40), 10, np.uint8), 9)[20, 20] == 10
    sure = confidence_of(np.array([0, 0.5, 1, 2, 40], np.float32))
    assert sure[0] == 0
    assert sure[2] == 0.5
    assert (np.diff(sure) > 0).all()
    assert sure[-1] < 1


def test_grey_is_luma_in_bytes():
    red = np.zeros((4, 4, 3), np.float32)
    red[..., 0] = 1
    assert grey_of(red)[0, 0] == 76
