import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2gray
from skimage.feature import canny

from models.networks.canny import canny_edges, luminance


def halves(height=32, width=32):
    """Dark on the left, bright on the right."""
    image = torch.full((1, 3, height, width), 0.1)
    image[..., width // 2 :] = 0.9
    return image


def test_an_outline_is_found_where_it_is():
    edges = canny_edges(halves(), torch.zeros(1, 1, 32, 32))
    assert edges.shape == (1, 1, 32, 32)
    assert edges.dtype == torch.float32
    assert set(edges.unique().tolist()) == {0, 1}
    columns = edges[0, 0, 2:-2].nonzero()[:, 1].unique().tolist()
    assert set(columns) <= {15, 16}
    assert columns


def test_a_hole_gives_no_edges_of_its_own():
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:20, 8:20] = 1
    emptied = torch.full((1, 3, 32, 32), 0.8) * (1 - mask)
    assert not canny_edges(emptied, mask).any()
    assert canny_edges(emptied, torch.zeros_like(mask)).any()  # it would, were it not masked


def test_an_outline_stops_short_of_a_hole():
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 10:20, :] = 1
    rows = canny_edges(halves(), mask)[0, 0].any(1)
    assert not rows[9:21].any()
    assert rows[4]
    assert rows[26]


def test_equals_the_published_preparation_of_pictures():
    generator = torch.Generator().manual_seed(0)
    image = torch.nn.functional.interpolate(
        torch.rand(2, 3, 6, 6, generator=generator), (48, 40), mode="nearest"
    )
    mask = torch.zeros(2, 1, 48, 40)
    mask[1, :, 5:20, 5:20] = 1
    edges = canny_edges(image, mask).numpy()
    assert edges.any()
    for found, picture, hole in zip(edges, image, mask, strict=True):
        grey = rgb2gray(picture.permute(1, 2, 0).double().numpy())
        expected = canny(grey, sigma=2, mask=(1 - hole[0].numpy()).astype(bool))
        np.testing.assert_array_equal(found[0], expected)


def test_a_wider_smoothing_finds_less():
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    mask = torch.zeros(1, 1, 40, 40)
    assert canny_edges(image, mask, 1.0).sum() > canny_edges(image, mask, 4.0).sum()


@settings(max_examples=30, deadline=None)
@given(height=st.integers(1, 24), width=st.integers(1, 24), seed=st.integers(0, 999))
def test_any_size_goes_and_what_lies_under_the_mask_does_not_matter(height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(2, 3, height, width, generator=generator)
    other = torch.rand(2, 3, height, width, generator=generator)
    mask = (torch.rand(2, 1, height, width, generator=generator) < 0.1).float()
    edges = canny_edges(image, mask, 1.0)
    assert torch.equal(canny_edges(torch.where(mask > 0, other, image), mask, 1.0), edges)
    assert not (edges * mask).any()


def test_no_gradient_flows_and_the_picture_is_left_alone():
    image = halves().requires_grad_()
    before = image.detach().clone()
    assert not canny_edges(image, torch.zeros(1, 1, 32, 32)).requires_grad
    assert torch.equal(image.detach(), before)


def test_luminance_weighs_colours():
    colours = torch.eye(3).reshape(3, 3, 1, 1)
    torch.testing.assert_close(luminance(colours).flatten(), torch.tensor([0.2125, 0.7154, 0.0721]))
