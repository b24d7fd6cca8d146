"""Hashes are those of what is there."""

import hashlib
import os
from pathlib import Path

import pytest

from heritage.errors import StorageFailed
from heritage.tiff import fixity
from heritage.tiff.fixity import sha256_file, write_all


@pytest.mark.parametrize("size", [0, 1, fixity.PIECE + 5])
def test_a_hash_is_that_of_the_whole_file(tmp_path: Path, size: int) -> None:
    data = (os.urandom(1024) * (size // 1024 + 1))[:size]
    (tmp_path / "a").write_bytes(data)
    assert sha256_file(tmp_path / "a") == hashlib.sha256(data).hexdigest()


def test_a_missing_file_is_storage_that_failed(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        sha256_file(tmp_path / "nowhere")


def test_all_is_written_though_the_system_takes_it_in_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: whole(fd, data[:3], at))
    with (tmp_path / "a").open("w+b") as file:
        write_all(file.fileno(), b"0123456789", 2)
    assert (tmp_path / "a").read_bytes() == b"\0\0" + b"0123456789"
