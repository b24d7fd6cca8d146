import time
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import heritage.tiff as tiff
from heritage.errors import HeritageError, MasterRefused
from heritage.remote import ranged
from heritage.remote.faults import NoRanges, NotThere, RemoteFailed
from heritage.remote.look import inspect_remote
from heritage.remote.testing import RangeServer


def test_it_says_the_same_as_of_a_local_file_from_a_fraction_of_the_bytes(
    server: RangeServer, scans
) -> None:
    here = tiff.inspect(scans / "mill.tif")
    far = inspect_remote(f"{server.url}/mill.tif")
    *notes, last = far.notes
    assert replace(far, path=here.path, notes=tuple(notes), rewritable=here.rewritable) == here
    assert "pixels were not decoded" in last
    assert server.sent < here.bytes / 5
    assert far.path.name == "mill.tif"


def test_directories_at_the_end_and_far_apart_are_found(server: RangeServer, scans) -> None:
    with tifffile.TiffWriter(scans / "pages.tif") as file:
        for side in (256, 64, 128):
            picture = np.random.default_rng(side).integers(0, 255, (side, side), np.uint8)
            file.write(picture, description="x" * 70_000, metadata=None)
    assert inspect_remote(f"{server.url}/pages.tif").pages == 3
    assert inspect_remote(f"{server.url}/pages.tif", 2).width == 128
    with pytest.raises(MasterRefused, match="no page 10"):
        inspect_remote(f"{server.url}/pages.tif", 9)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"Dear Sir", "not a TIFF"), (b"", "empty"), (b"II*\0\xff\xff\xff\0", "cut off")],
)
def test_what_is_no_master_is_refused_before_it_travels(
    server: RangeServer, scans, data: bytes, reason: str
) -> None:
    (scans / "x.tif").write_bytes(data + bytes(1_000_000 if data else 0))
    with pytest.raises(MasterRefused, match=reason):
        inspect_remote(f"{server.url}/x.tif")
    assert server.sent < 300_000


def test_a_server_without_ranges_is_told_apart(server: RangeServer) -> None:
    server.behaviour.ranges = False
    with pytest.raises(NoRanges, match="fetch it whole and look at the copy"):
        inspect_remote(f"{server.url}/mill.tif")


def test_a_structure_that_is_too_large_is_left_alone(server: RangeServer, monkeypatch) -> None:
    monkeypatch.setattr(ranged, "BUDGET", 1000)
    with pytest.raises(RemoteFailed, match="fetch it to look at it"):
        inspect_remote(f"{server.url}/mill.tif")


def test_what_is_not_there_is_not_there(server: RangeServer) -> None:
    with pytest.raises(NotThere):
        inspect_remote(f"{server.url}/gone.tif")


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(at=st.integers(0, 700), byte=st.integers(0, 255))
def test_a_damaged_head_gives_an_answer_or_a_reason_in_time(
    server: RangeServer, scans, at: int, byte: int
) -> None:
    data = bytearray((scans / "mill.tif").read_bytes())
    data[at] = byte
    (scans / "bad.tif").write_bytes(data)
    began = time.monotonic()
    with suppress(HeritageError):
        inspect_remote(f"{server.url}/bad.tif")
    assert time.monotonic() - began < 20
