"""Padding for networks that halve their windows."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.padding import pad_to_multiple


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    multiple=st.sampled_from([1, 8, 32]),
    least=st.sampled_from([1, 16, 50]),
)
def test_any_size_grows_to_a_multiple_and_keeps_its_own_pixels(height, width, multiple, least):
    image = torch.rand(2, 3, height, width)
    padded = pad_to_multiple(image, multiple, least)
    assert all(side % multiple == 0 and side >= least for side in padded.shape[2:])
    assert padded.shape[2] < max(height, least) + multiple
    assert torch.equal(padded[..., :height, :width], image)


def test_the_margin_is_the_mirror_image():
    row = torch.arange(5.0).view(1, 1, 1, 5)
    assert pad_to_multiple(row, 8)[0, 0, 0].tolist() == [0, 1, 2, 3, 4, 3, 2, 1]
