"""What counts as arrived, and what is made of it."""

import hashlib
import os
import time

import numpy as np
import pytest
import tifffile

from heritage.care import inbox
from heritage.care.custody import Custody
from heritage.care.inbox import admit, read_manifest, settled
from heritage.errors import BadSetting


@pytest.fixture
def master(tmp_path):
    path = tmp_path / "mill.tif"
    tifffile.imwrite(path, np.zeros((20, 20, 3), np.uint8), photometric="rgb")
    return path


@pytest.fixture
def custody(empty_url):
    with Custody(empty_url, "ann") as opened:
        yield opened


def test_a_file_that_grows_is_still_arriving(tmp_path, master):
    coming = tmp_path / "big.tif"
    coming.write_bytes(b"II*\0")

    def meanwhile(seconds):
        assert seconds == 9
        with coming.open("ab") as file:
            file.write(b"more")

    assert settled([master, coming], 9, meanwhile) == ([master], [coming])
    gone = tmp_path / "gone.tif"
    assert settled([gone], 0) == ([], [gone])


def test_files_are_recorded_once_and_refused_with_a_reason(custody, master, tmp_path):
    assert [admit(custody, master).status for _ in range(2)] == ["recorded", "known"]
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"no picture")
    refused = admit(custody, bad)
    assert refused.status == "refused"
    assert refused.reason
    assert [line.path for line in custody.refusals()] == [str(bad)]
    tifffile.imwrite(bad, np.ones((20, 20, 3), np.uint8), photometric="rgb")
    assert admit(custody, bad).status == "recorded"
    assert custody.refusals() == []


def test_what_is_known_is_not_read_again_until_it_is_written(custody, master, monkeypatch):
    admit(custody, master)
    read = []
    monkeypatch.setattr(inbox, "sha256_file", lambda path: read.append(path) or "f" * 64)
    assert admit(custody, master).status == "known"
    assert read == []
    later = time.time() + 60
    os.utime(master, (later, later))
    admit(custody, master)
    assert read == [master]


def test_a_list_of_checksums_is_believed_and_kept_to(custody, master, tmp_path):
    digest = hashlib.sha256(master.read_bytes()).hexdigest()
    listed = tmp_path / "manifest.txt"
    listed.write_text(f"{digest}  mill.tif\n{'a' * 64} *lost.tif\n")
    expected = read_manifest(listed)
    assert admit(custody, master, expected[master]).status == "recorded"
    assert "has not come" in admit(custody, tmp_path / "lost.tif", "a" * 64).reason
    assert "damaged on its way" in admit(custody, master, "b" * 64).reason


@pytest.mark.parametrize("line", ["nonsense", f"{'a' * 64}  ../x.tif", f"{'a' * 64}  /etc/x.tif"])
def test_a_list_that_is_none_is_refused(tmp_path, line):
    listed = tmp_path / "manifest.txt"
    listed.write_text(line)
    with pytest.raises(BadSetting, match="line 1"):
        read_manifest(listed)
