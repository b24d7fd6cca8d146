"""Equal bits, and nothing else, are equal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from heritage.tiff.codec import ends_properly, row_bytes, same_bits

pixels = arrays.arrays(
    st.sampled_from([np.uint8, np.int16, np.float16, np.float32, np.float64]),
    arrays.array_shapes(min_dims=3, max_dims=3, max_side=5),
)


@given(pixels)
def test_an_array_equals_its_copy_whatever_it_holds(one: np.ndarray) -> None:
    assert same_bits(one, one.copy())
    assert same_bits(one[:, ::-1], one[:, ::-1].copy())


@given(pixels, st.data())
def test_one_bit_makes_a_difference(one: np.ndarray, data: st.DataObject) -> None:
    other = one.copy()
    flat = other.view(np.uint8).reshape(-1)
    flat[data.draw(st.integers(0, flat.size - 1))] ^= 1
    assert not same_bits(one, other)


def test_zeros_and_not_a_numbers_are_told_apart() -> None:
    zero = np.zeros((1, 1, 1), np.float32)
    assert not same_bits(zero, -zero)
    nan = np.full((1, 1, 1), np.nan, np.float32)
    assert same_bits(nan, nan.copy())
    assert not same_bits(zero, zero.astype(np.float64))


@pytest.mark.parametrize(("bits", "values", "size"), [(1, 9, 2), (4, 3, 2), (12, 2, 3), (16, 3, 6)])
def test_rows_start_on_a_byte(bits: int, values: int, size: int) -> None:
    assert row_bytes(bits, values) == size


def test_a_jpeg_ends_with_its_marker() -> None:
    assert ends_properly(b"\xff\xd8....\xff\xd9\0\0")
    assert not ends_properly(b"\xff\xd8....")
    assert not ends_properly(b"\xff\xd8..\xff\xd9" + b"x" * 100)
