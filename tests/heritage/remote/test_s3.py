"""Against a real S3 interface, where one that runs on this machine is installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from heritage.remote.address import Address, parse_address
from heritage.remote.faults import NotAllowed, NotThere
from heritage.remote.fetch import fetch
from heritage.remote.look import inspect_remote
from heritage.remote.publish import publish
from heritage.remote.store import open_store

pytest.importorskip("s3fs")
moto = pytest.importorskip("moto.server")
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch, scans: Path) -> Address:
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "geheim")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    if not files.exists("bucket"):
        files.mkdir("bucket")
    for path in scans.iterdir():
        files.put_file(str(path), f"bucket/scans/{path.name}")
    return parse_address("s3://bucket/scans/mill.tif")


def test_a_master_is_looked_at_and_fetched(s3: Address, scans: Path, tmp_path: Path) -> None:
    assert inspect_remote(s3).width == 512
    with open_store(s3) as store:
        fetched = fetch(store, s3, tmp_path / "mill.tif")
        assert fetch(store, s3, tmp_path / "mill.tif").moved == 0
    assert fetched.path.read_bytes() == (scans / "mill.tif").read_bytes()


def test_what_is_not_there_is_not_there(s3: Address) -> None:
    for gone in (s3.beside("gone.tif"), parse_address("s3://nobody-has-this/x.tif")):
        with pytest.raises((NotThere, NotAllowed)):
            inspect_remote(gone)


def test_a_restoration_is_sent_and_found(s3: Address, finished: Path) -> None:
    target = parse_address("s3://bucket/restored/mill")
    assert len(publish(finished, target)) == 4
    assert publish(finished, target) == []
