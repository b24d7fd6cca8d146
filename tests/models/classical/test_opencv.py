"""OpenCV's methods on the depth and at the borders where OpenCV needs help."""

import cv2
import pytest
import torch

import models


@pytest.mark.parametrize(
    ("name", "method"), [("telea", cv2.INPAINT_TELEA), ("navier-stokes", cv2.INPAINT_NS)]
)
def test_float_fills_agree_with_opencvs_eight_bits(name, method):
    ys, xs = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    levels = (128 + 60 * torch.sin(xs / 9) + 40 * torch.cos(ys / 7)).round()
    mask = torch.zeros(64, 64, dtype=torch.uint8)
    mask[20:40, 25:34] = 1
    image = levels.expand(1, 3, 64, 64) / 255
    ours = models.load(name)(image, mask[None, None])[0, 0] * 255
    theirs = torch.from_numpy(cv2.inpaint(levels.byte().numpy(), mask.numpy(), 3, method))
    assert float((ours - theirs.float()).abs().mean()) < 0.6  # grey levels, most of it rounding


@pytest.mark.parametrize("name", ["telea", "navier-stokes"])
def test_the_first_row_and_column_are_filled_too(name):
    image = torch.full((1, 3, 32, 32), 0.6)
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 0, :20] = 1
    mask[..., :20, 0] = 1
    mask[..., -1, 5:] = 1
    torch.testing.assert_close(models.load(name)(image, mask), image, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["telea", "navier-stokes"])
def test_what_is_cut_away_before_filling_does_not_matter(name):
    image = torch.rand(1, 3, 60, 60, generator=torch.Generator().manual_seed(5))
    mask = torch.zeros(1, 1, 60, 60)
    mask[..., 25:35, 22:31] = 1
    fill = models.load(name)
    whole = fill(image, mask)
    assert torch.equal(
        fill(image[..., 20:40, 17:36], mask[..., 20:40, 17:36]), whole[..., 20:40, 17:36]
    )
    far = torch.zeros_like(mask)
    far[..., 0, 0] = far[..., -1, -1] = 1  # these hand over everything
    again = fill(image, torch.maximum(mask, far))
    assert torch.equal(again[..., 25:35, 22:31], whole[..., 25:35, 22:31])
