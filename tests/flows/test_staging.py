"""From URL to URL through the flows, with a real web server and a storage in memory."""

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from flows.collection import attempt_restoration, restore_collection
from flows.report import Fate, Outcome
from flows.sources import find_masters
from heritage.errors import HeritageError
from heritage.remote.address import parse_address
from heritage.remote.bucket import BucketStore
from heritage.remote.testing import RangeServer, serving
from heritage.restore.names import NamedSource

pytestmark = pytest.mark.usefixtures("prefect_server")
_number = itertools.count()
SETTINGS = {"model": "telea", "device": "cpu", "memory": 2 << 30, "batch": None, "grain": True}


@pytest.fixture
def server(make_master) -> Iterator[RangeServer]:
    with serving(make_master("mill", side=400).parent) as running:
        yield running


@pytest.fixture
def bucket() -> Iterator[str]:
    name = f"/flows{next(_number)}"
    yield f"memory:/{name}"
    files = fsspec.filesystem("memory")
    if files.exists(name):
        files.rm(name, recursive=True)


def attempt(source: object, output: object, name: str = "mill", **more: object) -> Outcome:
    named = NamedSource(Path(str(source)), name)
    return attempt_restoration(named, Path(str(output)), **{**SETTINGS, **more})


def test_from_a_web_server_into_a_folder(server, workspace: Path) -> None:
    outcome = attempt(f"{server.url}/mill.tif", "out")
    assert outcome.fate is Fate.RESTORED
    record = json.loads(Path("out/mill/mill.provenance.json").read_bytes())
    assert record["master"]["place"] == f"{server.url}/mill.tif"
    assert record["master"]["origin"]["tag"]
    assert [path.name for path in (workspace / "staging").iterdir()] == []


def test_done_it_is_found_without_fetching_the_master(server, make_master) -> None:
    attempt(f"{server.url}/mill.tif", "out")
    before = server.sent
    outcome = attempt(f"{server.url}/mill.tif", "out")
    assert (outcome.fate, outcome.regions, outcome.model) == (Fate.ALREADY, 2, "telea")
    mask = make_master("mill", side=400).with_name("mill.mask.tif").stat().st_size
    assert server.sent - before < mask + 100


def test_the_result_is_that_of_the_local_file(server, make_master) -> None:
    attempt(f"{server.url}/mill.tif", "far")
    attempt(make_master("mill", side=400), "near")
    for part in ("restored.tif", "mask.tif", "layer.tif"):
        far, near = (Path(place, "mill", f"mill.{part}").read_bytes() for place in ("far", "near"))
        assert far == near


@pytest.mark.parametrize("source", ["far", "near"])
def test_into_storage_and_found_there_again(
    server, bucket: str, make_master, workspace: Path, source: str
) -> None:
    master = f"{server.url}/mill.tif" if source == "far" else make_master("mill", side=400)
    outcome = attempt(master, f"{bucket}/out")
    assert outcome.fate is Fate.RESTORED
    target = parse_address(f"{bucket}/out/mill")
    assert len(BucketStore(target).files_below(target)) == 4
    assert parse_address(outcome.folder) == target
    assert list((workspace / "staging").iterdir()) == []
    shutil.rmtree(workspace)  # another machine
    before = server.sent
    assert attempt(master, f"{bucket}/out").fate is Fate.ALREADY
    assert server.sent - before < 200_000


def test_another_model_is_refused_before_anything_is_fetched(server, bucket: str) -> None:
    attempt(f"{server.url}/mill.tif", bucket)
    before = server.sent
    outcome = attempt(f"{server.url}/mill.tif", bucket, model="biharmonic")
    assert outcome.fate is Fate.FAILED
    assert "another master, mask, model" in outcome.reason
    assert server.sent - before < 200_000


def test_interrupted_while_sending_it_goes_on_without_computing_again(
    server, bucket: str, monkeypatch
) -> None:
    sent = BucketStore.put

    def broken(self: BucketStore, local: Path, address: object) -> None:
        if local.name == "mill.layer.tif":
            raise KeyboardInterrupt
        sent(self, local, address)

    monkeypatch.setattr(BucketStore, "put", broken)
    with pytest.raises(KeyboardInterrupt):
        attempt(f"{server.url}/mill.tif", bucket)
    monkeypatch.setattr(BucketStore, "put", sent)
    before = server.sent
    assert attempt(f"{server.url}/mill.tif", bucket).fate is Fate.RESTORED
    assert server.sent - before < 1000
    target = parse_address(f"{bucket}/mill")
    assert len(BucketStore(target).files_below(target)) == 4


def test_what_cannot_be_a_master_does_not_travel(server, tmp_path: Path, workspace) -> None:
    letter = tmp_path / "scans" / "letter.tif"
    letter.write_bytes(b"Dear Sir" + bytes(1_000_000))
    shutil.copy(tmp_path / "scans" / "mill.mask.tif", letter.with_name("letter.mask.tif"))
    outcome = attempt(f"{server.url}/letter.tif", "out", "letter")
    assert outcome.fate is Fate.FAILED
    assert "not a TIFF" in outcome.reason
    assert all(r.sent <= 65_536 for r in server.asked if r.path == "/letter.tif")
    assert list((workspace / "staging").iterdir()) == []


def test_without_a_mask_it_is_left_alone_and_does_not_travel(server, make_master) -> None:
    make_master("bare", mask=False)
    outcome = attempt(f"{server.url}/bare.tif", "out", "bare")
    assert outcome.fate is Fate.LEFT_ALONE
    assert "bare.mask.tif" in outcome.reason
    assert max(r.sent for r in server.asked) <= 16


def test_a_mask_may_be_given_by_its_url(server, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    (scans / "mill.mask.tif").rename(scans / "damage.tif")
    mask = Path(f"{server.url}/damage.tif")
    assert attempt(f"{server.url}/mill.tif", "out", mask=mask).fate is Fate.RESTORED


def test_a_server_that_ignores_range_is_served_as_well(server) -> None:
    server.behaviour.ranges = False
    assert attempt(f"{server.url}/mill.tif", "out").fate is Fate.RESTORED


def test_one_that_fails_stops_none_of_the_others(server, make_master) -> None:
    sources = [Path(f"{server.url}/gone.tif"), Path(f"{server.url}/mill.tif"), make_master("near")]
    outcomes = restore_collection(sources, Path("out"), model="telea")
    assert [o.fate for o in outcomes] == [Fate.FAILED, Fate.RESTORED, Fate.RESTORED]


def test_nothing_secret_is_written_anywhere(server, workspace: Path, monkeypatch) -> None:
    monkeypatch.setenv("HERITAGE_KEEP_STAGED", "true")
    url = server.url.replace("//", "//anna:geheim@") + "/mill.tif?X-Amz-Signature=verborgen"
    found = find_masters([Path(url)])
    assert [str(path) for path in found.masters] == [str(Path(f"{server.url}/mill.tif"))]
    assert attempt(found.masters[0], "out").fate is Fate.RESTORED
    assert server.asked[0].authorization
    assert any("verborgen" in request.path for request in server.asked)
    files = [p for place in (workspace, Path("out")) for p in place.rglob("*") if p.is_file()]
    assert any(path.name == "mill.tif" for path in files)
    for path in files:
        assert not any(word in path.read_bytes() for word in (b"geheim", b"verborgen"))


def test_a_web_server_is_no_target(server) -> None:
    outcome = attempt(f"{server.url}/mill.tif", "https://museum.example/out")
    assert outcome.fate is Fate.FAILED
    assert "takes no files" in outcome.reason


def test_faults_are_on_record(server, workspace: Path) -> None:
    from flows.records import catalogue

    attempt(f"{server.url}/gone.tif", "out", "gone")
    with catalogue() as open_:
        assert open_.totals().events == 1


def test_errors_of_storage_are_ours() -> None:
    with pytest.raises(HeritageError):
        parse_address("ftp://host/x.tif")
