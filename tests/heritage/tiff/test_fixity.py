"""Copies are exact, and hashes are those of what was written."""

import hashlib
import os
from pathlib import Path

import pytest

from heritage.errors import StorageFailed
from heritage.tiff import fixity
from heritage.tiff.fixity import copy_and_hash, sha256_file


@pytest.mark.parametrize("size", [0, 1, fixity.PIECE - 1, fixity.PIECE, 2 * fixity.PIECE + 5])
@pytest.mark.parametrize("kernel", [True, False])
def test_a_copy_is_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, kernel: bool
) -> None:
    if not kernel:
        # As on systems that have no such call.
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    source, target = tmp_path / "a", tmp_path / "b"
    data = os.urandom(1024) * (size // 1024 + 1)
    source.write_bytes(data[:size])
    with source.open("rb") as one, target.open("w+b") as other:
        answer = copy_and_hash(one.fileno(), other.fileno())
    assert target.read_bytes() == data[:size]
    assert answer == hashlib.sha256(data[:size]).hexdigest() == sha256_file(source)


def test_a_missing_file_is_storage_that_failed(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        sha256_file(tmp_path / "nowhere")
