import json
import shutil
from pathlib import Path

import pytest

from heritage.errors import OutputInTheWay
from heritage.remote.address import Address, parse_address
from heritage.remote.bucket import BucketStore
from heritage.remote.known import Verdict, judge, record_at, sha256_of_origin
from heritage.remote.store import Stamp
from heritage.restore.options import Options
from heritage.tiff.fixity import sha256_file


@pytest.fixture
def hashes(scans: Path) -> tuple[str, str]:
    return sha256_file(scans / "mill.tif"), sha256_file(scans / "mill.mask.tif")


def test_a_record_recognises_the_restoration_that_it_is_of(finished: Path, hashes) -> None:
    record = record_at(finished)
    master, mask = hashes
    assert judge(record, master, mask, "telea", Options()) is Verdict.SAME
    assert judge(record, None, mask, "telea", Options()) is Verdict.UNKNOWN
    assert judge(record, master, mask, "telea", Options(memory=1 << 30)) is Verdict.SAME


def test_and_no_other(finished: Path, hashes) -> None:
    record = record_at(finished)
    master, mask = hashes
    for asked in (
        ("0" * 64, mask, "telea", Options()),
        (master, "0" * 64, "telea", Options()),
        (master, mask, "biharmonic", Options()),
        (master, mask, "telea", Options(grain=False)),
        (None, mask, "biharmonic", Options()),
    ):
        assert judge(record, *asked) is Verdict.OTHER


def test_a_record_is_found_in_storage_too(finished: Path, bucket: Address) -> None:
    target = bucket.below("out", "mill")
    assert record_at(target) is None
    file = finished / "mill.provenance.json"
    BucketStore(target).put(file, target.below(file.name))
    assert record_at(target) == json.loads(file.read_bytes())


def test_what_is_no_record_is_in_the_way(finished: Path, bucket: Address, tmp_path: Path) -> None:
    target = bucket.below("out", "mill")
    letter = tmp_path / "letter"
    letter.write_text("Dear Sir")
    BucketStore(target).put(letter, target.below("mill.provenance.json"))
    with pytest.raises(OutputInTheWay):
        record_at(target)
    shutil.copy(letter, finished / "mill.provenance.json")
    with pytest.raises(OutputInTheWay):
        record_at(finished)


def test_the_masters_hash_is_believed_while_its_url_and_stamp_are_the_same() -> None:
    source, stamp = parse_address("https://host/mill.tif"), Stamp(7, "tag")
    said = {"url": str(source), "bytes": 7, "tag": "tag", "modified": None}
    record = {"master": {"sha256": "abc", "origin": said}}
    assert sha256_of_origin(record, source, stamp) == "abc"
    assert sha256_of_origin(record, source, Stamp(7, "other")) is None
    assert sha256_of_origin(record, source, Stamp(8, "tag")) is None
    assert sha256_of_origin(record, source.beside("x.tif"), stamp) is None
    assert sha256_of_origin({"master": {"sha256": "abc"}}, source, stamp) is None
