import os
from pathlib import Path

import pytest

import heritage
from heritage.errors import OutputInTheWay
from heritage.remote import publish as publishing
from heritage.remote.address import Address, parse_address
from heritage.remote.bucket import BucketStore
from heritage.remote.checksums import multipart_tag, proves
from heritage.remote.faults import Interrupted, RemoteFailed
from heritage.remote.known import record_at
from heritage.remote.publish import publish
from heritage.remote.store import Stamp

NAMES = ["mill.restored.tif", "mill.mask.tif", "mill.layer.tif", "mill.provenance.json"]


@pytest.fixture
def target(bucket: Address) -> Address:
    return bucket.below("out", "mill")


def _there(target: Address) -> dict[str, bytes]:
    store = BucketStore(target)
    return {
        file.name: b"".join(store.read(file, 0, store.stat(file).bytes, store.stat(file)))
        for file in store.files_below(target)
    }


def _here(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_four_files_arrive_and_the_record_last(finished: Path, target: Address) -> None:
    told: list[str] = []
    assert publish(finished, target, told.append) == NAMES
    assert told == NAMES
    assert _there(target) == _here(finished)


def test_what_is_complete_is_not_sent_again(finished: Path, target: Address) -> None:
    publish(finished, target)
    assert publish(finished, target) == []


@pytest.mark.parametrize("count", range(4))
def test_killed_in_between_it_is_incomplete_and_the_next_run_sends_the_rest(
    finished: Path, target: Address, monkeypatch, count: int
) -> None:
    class Killed(BaseException):
        pass

    sent = BucketStore.put

    def put(self: BucketStore, local: Path, address: Address) -> None:
        if NAMES.index(local.name) == count:
            raise Killed
        sent(self, local, address)

    monkeypatch.setattr(BucketStore, "put", put)
    with pytest.raises(Killed):
        publish(finished, target)
    assert record_at(target) is None
    monkeypatch.setattr(BucketStore, "put", sent)
    assert publish(finished, target) == NAMES[count:]
    assert _there(target) == _here(finished)


def test_what_arrives_damaged_is_sent_again(finished: Path, target: Address, monkeypatch) -> None:
    sent, damaged = BucketStore.put, finished.parent / "damaged.tif"
    damaged.write_bytes((finished / "mill.layer.tif").read_bytes()[:-1] + b"?")
    bad = iter([True])

    def put(self: BucketStore, local: Path, address: Address) -> None:
        worse = local.name == "mill.layer.tif" and next(bad, False)
        sent(self, damaged if worse else local, address)

    monkeypatch.setattr(BucketStore, "put", put)
    assert publish(finished, target).count("mill.layer.tif") == 2
    assert _there(target) == _here(finished)


def test_what_never_arrives_whole_is_given_up_without_a_record(
    finished: Path, target: Address, monkeypatch
) -> None:
    sent, damaged = BucketStore.put, finished.parent / "damaged.tif"
    damaged.write_bytes(b"?")
    monkeypatch.setattr(BucketStore, "put", lambda self, _, place: sent(self, damaged, place))
    with pytest.raises(Interrupted, match="does not arrive as it was sent, 3 times"):
        publish(finished, target)
    assert "mill.provenance.json" not in _there(target)


def test_a_storage_in_trouble_is_asked_again(
    finished: Path, target: Address, monkeypatch, waits, no_sleep
) -> None:
    sent, faults = BucketStore.put, iter([True, True])

    def put(self: BucketStore, local: Path, address: Address) -> None:
        if next(faults, False):
            raise Interrupted("busy", address)
        sent(self, local, address)

    monkeypatch.setattr(BucketStore, "put", put)
    publish(finished, target, sleep=no_sleep)
    assert waits == [1.0, 2.0]
    assert _there(target) == _here(finished)


def test_another_restoration_is_never_overwritten(
    finished: Path, target: Address, scans: Path, tmp_path: Path
) -> None:
    publish(finished, target)
    before = _there(target)
    other = heritage.restore(scans / "mill.tif", model="biharmonic", output=tmp_path / "other")
    with pytest.raises(OutputInTheWay):
        publish(other.folder, target)
    assert _there(target) == before


def test_a_web_server_is_no_target(finished: Path) -> None:
    with pytest.raises(RemoteFailed, match="takes no files"):
        publish(finished, parse_address("https://museum.example/out/mill"))


def test_two_who_write_the_same_place_are_noticed(
    finished: Path, target: Address, monkeypatch
) -> None:
    send = publishing._send

    def meddled(*arguments):
        if arguments[1].name == "mill.provenance.json":
            BucketStore(target).put(finished / "mill.mask.tif", target.below("mill.layer.tif"))
        return send(*arguments)

    monkeypatch.setattr(publishing, "_send", meddled)
    with pytest.raises(RemoteFailed, match="somebody else wrote it"):
        publish(finished, target)
    assert record_at(target) is None


def test_in_a_folder_nothing_half_written_has_its_name(
    finished: Path, tmp_path: Path, monkeypatch
) -> None:
    target = parse_address(f"file://{tmp_path}/far/mill")
    renamed: list[str] = []
    rename = os.rename
    store = BucketStore(target)
    moved = store._files.mv
    monkeypatch.setattr(
        type(store._files), "mv", lambda _, a, b: (renamed.append(Path(a).name), moved(a, b))
    )
    publish(finished, target)
    assert rename is os.rename
    assert renamed == [f".{name}.part" for name in NAMES]
    assert _here(tmp_path / "far" / "mill") == _here(finished)


def test_the_tag_of_an_object_sent_in_parts_is_proof(tmp_path: Path) -> None:
    local = tmp_path / "big"
    local.write_bytes(os.urandom(11 << 20))
    tag = multipart_tag(local, 5 << 20)
    assert tag.endswith("-3")
    assert proves(Stamp(11 << 20, tag), local)
    assert not proves(Stamp(11 << 20, tag.replace("-3", "-2")), local)
    assert not proves(Stamp(11 << 20, "0" * 32), local)
    assert not proves(Stamp(11 << 20, None), local)
