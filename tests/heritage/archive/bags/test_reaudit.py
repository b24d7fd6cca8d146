"""A re-audit finds in many bags what a full check finds in one, and reads each byte once."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from heritage.archive.bags.checking import check_bag
from heritage.archive.bags.making import make_bag
from heritage.archive.bags.paths import shown
from heritage.archive.bags.reaudit import find_bags, reaudit
from heritage.errors import StorageFailed


@pytest.fixture
def shelf(tmp_path) -> Path:
    """Thirty bags at two depths."""
    rng = random.Random(5)
    for number in range(30):
        bag = tmp_path / "shelf" / f"{number % 3}" / f"bag{number:02}"
        (bag / "data/access").mkdir(parents=True)
        for name in ("mill.tif", "access/mill.jpg", "mets.xml"):
            (bag / "data" / name).write_bytes(rng.randbytes(rng.randrange(5000)))
        make_bag(bag, {"External-Identifier": str(number)})
    return tmp_path / "shelf"


def size_of(folder: Path) -> tuple[int, int]:
    files = [it for it in folder.rglob("*") if it.is_file() and "tagmanifest" not in it.name]
    return len(files), sum(it.stat().st_size for it in files)


def test_sound_bags_are_all_read_and_counted(shelf):
    told = []
    found = reaudit(shelf, lambda place, said: told.append((place, said.findings)))
    assert found.sound
    assert found.bags == len(told) == 30
    assert [place for place, _ in told] == sorted(place for place, _ in told)
    assert (found.files, found.bytes) == size_of(shelf)
    assert found.strays == ()


def test_any_changed_byte_is_found_in_its_bag_and_its_file(shelf):
    rng = random.Random(13)
    bags = sorted(shelf.glob("*/*"))
    expected = {}
    for bag in bags[::2]:
        files = [it for it in bag.rglob("*") if it.is_file() and it.stat().st_size]
        file = rng.choice(sorted(files))
        changed = bytearray(file.read_bytes())
        changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
        file.write_bytes(changed)
        expected[str(bag.relative_to(shelf))] = shown(str(file.relative_to(bag)))
    found = reaudit(shelf)
    assert found.findings.keys() == expected.keys()
    for place, file in expected.items():
        assert {it.partition(": ")[0] for it in found.findings[place]} == {file}
        assert list(found.findings[place]) == check_bag(shelf / place)
    assert not found.sound


def test_a_bag_that_lost_its_declaration_is_still_seen(shelf):
    (shelf / "0/bag00/bagit.txt").unlink()
    for name in ("bag-info.txt", "manifest-sha256.txt", "bagit.txt", "manifest-sha512.txt"):
        (shelf / "1/bag01" / name).unlink()
    found = reaudit(shelf)
    assert found.bags == 30
    assert set(found.findings) == {"0/bag00", "1/bag01"}
    assert "bagit.txt: is missing" in found.findings["0/bag00"]


def test_a_bag_that_is_gone_is_missed_if_it_was_expected(shelf):
    shutil.rmtree(shelf / "2/bag05")
    assert reaudit(shelf).sound
    found = reaudit(shelf, expected=["2/bag05", "2/bag08"])
    assert found.findings == {"2/bag05": ("2/bag05: the bag is not there",)}


def test_what_belongs_to_no_bag_is_told_and_what_is_being_made_passed_over(shelf, tmp_path):
    (shelf / "0/notes.txt").write_text("x")
    (shelf / "link").symlink_to(shelf / "0", target_is_directory=True)
    shutil.copytree(shelf / "0/bag00", shelf / ".bag99.part")
    (shelf / ".bag99.part/data/mill.tif").write_bytes(b"half")
    found = reaudit(shelf)
    assert (found.bags, found.strays, found.sound) == (30, ("0/notes.txt", "link"), True)


def test_one_bag_alone_and_no_bag_at_all(shelf, tmp_path):
    alone = reaudit(shelf / "0/bag00")
    assert (alone.bags, alone.sound) == (1, True)
    (tmp_path / "empty").mkdir()
    assert reaudit(tmp_path / "empty").bags == 0
    with pytest.raises(StorageFailed):
        reaudit(tmp_path / "nowhere")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_cannot_be_read_is_a_finding(shelf):
    (shelf / "0/bag00/data/mill.tif").chmod(0)
    (shelf / "1").chmod(0)
    try:
        found = reaudit(shelf)
    finally:
        (shelf / "1").chmod(0o755)
    assert set(found.findings) == {"0/bag00", "1"}


def test_large_files_are_read_beside_the_bags(tmp_path):
    for number in range(3):
        (tmp_path / f"bag{number}/data").mkdir(parents=True)
        (tmp_path / f"bag{number}/data/large.tif").write_bytes(bytes([number]) * (9 << 20))
        make_bag(tmp_path / f"bag{number}", {})
    with (tmp_path / "bag1/data/large.tif").open("r+b") as file:
        file.write(b"x")
    found = reaudit(tmp_path, threads=1)
    assert set(found.findings) == {"bag1"}
    assert found.findings["bag1"][0].startswith("data/large.tif: was changed")


def test_bags_are_found_in_order_and_never_inside_one_another(shelf):
    (shelf / "0/bag00/data/bagit.txt").write_text("x")
    places = list(find_bags(shelf, []))
    assert places == sorted(str(it.relative_to(shelf)) for it in shelf.glob("*/*"))
