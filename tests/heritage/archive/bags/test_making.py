"""Bags are what RFC 8493 says, and no byte of one can change unseen."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from heritage.archive.bags.checking import check_bag
from heritage.archive.bags.digests import read_digest
from heritage.archive.bags.making import make_bag
from heritage.archive.bags.manifests import TAG_FILES
from heritage.archive.bags.paths import decode_path, encode_path, shown
from heritage.errors import OutputInTheWay, PackageRefused

INFO = {"Source-Organization": "Museum of Tests", "External-Identifier": ["1923.7", "1923.8"]}


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / "data" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "data" / path).write_bytes(data)
    return folder


@pytest.fixture
def bag(tmp_path) -> Path:
    rng = random.Random(3)
    names = ["mill.tif", "restoration/mill/mill.restored.tif", "métadonnées/mets.xml", "100%.txt"]
    fill(tmp_path / "bag", {name: rng.randbytes(900) for name in names} | {"empty": b""})
    make_bag(tmp_path / "bag", INFO)
    return tmp_path / "bag"


@pytest.fixture
def plain(bag) -> Path:
    """The same without a percent sign, which bagit-python does not decode (RFC 8493, 2.1.3)."""
    (bag / "data/100%.txt").unlink()
    make_bag(bag, INFO)
    return bag


def bagit_says(bag: Path) -> bool:
    command = [sys.executable, "-m", "bagit", "--validate", "--quiet", str(bag)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def named(findings: list[str]) -> set[str]:
    return {finding.partition(": ")[0] for finding in findings}


def test_a_bag_declares_itself_and_lists_all_with_both_algorithms(bag):
    assert (bag / "bagit.txt").read_bytes() == (
        b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    )
    information = (bag / "bag-info.txt").read_text().splitlines()
    assert "Payload-Oxum: 3600.5" in information
    assert "External-Identifier: 1923.8" in information
    assert any(line.startswith("Bag-Software-Agent: heritage ") for line in information)
    for name in ("sha256", "sha512"):
        manifest = (bag / f"manifest-{name}.txt").read_text()
        assert "  data/100%25.txt\n" in manifest
        assert len(manifest.splitlines()) == 5
        assert len((bag / f"tagmanifest-{name}.txt").read_text().splitlines()) == 4
    assert check_bag(bag) == []


def test_bagit_python_agrees(plain):
    assert bagit_says(plain)
    (plain / "data/mill.tif").write_bytes(b"other")
    assert not bagit_says(plain)


def test_known_checksums_save_reading_and_give_the_same_bag(bag):
    def manifests() -> list[bytes]:
        return [(bag / name).read_bytes() for name in TAG_FILES if "bag-info" not in name]

    before = manifests()
    paths = [str(it.relative_to(bag)) for it in (bag / "data").rglob("*") if it.is_file()]
    digests = {path: read_digest(f"{bag}/{path}").hashes for path in paths}
    hashes = {path: (it["sha256"], it["sha512"]) for path, it in digests.items()}
    make_bag(bag, INFO, hashes)
    assert manifests() == before
    hashes.pop("data/mill.tif")
    with pytest.raises(PackageRefused, match="not those whose checksums"):
        make_bag(bag, INFO, hashes)


def test_any_changed_byte_is_found_and_no_other_file_is_blamed(bag):
    rng = random.Random(11)
    files = sorted(it for it in bag.rglob("*") if it.is_file() and it.stat().st_size)
    # Spread over files, not bytes, so that the small ones get their share.
    chosen = [(file, rng.randrange(file.stat().st_size)) for file in files * 23][:200]
    assert len(chosen) == 200
    assert len({file for file, _ in chosen}) == len(files) == 10
    for file, place in chosen:
        whole = file.read_bytes()
        changed = bytearray(whole)
        changed[place] ^= rng.randrange(1, 256)
        file.write_bytes(changed)
        assert named(check_bag(bag)) == {shown(str(file.relative_to(bag)))}, (file, place)
        file.write_bytes(whole)
    assert check_bag(bag) == []


def test_every_other_byte_in_a_tag_manifest_is_found(bag):
    """No file has its checksum: all 255 other values at some places, line ends and gaps too."""
    file = bag / "tagmanifest-sha512.txt"
    whole = file.read_bytes()
    end = whole.index(b"\n")
    for place in (0, 129, end, len(whole) - 1):
        for value in set(range(256)) - {whole[place]}:
            file.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            assert named(check_bag(bag)) == {file.name}, (place, value)


@pytest.mark.parametrize("name", [*TAG_FILES, "data/mill.tif", "data/empty"])
def test_a_missing_file_is_named(bag, name):
    (bag / name).unlink()
    assert name in named(check_bag(bag))


@pytest.mark.parametrize("name", ["data/more.tif", "more.txt", "metadata/more.xml", "data/a/b"])
def test_a_file_too_many_is_named(bag, name):
    (bag / name).parent.mkdir(exist_ok=True)
    (bag / name).write_bytes(b"x")
    assert named(check_bag(bag)) == {name}


def test_renamed_and_swapped_files_are_named(bag):
    mill, restored = bag / "data/mill.tif", bag / "data/restoration/mill/mill.restored.tif"
    first, second = mill.read_bytes(), restored.read_bytes()
    mill.write_bytes(second)
    restored.write_bytes(first)
    swapped = {"data/mill.tif", "data/restoration/mill/mill.restored.tif"}
    assert named(check_bag(bag)) == swapped
    mill.write_bytes(first)
    restored.write_bytes(second)
    mill.rename(bag / "data/mil.tif")
    assert named(check_bag(bag)) == {"data/mill.tif", "data/mil.tif"}


def test_a_shortened_file_is_named(bag):
    os.truncate(bag / "data/mill.tif", 899)
    assert named(check_bag(bag)) == {"data/mill.tif"}


def test_links_are_refused_even_to_the_same_bytes(bag, tmp_path):
    mill = bag / "data/mill.tif"
    mill.rename(tmp_path / "elsewhere.tif")
    mill.symlink_to(tmp_path / "elsewhere.tif")
    assert "data/mill.tif: is a link, and only files may be here" in check_bag(bag)
    with pytest.raises(PackageRefused, match="is a link"):
        make_bag(bag, INFO)
    mill.unlink()
    os.mkfifo(mill)  # reading it would wait for ever
    assert "data/mill.tif: is a device or pipe, and only files may be here" in check_bag(bag)


def test_manifests_lead_nowhere_outside_the_bag(bag, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    known = read_digest(str(secret)).hashes
    for path in ("../secret", str(secret), "data/../../secret", "data/./mill.tif", "data//x"):
        for name in ("sha256", "sha512"):
            manifest = bag / f"manifest-{name}.txt"
            lines = [it for it in manifest.read_text().splitlines() if "mill.tif" in it][:1]
            manifest.write_text(f"{known[name]}  {path}\n{lines[0]}\n")
        findings = check_bag(bag)
        line = "line 1 is not a checksum and a path of this bag"
        assert f"manifest-sha256.txt: {line}" in findings


def test_a_consistent_lie_about_the_amount_is_found(bag):
    text = (bag / "bag-info.txt").read_text().replace("3600.5", "3600.4")
    (bag / "bag-info.txt").write_text(text)
    for name in ("sha256", "sha512"):
        file = bag / f"tagmanifest-{name}.txt"
        lines = [it for it in file.read_text().splitlines() if "bag-info" not in it]
        digest = read_digest(str(bag / "bag-info.txt")).hashes[name]
        file.write_text("\n".join([f"{digest}  bag-info.txt", *lines]) + "\n")
    assert check_bag(bag) == ["bag-info.txt: says Payload-Oxum 3600.4, found 3600.5"]


def test_a_bag_that_passed_through_a_mac_is_still_sound(bag):
    path = bag / "data/métadonnées"
    path.rename(bag / "data" / unicodedata.normalize("NFD", path.name))
    assert check_bag(bag) == []


def test_names_that_some_systems_confuse_are_found_and_refused(bag):
    shutil.copy(bag / "data/mill.tif", bag / "data/Mill.tif")
    said = "data/mill.tif: is the same name as data/Mill.tif on some systems"
    assert said in check_bag(bag)
    with pytest.raises(PackageRefused, match="is the same name as"):
        make_bag(bag, INFO)


@pytest.mark.parametrize(
    "name", ["e\u0301.tif", "a\u2028b.tif", "a\x1cb.tif", "mill.tif ", "a /b.tif", "\udcff.tif"]
)
def test_names_that_get_lost_elsewhere_are_refused(tmp_path, name):
    fill(tmp_path, {name: b"x"})
    with pytest.raises(PackageRefused, match="is not kept by every system"):
        make_bag(tmp_path, INFO)


def test_nothing_foreign_is_made_part_of_a_bag(tmp_path):
    with pytest.raises(PackageRefused, match="no folder data"):
        make_bag(tmp_path, INFO)
    fill(tmp_path, {"a": b"a"})
    with pytest.raises(PackageRefused, match="label"):
        make_bag(tmp_path, {"Two: words": "x"})
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(OutputInTheWay, match="only a bag"):
        make_bag(tmp_path, INFO)


def test_values_cannot_add_lines(tmp_path):
    fill(tmp_path, {"a": b"a"})
    make_bag(tmp_path, {"Title": "The Mill\nPayload-Oxum: 7.7", "Bagging-Date": "2026-11-24"})
    lines = (tmp_path / "bag-info.txt").read_text().splitlines()
    assert "Title: The Mill Payload-Oxum: 7.7" in lines
    assert "Bagging-Date: 2026-11-24" in lines
    assert lines[-1] == "Payload-Oxum: 1.1"
    assert check_bag(tmp_path) == []
    assert bagit_says(tmp_path)


def test_a_bag_half_written_is_unsound_and_made_whole_by_the_same_call(bag):
    for number, name in enumerate(TAG_FILES):
        for later in TAG_FILES[number + 1 :]:
            (bag / later).unlink(missing_ok=True)
        os.truncate(bag / name, 20)
        assert check_bag(bag)
        make_bag(bag, INFO)
        assert check_bag(bag) == []


def test_a_large_file_is_read_beside_small_ones(tmp_path):
    fill(tmp_path, {"large.tif": bytes(9 << 20), "small.txt": b"x"})
    make_bag(tmp_path, INFO)
    assert check_bag(tmp_path) == []
    with (tmp_path / "data/large.tif").open("r+b") as file:
        file.seek(8 << 20)
        file.write(b"\x01")
    assert named(check_bag(tmp_path)) == {"data/large.tif"}


def test_nonsense_is_a_finding_and_no_crash(bag):
    for name in TAG_FILES:
        whole = (bag / name).read_bytes()
        for nonsense in (b"", b"\xff\xfe\x00", b"\n\n", b"\xef\xbb\xbf" + whole, whole * 2):
            (bag / name).write_bytes(nonsense)
            assert named(check_bag(bag)) == {name}, nonsense
        (bag / name).write_bytes(whole)
    assert check_bag(bag / "nowhere")


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\x00", exclude_categories=["Cs"]),
    min_size=1, max_size=12,
).map(lambda it: unicodedata.normalize("NFC", it))  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES | st.sampled_from(["a b.tif", "%25", "a\nb", "a\r\nb", "%0A", "ü"])))
def test_whatever_a_file_is_called_the_bag_is_sound_or_refused(tmp_path, names):
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    assume(names and not {".", ".."} & set(names))
    assume(all(len(name.encode()) < 200 for name in names))
    fill(folder, {name: name.encode() for name in names})
    try:
        make_bag(folder, INFO)
    except PackageRefused:
        return
    assert check_bag(folder) == []
    name = names[0]
    (folder / "data" / name).write_bytes(b"other")
    assert named(check_bag(folder)) == {shown(f"data/{name}")}


@given(NAMES)
def test_encoding_of_paths_can_be_undone(name):
    coded = encode_path(name)
    assert decode_path(coded) == name
    assert not set("\r\n") & set(coded)


def test_bagit_python_agrees_on_odd_names(tmp_path):
    names = ["a b.tif", "ünïcode 木.tif", "new\nline.tif", "return\rhere.tif", "#1.tif", "~/x", "*"]
    fill(tmp_path, {name: name.encode() for name in names})
    make_bag(tmp_path, INFO)
    assert check_bag(tmp_path) == []
    assert bagit_says(tmp_path)


def test_percent_signs_may_stand_as_bagit_python_writes_them(tmp_path):
    for names in (["100%25.tif"], ["a%b", "a%25b", "a%2525b"], ["new\nline%25.tif", "100%.tif"]):
        bag = tmp_path / str(len(list(tmp_path.iterdir())))
        bag.mkdir()
        for name in names:
            (bag / name).write_bytes(name.encode())
        command = [sys.executable, "-m", "bagit", "--quiet", "--sha256", "--sha512", str(bag)]
        subprocess.run(command, check=True)
        assert check_bag(bag) == []
        (bag / "data" / names[0]).write_bytes(b"other")
        assert named(check_bag(bag)) == {shown(f"data/{names[0]}")}
        make_bag(bag, INFO)
        assert check_bag(bag) == []
        (bag / "data" / names[0]).unlink()
        assert named(check_bag(bag)) == {shown(f"data/{names[0]}")}


def test_a_percent_sign_renamed_is_found_where_other_names_tell_its_spelling(tmp_path):
    fill(tmp_path, {name: name.encode() for name in ("100%.tif", "50%.tif")})
    make_bag(tmp_path, INFO)
    (tmp_path / "data/100%.tif").rename(tmp_path / "data/100%25.tif")
    assert named(check_bag(tmp_path)) == {"data/100%25.tif", "data/100%2525.tif"}
