import numpy as np
import pytest

from heritage.train.detection.scoring import Count, count, near, thinned


def line(row, start=0, stop=40):
    made = np.zeros((40, 40), bool)
    made[row, start:stop] = True
    return made


def test_two_pixels_beside_it_is_found_three_is_not():
    assert count(line(12), line(10)).f1 == 1
    assert count(line(13), line(10)).f1 == 0


def test_half_of_a_line_has_half_the_recall():
    found = count(line(10, 0, 20), line(10))
    assert found.precision == 1
    assert found.recall == pytest.approx(22 / 40)


def test_what_is_ignored_counts_neither_way():
    ignored = np.zeros((40, 40), bool)
    ignored[20:] = True
    found = line(10) | line(30)
    assert count(found, line(10), ignored) == count(line(10), line(10))
    assert count(line(10), line(10) | line(30), ignored).recall == 1


def test_counts_add_up_over_pictures():
    both = count(line(10), line(10)) + count(line(20), line(30))
    assert both == Count(80, 40, 80, 40)
    assert both.f1 == 0.5


def test_near_is_a_disc():
    spot = np.zeros((9, 9), bool)
    spot[4, 4] = True
    grown = near(spot)
    assert grown[4, 6]
    assert not grown[2, 2]


def test_a_thick_line_is_thinned_to_its_middle():
    thick = np.zeros((40, 40), bool)
    thick[8:15, 2:38] = True
    thin = thinned(thick)
    assert thin[11, 10:30].all()
    assert thin.sum() < 45
