import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.prefill import prefill


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31), st.floats(0, 1))
def test_known_pixels_stay_and_filled_ones_lie_between_them(height, width, seed, share):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(2, 3, height, width, generator=generator)
    mask = (torch.rand(2, 1, height, width, generator=generator) < share).float()
    filled = prefill(image, mask)
    known = (mask == 0).expand_as(image)
    assert torch.equal(filled[known], image[known])
    for item in range(2):
        if known[item].any() and not known[item].all():
            low, high = image[item][known[item]].aminmax()
            assert filled[item].min() >= low - 1e-4
            assert filled[item].max() <= high + 1e-4


def test_nothing_known_gives_mid_grey():
    assert torch.equal(
        prefill(torch.rand(1, 3, 9, 7), torch.ones(1, 1, 9, 7)), torch.full((1, 3, 9, 7), 0.5)
    )


def test_what_lies_under_the_mask_is_ignored():
    image, mask = torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
    mask[..., 8:20, 8:20] = 1
    other = torch.where(mask != 0, torch.full_like(image, torch.nan), image)
    assert torch.equal(prefill(image, mask), prefill(other, mask))


def test_a_ramp_is_continued_through_a_narrow_hole():
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64).clone()
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 30:34] = 1
    assert (prefill(ramp, mask) - ramp).abs().max() < 0.01


def test_autocast_does_not_make_it_coarse():
    torch.manual_seed(0)
    image = torch.rand(1, 3, 40, 50)
    mask = (torch.rand(1, 1, 40, 50) < 0.5).float()
    with torch.autocast("cpu", torch.bfloat16):
        coarse = prefill(image, mask)
    assert torch.equal(coarse, prefill(image, mask))
