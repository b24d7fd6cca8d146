"""A package proves what it says, and says when it does not."""

import random
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heritage.archive.bags.checking import check_bag
from heritage.archive.bags.manifests import PROOF
from heritage.archive.credentials.certificates import make_test_certificate
from heritage.archive.embedded.statement import read_embedded
from heritage.archive.layout import Layout
from heritage.archive.package import Wishes, pack
from heritage.archive.proof import prove
from heritage.archive.rules.checking import load_rules
from heritage.archive.telling import dossier_json
from heritage.errors import OutputInTheWay, VerificationFailed
from heritage.tiff import sha256_file

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def report(folder: Path) -> None:
    (folder / "condition.html").write_text("<p>as in the room</p>")


@pytest.fixture(scope="module")
def wishes(tmp_path_factory):
    signer = make_test_certificate(tmp_path_factory.mktemp("certificate"), "Museum-of-Tests")
    return Wishes(
        load_rules("tiff"), copy_original=True, signer=signer, url="https://example.org/archive"
    )


@pytest.fixture(scope="module")
def package(signed, wishes, tmp_path_factory):
    """With a copy of the master, credentials and IIIF; must not be changed."""
    output = tmp_path_factory.mktemp("packages")
    return pack(signed.dossier, signed.made.folder, signed.master, output, wishes, report, NOW)


@pytest.fixture
def copy(package, tmp_path):
    """One that may be changed."""
    return Path(shutil.copytree(package.folder, tmp_path / package.folder.name))


def test_a_package_is_proven_by_itself(package, dossier):
    found = prove(package.folder)
    assert found.findings == []
    said = {check.about: check.note for check in found.checks}
    assert said["pixels"] == "480,000 pixels compared"
    assert said["decisions"] == "2 of 3 fills kept"
    assert "Museum-of-Tests" in said["content credentials"]
    layout = Layout(package.folder, dossier.name)
    kinds = {layout.place(p) for p in package.folder.rglob("*") if p.is_file()}
    for place in (
        "bag-info.txt", PROOF, "data/access/iiif/manifest.json", "data/access/mill.jpg",
        "data/access/mill.tif", "data/credentials/mill.restored.c2pa", "data/metadata/lido.xml",
        "data/metadata/linked-art.json", "data/metadata/mets.xml", "data/metadata/premis.xml",
        "data/metadata/prov.jsonld", "data/metadata/prov.ttl", "data/metadata/quality.json",
        "data/original/mill.tif", "data/report/condition.html",
        "data/restoration/mill/mill.layer.tif", "data/restoration/mill/mill.mask.tif",
        "data/restoration/mill/mill.provenance.json", "data/restoration/mill/mill.restored.tif",
    ):  # fmt: skip
        assert place in kinds


def test_the_library_of_congress_agrees(package):
    told = subprocess.run(
        [sys.executable, "-m", "bagit", "--validate", str(package.folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr


def test_a_picture_taken_out_says_what_it_is(package, dossier, tmp_path):
    alone = shutil.copy(Layout(package.folder, dossier.name).restored, tmp_path / "found.tif")
    said = read_embedded(alone)
    assert said.statement == dossier.statement
    assert (said.filled, said.model) == (10_800, "telea")


def test_the_same_call_leaves_a_package_alone(package, signed, wishes):
    again = pack(
        signed.dossier, signed.made.folder, signed.master, package.folder.parent, wishes, report,
        NOW,
    )  # fmt: skip
    assert again.skipped
    assert again.sha256 == package.sha256 == sha256_file(package.folder / PROOF)


def test_something_else_of_its_name_is_left_alone(package, signed, wishes, tmp_path):
    there = tmp_path / package.folder.name
    there.mkdir()
    with pytest.raises(OutputInTheWay):
        pack(signed.dossier, signed.made.folder, signed.master, tmp_path, wishes, report, NOW)
    assert list(there.iterdir()) == []


def test_by_reference_the_master_is_found_where_it_is(signed, tmp_path):
    wishes = Wishes()
    made = pack(signed.dossier, signed.made.folder, signed.master, tmp_path, wishes, report, NOW)
    found = prove(made.folder)
    assert found.findings == []
    assert not (made.folder / "data" / "original").exists()
    notes = {check.about: check.note for check in found.checks}
    assert notes["content credentials"].startswith("none")
    moved = Path(shutil.copytree(made.folder, tmp_path / "far" / "away" / made.folder.name))
    notes = {check.about: check.note for check in prove(moved).checks}
    assert "say where it is with --master" in notes["pixels"]
    assert prove(moved, signed.master).findings == []


@pytest.mark.slow
def test_any_byte_that_was_changed_is_found_and_named(copy):
    dice = random.Random(200)
    files = [path for path in sorted(copy.rglob("*")) if path.is_file() and path.stat().st_size]
    for _ in range(200):
        path = dice.choice(files)
        data = path.read_bytes()
        at = dice.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :])
        found = check_bag(copy)
        assert any(path.relative_to(copy).as_posix() in said for said in found), (path, at, found)
        path.write_bytes(data)
    assert check_bag(copy) == []


def rebag(folder: Path) -> None:
    """Make all hashes right again, as somebody would who wants to hide something."""
    from heritage.archive.bags.making import make_bag

    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
    make_bag(folder, {})


def change(name):
    """What somebody might change before making the bag's hashes right again."""

    def dossier(folder):
        path = folder / "data/metadata/dossier.json"
        path.write_text(path.read_text().replace('"rejected"', '"approved"'))

    def kept(folder):
        path = folder / "data/metadata/dossier.json"
        path.write_text(path.read_text().replace('"kept": false', '"kept": true'))

    def event(folder):
        path = folder / "data/metadata/dossier.json"
        path.write_text(path.read_text().replace('"agent": "Rex Reviewer"', '"agent": "Nobody"', 1))

    def premis(folder):
        path = folder / "data/metadata/premis.xml"
        path.write_text(path.read_text().replace("</premis", "</premiss", 1))

    def pixel(folder):
        path = folder / "data/restoration/mill/mill.restored.tif"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        path.write_bytes(data)

    def record(folder):
        (folder / "data/restoration/mill/mill.provenance.json").write_text("{}")

    def report(folder):
        (folder / "data/report/condition.html").write_text("<p>nothing was done</p>")

    return locals()[name]


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("kept", "decisions"),
        ("event", "record of events"),
        ("premis", "PREMIS"),
        ("pixel", "content credentials"),
        ("pixel", "pixels"),
        ("report", "PREMIS"),
        ("report", "METS"),
        ("dossier", "METS"),
        ("record", "pixels"),
        ("record", "decisions"),
    ],
)
def test_what_fits_the_bag_but_not_the_rest_is_found(copy, name, about):
    change(name)(copy)
    rebag(copy)
    found = prove(copy)
    assert {check.about for check in found.checks if check.findings} >= {about}
    assert next(check for check in found.checks if check.about == "fixity").findings == ()
    with pytest.raises(VerificationFailed):
        found.require()


KILLED = """
import sys
from datetime import datetime
from pathlib import Path
from heritage.archive.package import Wishes, pack
from heritage.archive.telling import read_dossier
dossier, signed, master, output = map(Path, sys.argv[1:])
told = read_dossier(dossier)
def report(folder):
    print("begun", flush=True)
    (folder / "condition.html").write_text("<p>as in the room</p>")
pack(told, signed, master, output, Wishes(), report, datetime(2026, 11, 25, 9, 0))
"""


@pytest.mark.slow
def test_killed_at_any_moment_the_next_call_makes_it_whole(signed, tmp_path):
    told, output = tmp_path / "dossier.json", tmp_path / "packages"
    told.write_bytes(dossier_json(signed.dossier))
    command = [sys.executable, "-c", KILLED, *map(str, (told, signed.made.folder, signed.master))]
    dice = random.Random(3)
    for _ in range(4):
        process = subprocess.Popen([*command, str(output)], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        time.sleep(dice.uniform(0, 1.0))
        process.kill()
        process.wait()
        process.stdout.close()
        for path in output.iterdir():  # whole, or not to be seen
            assert path.name.startswith(".") or prove(path).findings == []
    made = pack(signed.dossier, signed.made.folder, signed.master, output, Wishes(), report, NOW)
    assert prove(made.folder, signed.master).findings == []
    assert [path for path in output.iterdir() if path.name.endswith(".packing")] == []


def test_a_folder_that_is_no_package_is_said_to_be_none(tmp_path):
    assert prove(tmp_path).findings == ["package: is no package of this system"]


def test_a_picture_that_does_not_keep_the_rules_is_not_published(signed, tmp_path):
    wishes, output = Wishes(load_rules("baseline")), tmp_path / "out"
    with pytest.raises(VerificationFailed, match="16 bits a sample"):
        pack(signed.dossier, signed.made.folder, signed.master, output, wishes, report, NOW)
    assert not [path for path in output.iterdir() if not path.name.startswith(".")]
