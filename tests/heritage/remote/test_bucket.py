import sys
from pathlib import Path

import pytest

from heritage.remote.address import Address, parse_address
from heritage.remote.bucket import BucketStore, faults
from heritage.remote.faults import Interrupted, NotAllowed, NotThere, RemoteFailed


@pytest.fixture
def store(bucket: Address, scans: Path) -> BucketStore:
    store = BucketStore(bucket)
    store.put(scans / "mill.tif", bucket.below("a", "mill.tif"))
    return store


def test_any_part_of_a_file_can_be_read(store: BucketStore, bucket: Address, scans: Path) -> None:
    file, data = bucket.below("a", "mill.tif"), (scans / "mill.tif").read_bytes()
    stamp = store.stat(file)
    assert stamp.bytes == len(data)
    assert stamp.same_as(store.stat(file))
    assert b"".join(store.read(file, 5, 5000, stamp)) == data[5:5000]
    assert b"".join(store.read(file, 0, len(data), stamp)) == data


def test_folders_and_what_is_not_there_are_told_apart(store: BucketStore, bucket: Address) -> None:
    assert store.is_folder(bucket.below("a"))
    assert not store.is_folder(bucket.below("a", "mill.tif"))
    assert [str(one) for one in store.files_below(bucket)] == [f"{bucket}/a/mill.tif"]
    with pytest.raises(NotThere):
        store.stat(bucket.below("a", "gone.tif"))
    with pytest.raises(NotThere, match="folder"):
        store.stat(bucket.below("a"))


def test_a_package_that_is_missing_is_named_with_the_way_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(RemoteFailed, match=r"pip install 'heritage\[gs\]'"):
        BucketStore(parse_address("gs://bucket/x.tif"))


class NoCredentialsError(Exception):
    """As botocore calls it."""


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (FileNotFoundError("x"), NotThere),
        (PermissionError("x"), NotAllowed),
        (NoCredentialsError("Unable to locate credentials"), NotAllowed),
        (OSError("connection reset"), Interrupted),
        (TimeoutError(), Interrupted),
        (RuntimeError("https://host/x?X-Amz-Signature=geheim failed; token=geheim"), Interrupted),
    ],
)
def test_foreign_faults_become_one_line_without_secrets(
    bucket: Address, raised: Exception, kind: type[RemoteFailed]
) -> None:
    with pytest.raises(kind) as told, faults(bucket):
        raise raised
    assert str(bucket) in str(told.value)
    assert "geheim" not in str(told.value)
    assert "\n" not in str(told.value)
