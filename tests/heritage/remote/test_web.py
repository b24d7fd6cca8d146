import logging

import pytest

from heritage.remote.address import parse_address
from heritage.remote.faults import Interrupted, NotAllowed, NotThere, RemoteFailed
from heritage.remote.store import Stamp, open_store
from heritage.remote.testing import RangeServer, serving


def _stat(url: str) -> Stamp:
    address = parse_address(url)
    with open_store(address) as store:
        return store.stat(address)


def test_a_file_is_known_from_its_first_bytes(server: RangeServer, scans) -> None:
    stamp = _stat(f"{server.url}/mill.tif")
    assert stamp.bytes == (scans / "mill.tif").stat().st_size
    assert stamp.tag
    assert stamp.ranges
    assert server.sent == 16


def test_a_server_without_ranges_is_noticed_before_the_file_travels(server: RangeServer) -> None:
    server.behaviour.ranges = False
    stamp = _stat(f"{server.url}/mill.tif")
    assert not stamp.ranges
    assert stamp.bytes


@pytest.mark.parametrize(
    ("status", "fault", "words"),
    [
        (404, NotThere, "is not there; check the address"),
        (410, NotThere, "is not there"),
        (401, NotAllowed, "~/.netrc"),
        (403, NotAllowed, "status 403"),
        (503, Interrupted, "run again later"),
        (418, RemoteFailed, "status 418"),
    ],
)
def test_every_refusal_is_one_line_with_the_address_and_what_to_do(
    server: RangeServer, status: int, fault: type[RemoteFailed], words: str
) -> None:
    server.behaviour.statuses = [status]
    with pytest.raises(fault) as raised:
        _stat(f"{server.url}/mill.tif?token=geheim")
    assert str(raised.value).startswith(f"{server.url}/mill.tif: ")
    assert words in str(raised.value)
    assert "geheim" not in str(raised.value)


def test_a_server_that_does_not_say_how_long_a_file_is_is_refused(server: RangeServer) -> None:
    server.behaviour.ranges = server.behaviour.length = False
    with pytest.raises(RemoteFailed, match="does not say how long it is"):
        _stat(f"{server.url}/mill.tif")


def test_a_server_that_is_down_is_told(server: RangeServer) -> None:
    with pytest.raises(Interrupted, match="see whether it is up, and run again"):
        _stat("http://127.0.0.1:9/mill.tif")


def test_an_empty_file_is_empty(server: RangeServer, scans) -> None:
    (scans / "empty.tif").touch()
    assert _stat(f"{server.url}/empty.tif").bytes == 0


def test_redirects_are_followed(server: RangeServer) -> None:
    server.behaviour.redirects = {"/old.tif": "/mill.tif"}
    assert _stat(f"{server.url}/old.tif") == _stat(f"{server.url}/mill.tif")


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://host/x.tif", "s3://bucket/x.tif", "gopher://host/"]
)
def test_redirects_lead_to_web_servers_only(server: RangeServer, to: str) -> None:
    server.behaviour.redirects = {"/old.tif": to}
    with pytest.raises(RemoteFailed, match="sends us to a"):
        _stat(f"{server.url}/old.tif")


def test_redirects_in_a_circle_end(server: RangeServer) -> None:
    server.behaviour.redirects = {"/a": "/b", "/b": "/a"}
    with pytest.raises(RemoteFailed, match="circles"):
        _stat(f"{server.url}/a")
    assert len(server.asked) <= 8


def test_a_stranger_cannot_send_us_into_this_machine(monkeypatch, server: RangeServer) -> None:
    from heritage.remote import web

    server.behaviour.redirects = {"/old.tif": "http://169.254.169.254/latest/meta-data"}
    inside = web._is_inside
    monkeypatch.setattr(web, "_is_inside", lambda host: host != "127.0.0.1" and inside(host))
    with pytest.raises(RemoteFailed, match="inside this machine"):
        _stat(f"{server.url}/old.tif")


def test_a_password_goes_to_its_own_server_only(server: RangeServer, scans) -> None:
    with serving(scans) as other:
        server.behaviour.redirects = {"/old.tif": f"{other.url}/mill.tif"}
        _stat(server.url.replace("//", "//anna:geheim@") + "/old.tif")
        assert server.asked[0].authorization
        assert other.asked[0].authorization is None


def test_a_password_is_taken_from_netrc_for_its_own_server(
    server: RangeServer, scans, tmp_path, monkeypatch
) -> None:
    file = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(file))
    file.write_text("machine museum.example login anna password geheim\n")
    _stat(f"{server.url}/mill.tif")
    file.write_text("machine 127.0.0.1 login anna password geheim\n")
    file.chmod(0o600)
    _stat(f"{server.url}/mill.tif")
    assert [bool(request.authorization) for request in server.asked] == [False, True]
    file.write_text("nonsense")
    with pytest.raises(NotAllowed, match="netrc with its password cannot be read") as raised:
        _stat(f"{server.url}/mill.tif")
    assert "geheim" not in str(raised.value)


def test_nothing_secret_is_logged(server: RangeServer, caplog) -> None:
    with caplog.at_level(logging.INFO):
        _stat(f"{server.url}/mill.tif?X-Amz-Signature=geheim")
    assert server.asked[0].path.endswith("geheim")
    assert "geheim" not in caplog.text
