import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.networks.centre_windows import CentreWindows, Target

LAYOUT = CentreWindows(side=16, core=8, feather=2)
QUICK = settings(max_examples=40, deadline=None)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


def some_holes(count, height, width, seed, share=0.02):
    generator = torch.Generator().manual_seed(seed)
    holes = torch.rand(count, 1, height, width, generator=generator) < share
    holes[0, 0, seed % height, seed % width] = True
    return holes


@QUICK
@given(size=sizes, seed=st.integers(0, 999))
def test_every_damaged_pixel_lies_in_a_core_and_every_core_has_one(size, seed):
    holes = some_holes(2, *size, seed)
    covered = torch.zeros_like(holes)
    for target in LAYOUT.targets(holes):
        rows = slice(max(0, target.y), target.y + LAYOUT.core)
        columns = slice(max(0, target.x), target.x + LAYOUT.core)
        assert holes[target.item, 0, rows, columns].any()
        covered[target.item, 0, rows, columns] = True
    assert not (holes & ~covered).any()


@QUICK
@given(size=sizes, seed=st.integers(0, 999))
def test_cores_cut_from_a_picture_blend_into_that_picture(size, seed):
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(seed))
    targets = LAYOUT.targets(some_holes(2, *size, seed, share=0.3))
    windows = LAYOUT.cut(image, targets)
    rim = LAYOUT.margin
    blended = LAYOUT.blend(image, targets, windows[..., rim:-rim, rim:-rim])
    torch.testing.assert_close(blended, image)


@pytest.mark.parametrize("size", [(12, 15), (3, 2), (1, 9)])
def test_windows_are_mirrored_at_the_borders_of_the_picture(size):
    image = torch.arange(size[0] * size[1] * 1.0).reshape(1, 1, *size)
    window = LAYOUT.cut(image, [Target(0, -2, 1)])[0, 0]
    rim = LAYOUT.margin + 2
    expected = np.pad(image[0, 0].numpy(), 40, mode="reflect")[40 - rim :, 40 + 1 - rim + 2 :]
    np.testing.assert_array_equal(window.numpy(), expected[:16, :16])


def test_neighbouring_cores_fade_into_each_other():
    holes = torch.ones(1, 1, 8, 14, dtype=torch.bool)
    targets = LAYOUT.targets(holes)
    assert targets == [Target(0, 0, 0), Target(0, 0, 6)]
    cores = torch.stack([torch.zeros(1, 8, 8), torch.ones(1, 8, 8)])
    row = LAYOUT.blend(torch.zeros(1, 1, 8, 14), targets, cores)[0, 0, 4]
    torch.testing.assert_close(row, torch.tensor([0.0] * 6 + [0.25, 0.75] + [1.0] * 6))


def test_a_fade_is_never_zero_and_one_in_the_middle():
    fade = LAYOUT.fade()
    assert float(fade.min()) > 0
    assert bool((fade[2:-2, 2:-2] == 1).all())
    assert torch.equal(fade, fade.flip(0))
    assert torch.equal(fade, fade.T)


def test_nothing_damaged_means_no_window():
    assert LAYOUT.targets(torch.zeros(2, 1, 30, 30, dtype=torch.bool)) == []


@pytest.mark.parametrize(("core", "feather"), [(18, 2), (7, 2), (8, 8), (8, -1)])
def test_a_core_that_does_not_fit_is_refused(core, feather):
    with pytest.raises(ValueError, match="core"):
        CentreWindows(16, core, feather)
