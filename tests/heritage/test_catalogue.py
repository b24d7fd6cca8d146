import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from db.testing import new_database, postgresql_programs, throwaway_postgresql
from heritage.catalogue import Catalogue, open_catalogue
from heritage.errors import CatalogueRefused, MasterRefused, StorageFailed
from heritage.geometry import Box
from heritage.settings import load_settings

HASHES = dict(zip(("restored", "mask", "layer", "provenance"), ("c" * 64,) * 4, strict=True))


@pytest.fixture(scope="module")
def postgresql():
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg")
    with throwaway_postgresql(programs) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "postgresql":
        return new_database(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path}/home/catalogue.sqlite"


@pytest.fixture
def catalogue(url):
    start, seconds = datetime(2026, 11, 23, 3, tzinfo=UTC), iter(range(10**6))
    with Catalogue(url, "A. Registrar", lambda: start + timedelta(seconds=next(seconds))) as opened:
        yield opened


def info(path="/archive/SK-A-1.tif", **other):
    facts = {
        "path": Path(path),
        "bytes": 1000,
        "page": 0,
        "pages": 1,
        "width": 400,
        "height": 500,
        "samples": 4,
        "colour_samples": 3,
        "bits": 16,
        "colour": "rgb",
        "dtype": "uint16",
        "photometric": "RGB",
        "compression": "LZW",
        "lossy": False,
        "icc": b"profile",
    }
    return SimpleNamespace(**facts | other)


def regions(count):
    for number in range(1, count + 1):
        yield SimpleNamespace(number=number, box=Box(0, 0, 4, 5), area=10, radius=2.0)


RESULT = SimpleNamespace(seconds=1.5, damaged_pixels=30, reencoded=None)


def begin(catalogue, sha256="a" * 64, **other):
    master = catalogue.record_master(info(), sha256)
    mask = catalogue.record_mask(master, sha256="b" * 64, pixels=30, source="/m.png")
    model = catalogue.record_model("telea", "diffusion", licence="Apache-2.0")
    facts = {"parameters": {"size": 512}, "output": "/out/SK-A-1", "device": "cpu"}
    return catalogue.begin_restoration(master, mask, model, **facts | other)


def test_a_restoration_from_begin_to_end(catalogue):
    run = begin(catalogue)
    catalogue.finish_restoration(run.id, RESULT, regions(3), HASHES)
    catalogue.record_fixity(run.id, sound=True)
    assert [line.status for line in catalogue.restorations()] == ["awaiting review"]
    assert catalogue.masters("sk-a")[0].restorations == {"awaiting review": 1}
    assert catalogue.restorations(status="failed") == []
    assert catalogue.verify_chain().intact
    assert catalogue.chain_end() == (5, catalogue.verify_chain().hash)


def test_the_end_of_an_empty_chain_can_be_noted_down_too(catalogue):
    assert catalogue.chain_end() == (0, "0" * 64)
    assert catalogue.verify_chain(catalogue.chain_end()).intact


def test_the_history_of_a_master_reads_as_a_timeline(catalogue):
    run = begin(catalogue)
    catalogue.fail_restoration(run.id, StorageFailed("disk full", "/out"))
    begin(catalogue)
    catalogue.finish_restoration(run.id, RESULT, regions(3), HASHES)
    catalogue.record_fixity(run.id, sound=False, findings=["tile 3 differs"])
    other = begin(catalogue, parameters={"size": 256})
    lines = catalogue.history("SK-A-1").lines()
    expected = [
        "SHA-256 aaaaaaaaaaaa…",
        "/archive/SK-A-1.tif (1000 bytes) as SK-A-1",
        "mask of 30 pixels, found: /m.png",
        "failed, disk full",
        "3 regions, 30 pixels filled with telea, awaiting review, in /out/SK-A-1",
        "failed: tile 3 differs",
        "running: with telea, into /out/SK-A-1",
    ]
    assert len(lines) == len(expected)
    for line, words in zip(lines, expected, strict=True):
        assert words in line
        assert "A. Registrar" in line
    moments = [line[:19] for line in lines]
    assert moments == sorted(moments)
    record = json.loads(json.dumps(catalogue.history("a" * 64).to_json()))
    assert record["restorations"][0]["identifier"] == other.identifier


def test_a_history_nobody_can_mean_is_refused(catalogue):
    catalogue.record_master(info("/one/scan.tif"), "a1" * 32)
    catalogue.record_master(info("/two/scan.tif"), "a2" * 32)
    with pytest.raises(CatalogueRefused, match="no master is on record as 'nothing'"):
        catalogue.history("nothing")
    with pytest.raises(CatalogueRefused, match="several masters"):
        catalogue.history("scan")
    assert catalogue.history("/one/scan.tif").sha256 == "a1" * 32


def test_a_master_may_be_named_as_it_lies_before_one(catalogue, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    catalogue.record_master(info("scans/../scans/x.tif"), "a" * 64)
    assert catalogue.masters()[0].path == str(tmp_path / "scans" / "x.tif")
    assert catalogue.history("scans/x.tif").sha256 == "a" * 64


def test_a_refused_file_is_on_record_with_its_reason(catalogue):
    error = MasterRefused("is cut short", "/archive/bad\udcff.tif")
    for _ in range(3):
        catalogue.record_refusal("/archive/bad\udcff.tif", error)
    (line,) = catalogue.refusals()
    assert (line.path, line.reason, line.fault) == (
        "/archive/bad\\udcff.tif",
        "is cut short",
        "MasterRefused",
    )
    assert line.times == 3
    assert catalogue.totals().events == 1


def test_an_error_without_words_still_has_a_reason(catalogue):
    run = begin(catalogue)
    catalogue.fail_restoration(run.id, KeyboardInterrupt())
    assert catalogue.restorations("failed")[0].reason == "KeyboardInterrupt"


def test_a_hundred_thousand_regions_take_seconds(catalogue):
    run = begin(catalogue)
    begun = time.process_time()
    catalogue.finish_restoration(run.id, RESULT, regions(100_000), HASHES)
    assert time.process_time() - begun < 5
    assert catalogue.totals().regions == {"pending": 100_000}


def test_a_restoration_nobody_began_cannot_be_finished(catalogue):
    with pytest.raises(CatalogueRefused, match="no such entry"):
        catalogue.finish_restoration(99, RESULT, regions(1), HASHES)


def test_nonsense_is_refused_in_one_line(catalogue):
    with pytest.raises(CatalogueRefused, match="contradicts its rules") as caught:
        catalogue.record_master(info(width=0), "a" * 64)
    assert "\n" not in str(caught.value)
    assert catalogue.totals().masters == 0


DOOMED = """
import sys
sys.path.insert(0, sys.argv[2])
from test_catalogue import HASHES, RESULT, begin, regions
from heritage.catalogue import Catalogue
with Catalogue(sys.argv[1], "A. Registrar") as catalogue:
    sys.stdout.write("ready\\n"); sys.stdout.flush()
    for number in range(100_000):
        run = begin(catalogue, output=f"/out/{number}")
        catalogue.finish_restoration(run.id, RESULT, regions(50), HASHES)
"""


def wait_for(url, wanted):
    """Wait until so many restorations are finished, and a moment that no two runs share."""
    deadline = time.monotonic() + 60
    with Catalogue(url, "A. Registrar") as catalogue:
        while catalogue.totals().restorations.get("awaiting review", 0) < wanted:
            assert time.monotonic() < deadline
    time.sleep(random.uniform(0, 0.05))


def test_killed_at_any_moment_the_catalogue_is_whole(url):
    for wanted in (3, 9):
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", DOOMED, url, str(Path(__file__).parent)],
            stdout=subprocess.PIPE,
        )
        assert process.stdout.readline() == b"ready\n"
        wait_for(url, wanted)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with Catalogue(url, "A. Registrar") as catalogue:
            assert catalogue.verify_chain().intact
            totals = catalogue.totals()
            finished = totals.restorations.get("awaiting review", 0)
            assert totals.regions.get("pending", 0) == 50 * finished
            assert totals.restorations.get("running", 0) <= 1
            assert totals.events == 3 + finished
    assert finished >= wanted
    with Catalogue(url, "A. Registrar") as catalogue:
        run = begin(catalogue, output=f"/out/{finished}")
        catalogue.finish_restoration(run.id, RESULT, regions(50), HASHES)
        assert catalogue.totals().restorations == {"awaiting review": finished + 1}


def test_the_settings_say_which_catalogue(monkeypatch, tmp_path):
    for name in ("HERITAGE_CONFIG", "HERITAGE_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with open_catalogue(load_settings(home=str(tmp_path / "site"), operator="B")) as catalogue:
        assert catalogue.totals().events == 0
    assert (tmp_path / "site" / "catalogue.sqlite").is_file()


def test_a_file_that_is_no_catalogue_is_refused_and_kept(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("Ask the conservator about the varnish.\n" * 100)
    with pytest.raises(CatalogueRefused, match="cannot be used: file is not a database"):
        Catalogue(f"sqlite:///{file}", "A")
    assert file.read_text().startswith("Ask the conservator")


def test_a_newer_catalogue_is_refused_in_one_sentence(tmp_path):
    url = f"sqlite:///{tmp_path}/c.sqlite"
    Catalogue(url, "A").close()
    connection = sqlite3.connect(tmp_path / "c.sqlite")
    connection.execute("UPDATE catalogue_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(CatalogueRefused, match="made by a newer version of heritage") as caught:
        Catalogue(url, "A")
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogueRefused, match=r"file/home.*cannot be opened"):
        Catalogue(f"sqlite:///{tmp_path}/file/home/c.sqlite", "A")


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path):
    pytest.importorskip("psycopg")
    with pytest.raises(CatalogueRefused, match="cannot be used") as caught:
        Catalogue(f"postgresql://me:secret@/x?host={tmp_path}", "A")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_catalogue_needs_neither_torch_nor_prefect_nor_pixels():
    program = "import sys, heritage.catalogue; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    unwanted = {"torch", "prefect", "alembic", "numpy", "tifffile", "rasterio", "cv2"}
    assert not unwanted & set(done.stdout.split())
