import pytest
import torch

from heritage.train.variety import answer_variety, fine, pattern_variety


@pytest.fixture
def truth():
    return torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def mask():
    made = torch.zeros(64, 64)
    made[10:40, 20:50] = 1
    return made


def other(seed, like):
    return torch.rand(like.shape, generator=torch.Generator().manual_seed(seed))


def test_fills_that_are_right_vary_as_pictures_do(truth, mask):
    assert pattern_variety(truth, truth, mask) == pytest.approx(1)
    assert pattern_variety(other(2, truth), truth, mask) == pytest.approx(1, abs=0.05)


def test_soft_fills_are_not_taken_for_repeated_ones(truth, mask):
    assert pattern_variety(0.5 + 0.01 * (truth - 0.5), truth, mask) > 0.9


def test_one_pattern_everywhere_has_no_variety_whatever_its_colour(truth, mask):
    pattern = other(3, truth[:1])
    colours = other(4, truth[..., :1, :1])
    assert pattern_variety(0.3 * pattern + 0.7 * colours, truth, mask) < 0.05


def test_only_the_hole_counts(truth, mask):
    pattern = other(3, truth[:1]).expand_as(truth)
    assert pattern_variety(torch.where(mask > 0, truth, pattern), truth, mask) > 0.8


def test_what_is_fine_sums_to_nothing_on_flat_pictures():
    assert fine(torch.full((1, 3, 32, 32), 0.7)).abs().max() < 1e-5


def test_answers_that_are_all_the_same_have_no_variety(truth, mask):
    assert answer_variety(truth[:1].expand(4, -1, -1, -1), truth, mask) < 1e-3
    assert answer_variety(other(5, truth)[:4], truth, mask) == pytest.approx(1, abs=0.05)
