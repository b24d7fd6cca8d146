import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.sizes import UNITS, parse_size, show_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2 GiB", 2 << 30),
        ("2gib", 2 << 30),
        ("2G", 2 << 30),
        ("512MB", 512_000_000),
        ("1.5 KiB", 1536),
        ("  100  ", 100),
        (4096, 4096),
    ],
)
def test_amounts_are_read_as_people_write_them(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["lots", "2 GiBs", "-1 GiB", "", "1e9", "2,5 GiB", "GiB"])
def test_what_is_no_amount_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="such as '2 GiB'"):
        parse_size(text)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**45))
def test_what_is_shown_reads_back_as_nearly_the_same(size):
    assert abs(parse_size(show_size(size)) - size) <= size / 1000


@given(st.integers(1, 1000), st.sampled_from(sorted(UNITS)))
def test_units_are_multiples_of_bytes(number, unit):
    assert parse_size(f"{number} {unit}") == number * UNITS[unit]
