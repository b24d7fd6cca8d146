import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.tiling import complete_tiled

SIDE = 32


def mean_of_known(image, mask):
    """A stand-in for a network: every hole gets the mean of what its tile knows."""
    assert image.shape[-2:] == mask.shape[-2:] == (SIDE, SIDE)
    known = (1 - mask).sum((2, 3), keepdim=True).clamp_min(1)
    mean = (image * (1 - mask)).sum((2, 3), keepdim=True) / known
    return mean.expand_as(image)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 100),
    width=st.integers(1, 100),
    seed=st.integers(0, 1000),
    share=st.floats(0.02, 0.98),
)
@example(height=1, width=84, seed=0, share=0.875)
def test_a_plain_picture_is_filled_plainly_at_any_size(height, width, seed, share):
    generator = torch.Generator().manual_seed(seed)
    holes = (torch.rand(2, 1, height, width, generator=generator) < share).float()
    holes[..., 0, 0] = 0
    image = torch.full((2, 3, height, width), 0.3) * (1 - holes)
    filled = complete_tiled(mean_of_known, image, holes, SIDE)
    assert filled.shape == image.shape
    inside = filled[holes.expand_as(filled) != 0]
    torch.testing.assert_close(inside, torch.full_like(inside, 0.3), atol=1e-4, rtol=0)


def test_tiles_without_damage_are_not_computed():
    seen = []

    def counting(image, mask):
        seen.append(len(image))
        return mean_of_known(image, mask)

    image, holes = torch.rand(1, 3, 256, 256), torch.zeros(1, 1, 256, 256)
    holes[..., 4:8, 4:8] = 1
    complete_tiled(counting, image, holes, SIDE)
    assert sum(seen) == 1


def test_the_middle_of_a_hole_larger_than_a_tile_gets_the_colour_around_it():
    image = torch.full((1, 3, 128, 128), 0.6)
    holes = torch.zeros(1, 1, 128, 128)
    holes[..., 16:112, 16:112] = 1
    filled = complete_tiled(mean_of_known, image * (1 - holes), holes, SIDE)
    torch.testing.assert_close(filled, image, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [(20, 70), (70, 20), (33, 33)])
def test_overlapping_tiles_fade_without_a_step(size):
    def ramp(image, mask):
        return mask * torch.rand(len(image), 1, 1, 1, generator=torch.Generator().manual_seed(1))

    holes = torch.zeros(1, 1, *size)
    holes[..., ::2] = 1
    filled = complete_tiled(ramp, torch.zeros(1, 3, *size), holes, SIDE)[0, 0]
    along, across = filled[:, ::2].diff(dim=0), filled[:, ::2].diff(dim=1)
    # between two pixels a raised cosine over 32 of them changes by less than a tenth
    assert float(along.abs().max()) < 0.16
    assert float(across.abs().max()) < 0.25


def test_items_of_a_batch_do_not_matter_to_each_other():
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(3, 3, 70, 50, generator=generator)
    holes = (torch.rand(3, 1, 70, 50, generator=generator) < 0.4).float()
    image = image * (1 - holes)
    together = complete_tiled(mean_of_known, image, holes, SIDE)
    alone = [
        complete_tiled(mean_of_known, i, m, SIDE)
        for i, m in zip(image.split(1), holes.split(1), strict=True)
    ]
    torch.testing.assert_close(together, torch.cat(alone))
