import hashlib
import os
from pathlib import Path

import pytest

from heritage.errors import StorageFailed
from heritage.remote import fetch as fetching
from heritage.remote.address import parse_address
from heritage.remote.faults import Changed, RemoteFailed
from heritage.remote.fetch import Fetched, fetch
from heritage.remote.origin import address_of, note_path, read_origin
from heritage.remote.store import open_store
from heritage.remote.testing import RangeServer


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "staging" / "key"
    folder.mkdir(parents=True)
    return folder / "mill.tif"


@pytest.fixture
def bring(server: RangeServer, target: Path, no_sleep):
    def call() -> Fetched:
        address = parse_address(f"{server.url}/mill.tif")
        with open_store(address) as store:
            return fetch(store, address, target, sleep=no_sleep)

    return call


@pytest.fixture
def whole(scans: Path) -> bytes:
    return (scans / "mill.tif").read_bytes()


def test_it_arrives_as_it_is_with_its_hash_and_a_note(bring, target, whole, server) -> None:
    fetched = bring()
    assert target.read_bytes() == whole
    assert fetched.origin.sha256 == hashlib.sha256(whole).hexdigest()
    assert fetched.moved == len(whole)
    assert address_of(target) == f"{server.url}/mill.tif"
    assert sorted(path.name for path in target.parent.iterdir()) == [
        "mill.tif",
        "mill.tif.origin.json",
    ]


def test_the_same_file_is_not_fetched_again(bring, server, whole) -> None:
    bring()
    before = server.sent
    assert bring().moved == 0
    assert server.sent - before <= 16


def test_another_file_is(bring, server, target, scans, whole) -> None:
    bring()
    (scans / "mill.tif").write_bytes(whole[::-1])
    assert bring().moved == len(whole)
    assert target.read_bytes() == whole[::-1]


def test_without_tag_and_time_nothing_proves_that_it_is_the_same(bring, server, whole) -> None:
    server.behaviour.tags = False
    bring()
    assert bring().moved == len(whole)


@pytest.mark.parametrize("short", [False, True], ids=["broken off", "ended early"])
def test_a_connection_that_breaks_is_taken_up_where_it_broke(
    bring, server, target, whole, waits, short: bool
) -> None:
    server.behaviour.drop_after, server.behaviour.drops = 400_000, 2
    server.behaviour.short = short
    fetched = bring()
    assert target.read_bytes() == whole
    assert fetched.moved == len(whole)
    assert len(waits) == 2
    ranges = [request.range for request in server.asked]
    assert f"bytes=400000-{len(whole) - 1}" in ranges


def test_without_tag_and_time_a_broken_connection_begins_anew(bring, server, target, whole) -> None:
    server.behaviour.tags = False
    server.behaviour.drop_after = 400_000
    assert bring().moved == len(whole) + 400_000
    assert target.read_bytes() == whole


def test_killed_it_goes_on_from_what_was_safe(bring, server, target, whole, monkeypatch) -> None:
    monkeypatch.setattr(fetching, "SAFE_EVERY", 300_000)
    _killed_while_fetching(target, server.url)
    safe = read_origin(target).safe
    assert 300_000 <= safe < len(whole)
    with target.with_name("mill.tif.part").open("r+b") as part:  # as a power cut may leave it
        part.seek(safe)
        part.write(bytes(1000))
    assert bring().moved == len(whole) - safe
    assert target.read_bytes() == whole


def _killed_while_fetching(target: Path, url: str) -> None:
    """In a process that ends without a farewell in the middle."""
    address = parse_address(f"{url}/mill.tif")
    child = os.fork()
    if child == 0:
        try:
            with open_store(address) as store:
                fetch(store, address, target, lambda done, _: os._exit(9) if done > 800_000 else 0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_a_file_that_changed_since_the_kill_begins_anew(
    bring, server, target, scans, whole
) -> None:
    server.behaviour.drop_after, server.behaviour.drops = 1000, 99
    with pytest.raises(RemoteFailed):
        bring()
    server.behaviour.drops = 0
    (scans / "mill.tif").write_bytes(whole[::-1])
    assert bring().moved == len(whole)
    assert target.read_bytes() == whole[::-1]


def test_a_server_that_ignores_range_is_read_from_the_beginning(
    bring, server, target, whole
) -> None:
    server.behaviour.ranges = False
    server.behaviour.drop_after, server.behaviour.drops = 400_000, 2  # the look is one of them
    assert bring().moved == len(whole) + 400_000
    assert target.read_bytes() == whole


def test_a_file_that_changes_in_the_middle_is_not_kept(bring, server, target) -> None:
    server.behaviour.drop_after = 400_000
    server.behaviour.swap_at = 2
    with pytest.raises(Changed, match="changed while it was being fetched; run again"):
        bring()
    assert list(target.parent.iterdir()) == []


def test_a_file_that_changed_after_its_last_byte_is_not_kept(bring, server, target) -> None:
    server.behaviour.swap_at = 2
    with pytest.raises(Changed):
        bring()
    assert not target.exists()


def test_a_server_in_trouble_is_asked_again_and_then_given_up(bring, server, target, waits) -> None:
    server.behaviour.statuses = [503, 500, 429]
    assert bring().moved
    assert waits == [1.0, 2.0, 4.0]
    target.unlink()
    note_path(target).unlink()
    server.behaviour.statuses = [503] * 20
    with pytest.raises(RemoteFailed, match="in trouble \\(status 503\\)"):
        bring()


def test_what_has_arrived_is_kept_when_it_is_given_up(bring, server, target, whole) -> None:
    server.behaviour.drop_after, server.behaviour.drops = 50_000, 99
    with pytest.raises(RemoteFailed, match=f"of {len(whole)} bytes are here and are kept"):
        bring()
    assert not target.exists()
    here = read_origin(target).safe
    assert here >= 50_000
    server.behaviour.drops = 0
    assert bring().moved == len(whole) - here


def test_a_disk_that_is_too_small_is_seen_before(bring, server, monkeypatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("heritage.restore.storage.shutil.disk_usage", lambda _: usage)
    with pytest.raises(StorageFailed, match="free"):
        bring()
    assert server.sent <= 16


def test_from_a_bucket_it_comes_the_same_way(bucket, target, whole, scans, no_sleep) -> None:
    from heritage.remote.bucket import BucketStore

    address = bucket.below("mill.tif")
    store = BucketStore(address)
    store.put(scans / "mill.tif", address)
    assert fetch(store, address, target, sleep=no_sleep).moved == len(whole)
    assert target.read_bytes() == whole
    assert fetch(store, address, target, sleep=no_sleep).moved == 0
