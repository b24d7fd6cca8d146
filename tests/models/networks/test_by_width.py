"""Lines go to one network, what is wider to the other, and each pixel to exactly one."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

import models
from models import InpainterCard
from models.classical.detail import NONE, Detail
from models.networks.by_width import ByWidth, WidthInpainter, config_of, wide_part
from models.testing import CONFIGS, tiny_network, write_tiny

CARD = InpainterCard("x", "gan", "test", architecture="by-width")


def line(width, side=64):
    mask = torch.zeros(1, 1, side, side)
    mask[..., 20 : 20 + width, 5 : side - 5] = 1
    return mask


@pytest.mark.parametrize(("width", "wide"), [(1, False), (6, False), (7, True), (12, True)])
def test_a_line_is_thin_up_to_twice_the_radius(width, wide):
    assert bool(wide_part(line(width), 3).any()) is wide


def test_a_crack_that_leaves_a_loss_is_divided_where_it_leaves_it():
    mask = line(2)
    mask[..., 10:34, 20:44] = 1
    wide = wide_part(mask, 3)
    assert wide[..., 21, 30] == 1
    assert not wide[..., 20:22, 48:].any()
    assert torch.equal(wide, wide * mask)


def test_at_the_edge_of_the_picture_a_mask_is_taken_to_go_on():
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :4, :] = 1  # perhaps the edge of a larger loss
    assert torch.equal(wide_part(mask, 3), mask)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 30:34, :] = 1  # certainly a line
    assert not wide_part(mask, 3).any()


@given(seed=st.integers(0, 1000), radius=st.integers(1, 5))
def test_opening_twice_is_opening_once(seed, radius):
    noise = torch.rand(1, 1, 40, 30, generator=torch.Generator().manual_seed(seed))
    mask = (torch.nn.functional.avg_pool2d(noise, 5, 1, 2) > 0.48).float()
    once = wide_part(mask, radius)
    assert torch.all(once <= mask)
    inner = slice(3 * radius, -3 * radius)  # at the edge "it goes on" may change its meaning
    assert torch.equal(wide_part(once, radius)[..., inner, inner], once[..., inner, inner])


def filler(detail=None):
    network = tiny_network("by-width")
    assert network.detail == NONE
    network.detail = detail or network.detail
    return WidthInpainter(network, CARD, "cpu", "float32"), network


def test_a_mask_of_lines_is_the_thin_network_s_alone():
    fill, network = filler()
    image = torch.rand(1, 3, 64, 64)
    hollow = image * (1 - line(3))
    expected = network.thin.complete(hollow, line(3)).clamp(0, 1)
    made = fill(image, line(3))
    assert torch.allclose(made, torch.where(line(3) > 0, expected, image), atol=1e-6)


def test_without_copied_detail_it_is_the_network_s_own_picture():
    fill, network = filler()
    image = torch.rand(1, 3, 64, 64) * 0.2 + 0.4
    mask = line(2)
    mask[..., 10:34, 20:44] = 1
    expected = network.complete(image * (1 - mask), mask)
    assert torch.allclose(fill(image, mask), torch.where(mask > 0, expected, image), atol=1e-5)


def test_copied_detail_goes_into_what_is_wide_and_nowhere_else():
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 0.2 + 0.4
    mask = line(2)
    mask[..., 10:34, 20:44] = 1
    plain, detailed = (filler(detail)[0](image, mask) for detail in (None, Detail(1.0, 1.0, 0.0)))
    changed = (plain != detailed).any(1, keepdim=True)
    wide = wide_part(mask, 3) > 0
    assert changed[wide].float().mean() > 0.5
    assert not changed[mask == 0].any()


def test_a_window_s_fill_does_not_depend_on_its_neighbours_in_the_batch():
    # Without copied detail: a search among patches takes rounding for a difference.
    fill, _ = filler()
    image = torch.rand(3, 3, 64, 64)
    wide = line(2)
    wide[..., 10:34, 20:44] = 1
    masks = torch.cat([line(2), wide, line(9)])
    together = fill(image, masks)
    for number in range(3):
        alone = fill(image[number : number + 1], masks[number : number + 1])
        assert torch.allclose(together[number], alone[0], atol=1e-5)


def test_it_is_loaded_by_name_and_its_size_told_from_its_tensors(tmp_path):
    network = write_tiny(tmp_path, "by-width")
    assert isinstance(models.load("tiny", device="cpu", folder=tmp_path), WidthInpainter)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = config_of(shapes)
    assert found is not None
    ByWidth(**found).load_state_dict(network.state_dict(), strict=True)
    assert config_of({k: v for k, v in shapes.items() if k.startswith("thin.")}) is None
    assert CONFIGS["by-width"]["thin"]["width"] == found["thin"]["width"]
