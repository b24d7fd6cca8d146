import re
import string
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.errors import BadSetting
from heritage.remote.address import is_remote, local_path, parse_address, shown
from heritage.remote.faults import NotThere

WORD = st.text(string.ascii_letters + string.digits, min_size=4, max_size=12)
SEGMENT = st.text(string.ascii_letters + string.digits + "-_ ()ü", min_size=1, max_size=10).filter(
    lambda text: text.strip(" ")
)


@given(
    scheme=st.sampled_from(["https", "s3", "gs", "az"]),
    host=WORD,
    path=st.lists(SEGMENT, min_size=1, max_size=4),
)
def test_an_address_survives_travelling_as_a_path(scheme: str, host: str, path: list[str]) -> None:
    address = parse_address(f"{scheme}://{host}/{'/'.join(path)}")
    assert is_remote(address.travelling)
    assert parse_address(address.travelling) == address
    assert shown(address.travelling) == str(address)


@given(user=WORD, password=WORD, name=st.sampled_from(["X-Amz-Signature", "sig", "token", "auth"]))
def test_what_is_secret_is_asked_with_and_shown_nowhere(
    user: str, password: str, name: str
) -> None:
    secret = f"{password}!{user}"
    query = urlencode({"id": "1907", name: secret})
    address = parse_address(f"https://{user}0:{password}0@museum.example/scan.tif?{query}")
    assert f"{user}0:{password}0@" in address.full
    assert query in address.full
    words = [str(address), repr(address), str(address.travelling), str(NotThere("gone", address))]
    for text in words:
        assert f"{password}0" not in text
        assert name not in text
    assert str(address) == "https://museum.example/scan.tif?id=1907"
    # On its way through the flows it is the path alone, and still opens the door.
    assert parse_address(address.travelling).full == address.full


def test_plain_paths_are_none_of_our_business(tmp_path: Path, monkeypatch) -> None:
    for path in ("scans/1907.tif", "/a/b.tif", "C:/x.tif", "a b:c.tif", "x:/y"):
        assert not is_remote(path)
        assert shown(path) == path
        assert local_path(path) == Path(path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "box:").mkdir()
    assert not is_remote("box:/1.tif")


def test_a_file_address_is_a_local_path() -> None:
    assert local_path("file:///srv/scans/1.tif") == Path("/srv/scans/1.tif")
    assert local_path(Path("file:///srv/scans/1.tif")) == Path("/srv/scans/1.tif")
    assert local_path("s3://bucket/1.tif") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://host/x.tif", "kind ftp:"),
        ("javascript:/x", "kind javascript:"),
        ("https://", "names no server"),
        ("s3://", "names no server"),
        ("s3://bucket/../other/x.tif", "'..'"),
        ("https://host/a/%2e%2e/x.tif", "'..'"),
        ("s3://key:geheim@bucket/x.tif", "password"),
        ("az://container/x.tif?sv=1&sig=geheim", "password or signature"),
        ("https://host/x\r\nHost: other", "signs"),
    ],
)
def test_what_is_not_taken_is_refused_without_repeating_secrets(text: str, reason: str) -> None:
    with pytest.raises(BadSetting, match=re.escape(reason)) as refused:
        parse_address(text)
    assert "geheim" not in str(refused.value)
    assert "\n" not in refused.value.reason


def test_a_name_fits_every_file_system() -> None:
    assert parse_address("https://host/a%2Fb%3Ac%20d.tif").name == "a_b_c d.tif"
    assert parse_address("s3://bucket/.hidden.tif").name == "hidden.tif"
    assert parse_address("https://host/").name == "master"


def test_a_folder_holds_what_is_in_it_and_not_its_neighbours() -> None:
    folder = parse_address("s3://bucket/out")
    assert folder.holds(parse_address("s3://bucket/out/a/b.tif"))
    assert not folder.holds(parse_address("s3://bucket/outside/b.tif"))
    assert not folder.holds(parse_address("s3://other/out/b.tif"))
