"""Storage: reasons instead of numbers, and files that are whole or absent."""

from __future__ import annotations

import errno
import os

import pytest

from heritage.errors import StorageFailed
from heritage.restore.storage import REASONS, require_space, storage, write_atomically


@pytest.mark.parametrize("number", sorted(REASONS))
def test_every_fault_of_the_system_becomes_a_sentence(tmp_path, number):
    with pytest.raises(StorageFailed) as failed, storage(tmp_path):
        raise OSError(number, os.strerror(number))
    assert failed.value.reason == REASONS[number]
    assert failed.value.path == tmp_path


def test_the_file_that_failed_is_the_one_named(tmp_path):
    with pytest.raises(StorageFailed, match=r"gone\.tif: does not exist"), storage(tmp_path):
        (tmp_path / "gone.tif").open()
    with pytest.raises(StorageFailed, match="out of order"), storage(tmp_path):
        raise OSError("out of order")


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    write_atomically(path, b"one")

    def full(_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        write_atomically(path, b"two")
    assert path.read_bytes() == b"one"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.json"]


def test_missing_space_is_told_before_anything_starts(tmp_path):
    require_space(tmp_path, 1)
    with pytest.raises(StorageFailed, match=r"free .* or choose another"):
        require_space(tmp_path, 1 << 60)
