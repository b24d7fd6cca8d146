"""Checksums against published values and against the plain definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.importing.reading import crc32c as module
from models.importing.reading.crc32c import crc32c, masked


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # RFC 3720, appendix B.4, as the next two
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_published_checksums_are_found(data, expected):
    assert crc32c(data) == expected


@given(st.binary(max_size=200), st.integers(1, 16))
def test_lanes_change_nothing(data, lanes):
    def bitwise() -> int:
        register = 0xFFFFFFFF
        for byte in data:
            register ^= byte
            for _ in range(8):
                register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
        return register ^ 0xFFFFFFFF

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_LANES", lanes)
        assert crc32c(data) == bitwise()


def test_a_mask_rotates_and_adds():
    assert masked(0) == 0xA282EAD8
    assert masked(1 << 15) == 0xA282EAD9
    assert masked(0xFFFFFFFF) == 0xA282EAD7
