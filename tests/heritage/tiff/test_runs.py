"""Decoding ahead: never much in vain, never another strip's fault."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from heritage.errors import MasterRefused
from heritage.geometry import Box
from heritage.tiff import open_master
from heritage.tiff.runs import KEPT_BYTES, RUN_BYTES, STREAMS, Runs


def ask(runs: Runs, segment: int) -> int:
    """Ask for one as a decoder does; how many are decoded for it."""
    if runs.take(segment) is not None:
        return 0
    run = [segment, *runs.following(segment)]
    runs.keep(segment, [np.full(1, number) for number in run])
    return len(run)


@given(
    st.integers(1, 1 << 21),
    st.integers(1, 500),
    st.lists(st.integers(0, 499), max_size=300),
)
def test_at_most_twice_as_many_are_decoded_as_were_asked_for(
    room: int, segments: int, asked: list[int]
) -> None:
    runs = Runs(room, segments)
    decoded = [ask(runs, segment % segments) for segment in asked]
    assert sum(decoded) <= 2 * len(asked)
    assert max(decoded, default=1) <= max(1, RUN_BYTES // room)
    assert len(runs._ready) <= max(1, KEPT_BYTES // room)
    assert len(runs._expected) <= STREAMS


@given(st.integers(1, 5000))
def test_one_after_the_other_needs_few_questions(segments: int) -> None:
    runs = Runs(64, segments)
    decoded = [ask(runs, segment) for segment in range(segments)]
    assert sum(decoded) == segments
    assert sum(bool(count) for count in decoded) <= segments.bit_length()


def test_each_is_given_as_itself() -> None:
    runs = Runs(64, 100)
    for segment in range(100):
        ready = runs.take(segment)
        assert ready is None or ready.tolist() == [segment]
        if ready is None:
            ask(runs, segment)


@pytest.mark.parametrize("order", ["forth", "back", "to and fro"])
def test_strips_of_one_row_are_read_right_in_any_order(
    recipe: Any, tmp_path: Path, order: str
) -> None:
    path = tmp_path / "m.tif"
    whole = recipe(height=300, rows=1, compression="lzw").write(path)
    rows = {
        "forth": range(300),
        "back": range(299, -1, -1),
        "to and fro": [*range(100), *range(50, 300), *range(10)],
    }[order]
    with open_master(path, cache_bytes=0) as master:
        for row in rows:
            assert np.array_equal(master.read(Box(row, 0, row + 1, 50))[0], whole[row])


def test_a_damaged_strip_of_a_run_is_the_only_one_refused(recipe: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.tif"
    whole = recipe(height=100, rows=1, compression="deflate").write(path)
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].dataoffsets[40]
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 8)
    refused = []
    with open_master(path, cache_bytes=0) as master:
        for row in range(100):
            try:
                pixels = master.read(Box(row, 0, row + 1, 50))
            except MasterRefused as error:
                refused.append((row, "strip 41 of 100" in str(error)))
            else:
                assert np.array_equal(pixels[0], whole[row])
    assert refused == [(40, True)]
