"""A packet is put into a file, and not another byte of it changes."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.errors import MasterRefused, StorageFailed
from heritage.tiff import structure_differences
from heritage.tiff.tagging import XMP, Embedding, embed_xmp, read_xmp

PACKET = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>" * 3
SMALL = np.arange(12 * 9, dtype=np.uint8).reshape(12, 9)


def tag(packet: bytes, kind: int = 1) -> tuple[int, int, int, bytes, bool]:
    return XMP, kind, len(packet), packet, True


def others(path: Path, page: int) -> list[tuple[int, int, int, object]]:
    """All tags of a page but the packet's."""
    with tifffile.TiffFile(path) as file:
        tags = file.pages[page].tags
        return [(t.code, int(t.dtype), t.count, t.value) for t in tags if t.code != XMP]


def require_grown(source: Path, target: Path, done: Embedding) -> None:
    """Only what is said to be patched differs, and the rest is behind."""
    before, after = source.read_bytes(), bytearray(target.read_bytes())
    assert done.source_sha256 == hashlib.sha256(before).hexdigest()
    assert done.sha256 == hashlib.sha256(after).hexdigest()
    assert done.bytes == len(after)
    for start, stop in done.patched:
        assert stop <= len(before)
        after[start:stop] = before[start:stop]
    assert after[: len(before)] == before


@settings(max_examples=60)
@given(data=st.data())
def test_every_kind_of_file_takes_a_packet(any_recipe, data):
    recipe = data.draw(any_recipe)
    packets = st.binary(min_size=1, max_size=40)
    old = [data.draw(st.none() | packets) for _ in range(3)]
    new, page = data.draw(packets), data.draw(st.integers(0, 2))
    kinds = [data.draw(st.sampled_from([1, 7])) for _ in range(3)]
    tags = [[] if one is None else [tag(one, kind)] for one, kind in zip(old, kinds, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "a.tif"), Path(folder, "b.tif")
        recipe.write(source, extratags=tags[0])
        for more in tags[1:]:
            tifffile.imwrite(
                source, SMALL, append=True, metadata=None, extratags=more, photometric="minisblack"
            )
        done = embed_xmp(source, target, new, page)
        require_grown(source, target, done)
        assert done.xmp_sha256 == hashlib.sha256(new).hexdigest()
        wanted = [new if index == page else one for index, one in enumerate(old)]
        assert [read_xmp(target, index) for index in range(3)] == wanted
        assert structure_differences(source, target, page, reencoded=False, embedded=True) == []
        for index in range(3):
            assert others(source, index) == others(target, index)
            was, now = (tifffile.imread(path, key=index) for path in (source, target))
            assert was.tobytes() == now.tobytes()
        with tifffile.TiffFile(target) as file:
            codes = [one.code for one in file.pages[page].tags]
            written = file.pages[page].tags[XMP]
        assert codes == sorted(codes)
        assert written.dtype == (1 if old[page] is None else kinds[page])


@pytest.fixture
def pages(tmp_path):
    """A file of two pages, the first with a packet if there is one."""

    def write(packet: bytes | None = None, kind: int = 1, **options: object) -> Path:
        path = tmp_path / "a.tif"
        with tifffile.TiffWriter(path, **options) as writer:
            for code in (0, 1):
                more = [] if packet is None else [tag(packet[:-1] + bytes([65 + code]), kind)]
                writer.write(
                    SMALL + code, photometric="minisblack", metadata=None, extratags=more, subifds=0
                )
        return path

    return write


def test_the_packet_of_the_master_is_not_left_behind(pages, out):
    source = pages(b"what the master said" * 3)
    old, other = read_xmp(source, 0), read_xmp(source, 1)
    require_grown(source, out, embed_xmp(source, out, PACKET))
    assert old not in out.read_bytes()
    assert out.read_bytes().count(other) == 1


def test_a_packet_that_two_pages_share_stays_for_the_other(pages, out):
    source = pages(b"shared" * 9)
    with tifffile.TiffFile(source) as file:
        first, second = (page.tags[XMP] for page in file.pages)
        at, value = second.offset + 8, first.valueoffset
    with source.open("r+b") as file:
        file.seek(at)
        file.write(struct.pack("<I", value))
    shared = read_xmp(source, 1)
    assert shared == read_xmp(source, 0)
    require_grown(source, out, embed_xmp(source, out, PACKET, 0))
    assert read_xmp(out, 0) == PACKET
    assert read_xmp(out, 1) == shared


def test_a_packet_of_an_odd_type_becomes_bytes(pages, out):
    source = pages(b"as text\0", kind=2)
    embed_xmp(source, out, PACKET)
    with tifffile.TiffFile(out) as file:
        assert file.pages[0].tags[XMP].dtype == 1


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}])
@pytest.mark.parametrize("before", [None, b"old" * 30])
@pytest.mark.parametrize("page", [0, 1])
def test_libtiff_reads_it_without_complaint(pages, out, options, before, page):
    if shutil.which("tiffinfo") is None:
        pytest.skip("tiffinfo is not here")
    embed_xmp(pages(before, **options), out, PACKET, page)
    done = subprocess.run(["tiffinfo", "-D", "-c", str(out)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert PACKET.decode() in done.stdout
    assert done.stdout.count("TIFF Directory") == 2


def test_without_embedded_the_tag_counts_as_a_difference(pages, out):
    source = pages()
    embed_xmp(source, out, PACKET)
    assert structure_differences(source, out, 0, reencoded=False) == [
        "page 1: tag 700 (XMP) was added"
    ]
    assert structure_differences(source, out, 1, reencoded=False, embedded=True) == [
        "page 1: tag 700 (XMP) was added",
    ]


def test_a_target_that_exists_is_left_alone(pages, out):
    out.write_bytes(b"mine")
    with pytest.raises(StorageFailed, match="cannot be created"):
        embed_xmp(pages(), out, PACKET)
    assert out.read_bytes() == b"mine"


def test_a_disk_that_is_full_leaves_nothing_behind(pages, out):
    source, before = pages(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        with pytest.raises(StorageFailed, match="cannot be written"):
            embed_xmp(source, out, PACKET)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not out.exists()


def test_a_classic_file_that_would_pass_4_gib_is_refused(pages, out):
    source = pages()
    os.truncate(source, 2**32 - 1 - len(PACKET))  # a hole, which takes no room
    with pytest.raises(MasterRefused, match="would pass 4 GiB"):
        embed_xmp(source, out, PACKET)
    assert not out.exists()


def test_a_page_that_is_a_sub_image_as_well_is_refused(tmp_path, out):
    source = tmp_path / "a.tif"
    with tifffile.TiffWriter(source) as writer:
        writer.write(SMALL, photometric="minisblack", metadata=None, subifds=1)
        writer.write(SMALL, photometric="minisblack", metadata=None, subfiletype=1)
        writer.write(SMALL, photometric="minisblack", metadata=None)
    with tifffile.TiffFile(source) as file:
        at, second = file.pages[0].tags[330].valueoffset, file.pages[1].offset
    with source.open("r+b") as file:
        file.seek(at)
        file.write(struct.pack("<I", second))
    with pytest.raises(MasterRefused, match="are the same one"):
        embed_xmp(source, out, PACKET, 1)


@pytest.mark.parametrize("work", [read_xmp, lambda path, page: embed_xmp(path, "x", b"x", page)])
def test_a_page_that_is_not_there_is_refused(pages, work):
    with pytest.raises(MasterRefused, match="no page 3"):
        work(pages(), 2)


def test_what_is_no_tiff_or_not_there_is_said(tmp_path):
    (tmp_path / "n.tif").write_bytes(b"no picture at all")
    with pytest.raises(MasterRefused, match="not a TIFF"):
        read_xmp(tmp_path / "n.tif")
    with pytest.raises(StorageFailed, match="cannot be read"):
        read_xmp(tmp_path / "gone.tif")


def test_an_absurd_packet_is_not_read_into_memory(pages):
    source = pages(b"old" * 30)
    with tifffile.TiffFile(source) as file:
        at = file.pages[0].tags[XMP].offset + 4
    with source.open("r+b") as file:
        file.seek(at)
        file.write(struct.pack("<I", 1 << 30))
    os.truncate(source, 2 << 30)
    with pytest.raises(MasterRefused, match="1024 MiB"):
        read_xmp(source)
