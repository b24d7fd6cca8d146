"""The store is what OCFL 1.1 says, keeps every version, and survives being killed anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from heritage.archive.bags.digests import read_digest
from heritage.archive.ocfl.checking import check_object
from heritage.archive.ocfl.store import object_folder
from heritage.archive.ocfl.versions import add_version
from heritage.errors import HeritageError, OutputInTheWay, RestorationBusy, VerificationFailed
from heritage.restore.lock import RestorationLock

IDENTIFIER = "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e"
NOON = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
AVA = ("Ava Approver", "mailto:ava@museum.example")
VALIDATOR = Path(sys.executable).with_name("ocfl-validate.py")


def tree(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


VERSIONS = [
    {"original/mill.tif": b"master" * 500},
    {"original/mill.tif": b"master" * 500, "restoration/mill/mill.restored.tif": b"first"},
    {
        "original/mill.tif": b"master" * 500,
        "restoration/mill/mill.restored.tif": b"second",
        "restoration/mill/again.tif": b"second",
        "métadonnées/a b.xml": b"",
    },
]


@pytest.fixture
def sources(tmp_path) -> list[Path]:
    return [tree(tmp_path / f"source{number}", it) for number, it in enumerate(VERSIONS, 1)]


@pytest.fixture
def store(tmp_path, sources) -> Path:
    for number in range(1, 4):
        assert add(tmp_path / "store", sources, number) == f"v{number}"
    return tmp_path / "store"


def add(root: Path, sources: list[Path], number: int) -> str:
    at = NOON + timedelta(days=number)
    return add_version(root, IDENTIFIER, sources[number - 1], f"Version {number}", AVA, at)


def validator_says(*places: Path) -> str:
    """Nothing where ocfl-py finds neither error nor warning, else its words."""
    command = [sys.executable, str(VALIDATOR), *map(str, places)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wrong = done.returncode or "[W" in done.stdout or "[E" in done.stdout
    return done.stdout + done.stderr if wrong else ""


def contents(folder: Path, version: str) -> dict[str, bytes]:
    """The files of a version, as a stranger would find them with the specification in hand."""
    inventory = json.loads((folder / "inventory.json").read_bytes())
    manifest = inventory["manifest"]
    return {
        path: (folder / manifest[digest][0]).read_bytes()
        for digest, paths in inventory["versions"][version]["state"].items()
        for path in paths
    }


def test_every_version_is_valid_and_earlier_ones_stay(tmp_path, sources):
    root, folder = tmp_path / "store", object_folder(tmp_path / "store", IDENTIFIER)
    for number in range(1, 4):
        assert add(root, sources, number) == f"v{number}"
        assert validator_says(root, folder) == ""
        assert check_object(folder) == []
        for earlier in range(1, number + 1):
            assert contents(folder, f"v{earlier}") == VERSIONS[earlier - 1]
    assert [it.name for it in (root / "extensions").iterdir()] == [
        "0003-hash-and-id-n-tuple-storage-layout"
    ]


def test_content_is_stored_once(store):
    folder = object_folder(store, IDENTIFIER)
    stored = [it.read_bytes() for it in folder.glob("v*/content/**/*") if it.is_file()]
    assert sorted(stored) == sorted([b"", b"first", b"master" * 500, b"second"])


def test_a_version_says_who_when_and_why(store):
    inventory = json.loads((object_folder(store, IDENTIFIER) / "inventory.json").read_bytes())
    version = inventory["versions"]["v2"]
    assert version["user"] == {"name": AVA[0], "address": AVA[1]}
    assert version["message"] == "Version 2"
    assert datetime.fromisoformat(version["created"]) == NOON + timedelta(days=2)


@pytest.mark.parametrize(
    ("identifier", "place"),
    [  # from the table of extension 0003
        ("object-01", "3c0/ff4/240/object-01"),
        ("..hor/rib:le-$id", "487/326/d8c/%2e%2ehor%2frib%3ale-%24id"),
        ("..Hor/rib:lè-$id", "373/529/21a/%2e%2eHor%2frib%3al%c3%a8-%24id"),
        ("abcdefghij" * 10 + "a", "5cc/73e/648/" + "abcdefghij" * 10
         + "-5cc73e648fbcff136510e330871180922ddacf193b68fdeff855683a01464220"),
    ],
)  # fmt: skip
def test_objects_lie_where_the_layout_says(identifier, place):
    assert object_folder(Path("store"), identifier) == Path("store") / place


def test_the_same_version_again_adds_nothing(store, sources):
    assert add(store, sources, 3) == "v3"
    assert check_object(object_folder(store, IDENTIFIER)) == []


def test_known_checksums_save_reading(tmp_path, sources):
    def hashes(source: Path) -> dict[str, str]:
        files = [it for it in source.rglob("*") if it.is_file()]
        return {str(it.relative_to(source)): read_digest(str(it)).hashes["sha512"] for it in files}

    root = tmp_path / "store"
    add(root, sources, 1)
    known = hashes(sources[1])
    (sources[1] / "original/mill.tif").write_bytes(b"never read")
    add_version(root, IDENTIFIER, sources[1], "", AVA, NOON, known)
    folder = object_folder(root, IDENTIFIER)
    assert check_object(folder) == []
    assert contents(folder, "v2") == VERSIONS[1]
    (sources[2] / "métadonnées/a b.xml").write_bytes(b"lie")
    wrong = hashes(sources[2]) | {"métadonnées/a b.xml": "0" * 128}
    with pytest.raises(VerificationFailed, match="not the file whose checksum"):
        add_version(root, IDENTIFIER, sources[2], "", AVA, NOON, wrong)
    wrong.pop("original/mill.tif")
    with pytest.raises(HeritageError, match="not those whose checksums"):
        add_version(root, IDENTIFIER, sources[2], "", AVA, NOON, wrong)
    assert check_object(folder) == []
    assert validator_says(root) == ""


def test_many_objects_share_a_store(tmp_path, sources):
    root = tmp_path / "store"
    for number in range(5):
        add_version(root, f"urn:example:{number}", sources[1], "first", ("A", None), NOON)
    assert validator_says(root).count("[E") == 0
    assert len(list(root.glob("???/???/???/*/0=ocfl_object_1.1"))) == 5


def test_objects_written_at_once_do_not_disturb_one_another(tmp_path, sources):
    root = tmp_path / "store"

    def write(number: int) -> str:
        return add_version(root, f"urn:example:{number}", sources[2], "first", AVA, NOON)

    with ThreadPoolExecutor(12) as threads:
        assert list(threads.map(write, range(12))) == ["v1"] * 12
    assert validator_says(root) == ""
    assert len(list(root.glob("???/???/???/*"))) == 12


def test_one_object_has_one_writer(tmp_path, sources):
    root = tmp_path / "store"
    add(root, sources, 1)
    area = root / "extensions/heritage-staging"
    area.mkdir()
    name = object_folder(root, IDENTIFIER).name
    with (
        RestorationLock(area, hashlib.sha256(name.encode()).hexdigest()),
        pytest.raises(RestorationBusy, match="another process is writing this object"),
    ):
        add(root, sources, 2)
    assert add(root, sources, 2) == "v2"


def test_any_changed_byte_is_found_and_named(store):
    folder = object_folder(store, IDENTIFIER)
    rng = random.Random(7)
    files = sorted(it for it in folder.rglob("*") if it.is_file() and it.stat().st_size)
    for file in (files * 20)[:200]:
        whole = file.read_bytes()
        changed = bytearray(whole)
        changed[rng.randrange(len(whole))] ^= rng.randrange(1, 256)
        file.write_bytes(changed)
        path = str(file.relative_to(folder))
        assert any(path in finding for finding in check_object(folder)), path
        file.write_bytes(whole)
    assert check_object(folder) == []


def test_missing_added_and_linked_files_are_named(store):
    folder = object_folder(store, IDENTIFIER)
    for path in ("v1/content/original/mill.tif", "0=ocfl_object_1.1", "v2/inventory.json"):
        (folder / path).rename(folder.parent / "away")
        assert any(it.startswith(f"{path}: is missing") for it in check_object(folder))
        (folder.parent / "away").rename(folder / path)
    for path in ("more.txt", "v3/content/more.tif", "v4/inventory.json"):
        tree(folder, {path: b"x"})
        assert f"{path}: does not belong here" in check_object(folder)
        (folder / path).unlink()
    (folder / "v1/content/link").symlink_to("/etc/hostname")
    assert any(it.startswith("v1/content/link: is a link") for it in check_object(folder))


@pytest.mark.parametrize(
    "nonsense", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"manifest":1}']
)
def test_nonsense_for_an_inventory_is_a_finding_and_no_crash(store, sources, nonsense):
    folder = object_folder(store, IDENTIFIER)
    for place in (folder, folder / "v3"):
        whole = (place / "inventory.json").read_bytes()
        (place / "inventory.json").write_bytes(nonsense)
        assert any("inventory.json" in finding for finding in check_object(folder))
        with pytest.raises(VerificationFailed, match="damaged"):
            add_version(store, IDENTIFIER, sources[0], "", AVA, NOON)
        (place / "inventory.json").write_bytes(whole)
    assert check_object(folder / "nowhere")


def test_what_is_no_store_or_no_source_is_refused(tmp_path, sources):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("x")
    with pytest.raises(OutputInTheWay, match="not an OCFL store"):
        add(tmp_path / "full", sources, 1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/0=ocfl_1.1").write_text("ocfl_1.1\n")
    with pytest.raises(OutputInTheWay, match="another layout"):
        add(tmp_path / "other", sources, 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(HeritageError, match="holds no files"):
        add_version(tmp_path / "store", IDENTIFIER, tmp_path / "empty", "", AVA, NOON)
    (tmp_path / "empty/link").symlink_to("/etc/hostname")
    with pytest.raises(HeritageError, match="is a link"):
        add_version(tmp_path / "store", IDENTIFIER, tmp_path / "empty", "", AVA, NOON)
    for nothing in ("", "a\nb", "\udcff"):
        with pytest.raises(HeritageError, match="printable"):
            add_version(tmp_path / "store", nothing, sources[0], "", AVA, NOON)
    with pytest.raises(HeritageError, match="time zone"):
        add_version(tmp_path / "store", IDENTIFIER, sources[0], "", AVA, datetime(2026, 1, 1))


KILLED = """
    import os, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from heritage.archive.ocfl.versions import add_version
    from heritage.archive.ocfl.checking import check_object
    from heritage.archive.ocfl.store import object_folder

    os.fsync = lambda descriptor: None  # what a killed process wrote is there: only this is tested
    base, before, after = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    watched = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate"}
    left = None

    def hook(event, arguments):
        global left
        if left is None or event not in watched:
            return
        if event == "open" and str(base) not in str(arguments[0]):
            return
        left -= 1
        if left == 0:
            if event == "open" and arguments[2] & os.O_CREAT:  # killed before anything is written
                left = None
                os.close(os.open(arguments[0], arguments[2], 0o644))
            os._exit(9)

    sys.addaudithook(hook)

    def add(root, source):
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return add_version(root, "urn:example:1", Path(source), source, ("A", "mailto:a@b.c"), at)

    steps = 0
    while True:
        steps += 1
        root = base / f"store{steps}"
        if before:
            add(root, before)
        child = os.fork()
        if child == 0:
            left = steps
            add(root, after)
            os._exit(0)
        done = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        folder = object_folder(root, "urn:example:1")
        if before:  # what was there is there, whatever instant it was
            kept = folder / "v1/content/original/mill.tif"
            assert kept.read_bytes() == (Path(before) / "original/mill.tif").read_bytes()
            assert b'"v1"' in (folder / "inventory.json").read_bytes()
        elif folder.exists():  # a new object is there whole or not at all
            assert check_object(folder) == [], steps
        assert add(root, after) == ("v2" if before else "v1"), steps
        assert check_object(folder) == [], steps
        assert not (root / "extensions/heritage-staging").exists(), steps
        if done == 0:
            break
        assert done == 9
    print(steps)
"""


@pytest.fixture
def base(tmp_path) -> Iterator[Path]:
    """A folder in memory where there is one: hundreds of stores are made in it."""
    memory = Path("/dev/shm")
    room = memory if os.access(memory, os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(prefix="heritage-stores-", dir=room) as folder:
        yield Path(folder)


@pytest.mark.parametrize("first", [True, False])
def test_killed_at_every_step_the_next_call_completes(base, sources, first):
    before, after = ("", sources[0]) if first else (sources[0], sources[2])
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(base), str(before), str(after)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout)
    assert steps > 20
    assert validator_says(*base.iterdir()) == ""
