"""Patches: whole or not there, and only of this job."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.restore.grain import Grain
from heritage.restore.patches import Patch, PatchFolder

BATCHES = ((1, 2), (3,))


def patch(seed=0):
    random = np.random.default_rng(seed)
    grain = Grain(random.random((3, 3)), random.random((3, 3)), 0.5, 400)
    marks = random.integers(0, 3, 40, np.uint8)
    return Patch(random.random((40, 3), np.float32), marks, grain)


def folder(path, signature="job"):
    return PatchFolder(path, BATCHES, signature, cache=1000)


def test_what_was_written_is_read_back(tmp_path):
    folder(tmp_path).write(0, {1: patch(1), 2: replace(patch(2), grain=None)}, "cpu")
    again = folder(tmp_path)
    assert again.device(0) == "cpu"
    assert again.device(1) is None
    for _ in range(2):
        assert np.array_equal(again.read(1).values, patch(1).values)
        assert np.array_equal(again.read(2).values, patch(2).values)
        assert np.array_equal(again.read(2).marks, patch(2).marks)
    assert np.array_equal(again.read(1).grain.around, patch(1).grain.around)
    assert again.read(2).grain is None
    assert [entry.name for entry in tmp_path.iterdir()] == ["000000.patches"], "no .part is left"


def test_grain_is_found_for_every_window_that_has_it(tmp_path):
    patches = folder(tmp_path)
    patches.write(0, {1: patch(1), 2: replace(patch(2), grain=None)}, "cpu")
    patches.write(1, {3: patch(3)}, "cpu")
    assert sorted(patches.grains()) == [1, 3]
    assert patches.grains()[3].weight == 400


def test_patches_of_another_job_do_not_count(tmp_path):
    folder(tmp_path).write(0, {1: patch(), 2: patch()}, "cpu")
    assert folder(tmp_path, "another").device(0) is None
    folder(tmp_path).write(0, {1: patch()}, "cpu")
    assert folder(tmp_path).device(0) is None, "a batch without one of its windows is none"


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_torn_or_rotten_file_is_never_taken_for_a_finished_batch(tmp_path_factory, data):
    place = tmp_path_factory.mktemp("patches")
    patches = folder(place)
    patches.write(1, {3: patch()}, "cpu")
    whole = patches.file(1).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        patches.file(1).write_bytes(whole[:at])
        assert patches.device(1) is None
        return
    rotten = bytearray(whole)
    rotten[at] ^= 1 << data.draw(st.integers(0, 7))
    patches.file(1).write_bytes(rotten)
    assert patches.device(1) is None


def test_no_flipped_bit_in_the_head_is_more_than_an_unfinished_batch(tmp_path):
    patches = folder(tmp_path)
    patches.write(1, {3: patch()}, "cpu")
    whole = patches.file(1).read_bytes()
    for at in range(100):
        for bit in range(8):
            rotten = bytearray(whole)
            rotten[at] ^= 1 << bit
            patches.file(1).write_bytes(rotten)
            assert patches.device(1) is None
            with pytest.raises(OSError, match="damaged"):
                folder(tmp_path).read(3)


def test_whole_windows_of_coarser_scales_are_kept_in_their_shape(tmp_path):
    random = np.random.default_rng(0)
    window = Patch(random.random((7, 5, 3), np.float32), random.integers(0, 2, (7, 5), np.uint8))
    folder(tmp_path).write(1, {3: window}, "cpu")
    again = folder(tmp_path).read(3)
    assert np.array_equal(again.values, window.values)
    assert np.array_equal(again.marks, window.marks)


def test_a_window_without_damaged_pixels_of_its_own_is_kept_too(tmp_path):
    empty = Patch(np.zeros((0, 3), np.float32), np.zeros(0, np.uint8))
    folder(tmp_path).write(0, {1: empty, 2: patch()}, "cpu")
    assert folder(tmp_path).device(0) == "cpu"
    assert folder(tmp_path).read(1).values.shape == (0, 3)


def test_a_patch_that_rots_while_it_is_needed_is_a_fault_of_the_disk(tmp_path):
    patches = folder(tmp_path)
    patches.write(1, {3: patch()}, "cpu")
    patches.file(1).write_bytes(b"not a patch")
    with pytest.raises(OSError, match="damaged"):
        patches.read(3)
