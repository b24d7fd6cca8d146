"""What lies in a package, and of what kind it is."""

import hashlib
import os
import shutil
import unicodedata

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from heritage.archive.premis import listing
from heritage.archive.premis.formats import BY_ENDING, JFIF_NUMBERS, PDF_NUMBERS, kind_of
from heritage.archive.premis.listing import describe_file, list_files
from heritage.errors import StorageFailed, VerificationFailed


@pytest.fixture
def bag(tmp_path, signed):
    shutil.copytree(signed.made.folder, tmp_path / "data" / "restoration" / "mill")
    (tmp_path / "data" / "metadata").mkdir()
    (tmp_path / "data" / "metadata" / "dossier.json").write_text("{}")
    (tmp_path / "bagit.txt").write_text("no payload")
    return tmp_path


ROLES = {
    "data/restoration": "evidence",
    "data/restoration/mill/mill.restored.tif": "restored",
    "data/metadata": "metadata",
}


def test_every_file_of_the_payload_is_listed_with_what_other_tools_compute(bag):
    files = list_files(bag, ROLES)
    there = {p.relative_to(bag).as_posix() for p in (bag / "data").rglob("*") if p.is_file()}
    assert [file.path for file in files] == sorted(there)
    for file in files:
        content = (bag / file.path).read_bytes()
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert file.sha512 == hashlib.sha512(content).hexdigest()
        assert file.bytes == len(content)


def test_the_longest_path_has_the_say_over_the_role(bag):
    roles = {file.path: file.role for file in list_files(bag, ROLES)}
    assert roles["data/restoration/mill/mill.restored.tif"] == "restored"
    assert roles["data/restoration/mill/mill.mask.tif"] == "evidence"
    assert roles["data/metadata/dossier.json"] == "metadata"


def test_what_has_no_role_is_left_out(bag):
    assert [file.path for file in list_files(bag, {"data/metadata": "metadata"})] == [
        "data/metadata/dossier.json"
    ]


def test_known_files_are_not_read_again(bag):
    before = {file.path: file for file in list_files(bag, ROLES)}
    (bag / "data" / "metadata" / "dossier.json").write_text("{ }")
    (bag / "data" / "metadata" / "premis.xml").write_text("<a/>")
    after = {file.path: file for file in list_files(bag, ROLES, before)}
    assert after.keys() - before.keys() == {"data/metadata/premis.xml"}
    assert all(after[path] is file for path, file in before.items())


def test_chunks_make_no_difference(bag, monkeypatch):
    path = "data/restoration/mill/mill.restored.tif"
    whole = describe_file(bag, path, "restored")
    monkeypatch.setattr(listing, "CHUNK", 1000)
    assert describe_file(bag, path, "restored") == whole


@pytest.mark.parametrize("target", ["data/metadata/dossier.json", "data/metadata", "gone"])
def test_links_are_refused(bag, target):
    (bag / "data" / "linked").symlink_to(bag / target)
    with pytest.raises(VerificationFailed, match="is a link; a package holds the files"):
        list_files(bag, ROLES)


def test_a_payload_that_is_a_link_is_refused(bag, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "data").symlink_to(bag / "data")
    with pytest.raises(VerificationFailed, match="is a link"):
        list_files(other, ROLES)


def test_pipes_are_refused_and_not_waited_for(bag):
    os.mkfifo(bag / "data" / "pipe")
    with pytest.raises(VerificationFailed, match="neither file nor folder"):
        list_files(bag, ROLES)


@pytest.mark.parametrize("name", [b"a\x01b", b"a\xffb"])
def test_names_that_xml_cannot_hold_are_refused(bag, name):
    (bag / "data" / os.fsdecode(name)).write_text("")
    with pytest.raises(VerificationFailed, match="a name that XML cannot hold; rename it"):
        list_files(bag, ROLES)


def test_a_folder_without_payload_says_so(tmp_path):
    with pytest.raises(StorageFailed, match="cannot be listed"):
        list_files(tmp_path, {})


def test_a_file_that_is_gone_says_so(bag):
    with pytest.raises(StorageFailed, match="cannot be read"):
        describe_file(bag, "data/gone.tif", "mask")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("big", "pronom"), [(False, "fmt/353"), (True, "fmt/1917")])
def test_classic_tiff_and_bigtiff_are_told_apart(tmp_path, big, order, pronom):
    (tmp_path / "data").mkdir()
    picture = np.zeros((4, 4), np.uint8)
    tifffile.imwrite(tmp_path / "data" / "a.TIF", picture, bigtiff=big, byteorder=order)
    (file,) = list_files(tmp_path, {"data": "mask"})
    assert (file.media_type, file.pronom) == ("image/tiff", pronom)
    assert file.format_name == ("BigTIFF" if big else "Tagged Image File Format")


def test_what_only_calls_itself_a_tiff_gets_no_number():
    assert kind_of(".tif", b"%PDF-1.7").pronom is None


def test_versions_of_jpeg_and_pdf_come_from_the_file(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.jpg")
    told = describe_file(tmp_path, "a.jpg", "access")
    assert (told.format_version, told.pronom) == ("1.01", "fmt/43")
    assert kind_of(".pdf", b"%PDF-1.7\n").pronom == "fmt/276"
    assert kind_of(".pdf", b"%PDF-9.9\n").pronom is None
    assert kind_of(".jpg", b"\xff\xd8\xff\xe1 Exif").pronom is None


def test_html_5_says_so_itself():
    assert kind_of(".html", b"\n<!DOCTYPE html><html>").pronom == "fmt/471"
    assert kind_of(".htm", b"<html>").pronom is None


@given(
    ending=st.sampled_from([*BY_ENDING, ".tif", ".pdf", ".jpg", ".html", "", ".x"]),
    head=st.binary(),
)
def test_any_content_has_a_kind(ending, head):
    kind = kind_of(ending, head)
    assert "/" in kind.media_type
    assert kind.name
    assert kind == kind_of(ending.upper(), head)


def test_no_number_stands_for_two_kinds():
    numbers = [kind.pronom for kind in BY_ENDING.values() if kind.pronom]
    numbers += [*PDF_NUMBERS.values(), *JFIF_NUMBERS.values()]
    assert len(set(numbers)) == len(numbers)


def test_names_are_kept_as_the_disk_has_them(tmp_path):
    name = unicodedata.normalize("NFD", "Mühle") + " #1 50%.json"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_text("{}")
    (file,) = list_files(tmp_path, {"data": "metadata"})
    assert file.path == f"data/{name}"
