"""Files whose tables are odd: shared, narrow, missing, generous or empty."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from heritage.errors import MasterRefused
from heritage.geometry import Box
from heritage.tiff import compose, open_master, structure_differences

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 16: 8}
CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}


def write_tiff(
    path: Path, pages: list[tuple[dict[int, tuple[int, list[int]]], bytes]], order: str = "<"
) -> None:
    """A classic TIFF, byte by byte: for each page tags (type, values), then its data.

    A tag value of -1 - n stands for the position of byte n of the file's data.
    """
    blobs, raw = b"".join(data for _, data in pages), bytearray()
    raw += (b"II*\0" if order == "<" else b"MM\0*") + bytes(4)
    base = len(raw)
    raw += blobs
    link = 4
    for tags, _ in pages:
        raw += bytes(len(raw) % 2)
        here = len(raw)
        struct.pack_into(order + "I", raw, link, here)
        raw += struct.pack(order + "H", len(tags)) + bytes(12 * len(tags) + 4)
        for index, (code, (kind, values)) in enumerate(sorted(tags.items())):
            values = [base - 1 - value if value < 0 else value for value in values]
            value = struct.pack(f"{order}{len(values)}{CODES[kind]}", *values)
            if len(value) > 4:
                raw += bytes(len(raw) % 2)
                place = struct.pack(order + "I", len(raw))
                raw += value
                value = place
            entry = struct.pack(order + "HHI", code, kind, len(values)) + value.ljust(4, b"\0")
            raw[here + 2 + 12 * index : here + 14 + 12 * index] = entry
        link = here + 2 + 12 * len(tags)
    path.write_bytes(raw)


def grey(height: int, width: int, **more: tuple[int, list[int]]) -> dict[int, Any]:
    tags = {256: (3, [width]), 257: (3, [height]), 258: (3, [8]), 259: (3, [1]), 262: (3, [1]),
            277: (3, [1])}  # fmt: skip
    return tags | {int(code[1:]): value for code, value in more.items()}


def painted(master: Path, target: Path, box: Box, value: int = 99) -> Any:
    """Fill a box; returns what tifffile then sees on all pages."""

    def paint(area: Box, pixels: Any) -> None:
        part = area.intersection(box)
        pixels[part.within(area)] = value

    compose(master, target, paint, box.overlaps, page=0)
    assert structure_differences(master, target, 0, reencoded=False) == []
    with tifffile.TiffFile(target) as file:
        return [page.asarray() for page in file.pages]


@pytest.fixture
def master(tmp_path: Path) -> Path:
    return tmp_path / "m.tif"


@pytest.mark.parametrize("order", "<>")
def test_strips_that_share_their_bytes_part_ways(master: Path, out: Path, order: str) -> None:
    strip = bytes(range(20))
    tags = grey(6, 10, _278=(3, [2]), _273=(4, [-1, -1, -1]), _279=(4, [20, 20, 20]))
    write_tiff(master, [(tags, strip)], order)
    (page,) = painted(master, out, Box(2, 0, 3, 5))
    before = tifffile.imread(master)
    before[2, :5] = 99
    assert np.array_equal(page, before)


def test_pages_that_share_their_pixels_part_ways(master: Path, out: Path) -> None:
    data = bytes(range(60))
    tags = grey(6, 10, _273=(4, [-1]), _279=(4, [60]))
    write_tiff(master, [(tags, data), (tags, b"")])
    first, second = painted(master, out, Box(0, 0, 1, 1))
    assert first[0, 0] == 99
    assert second.tobytes() == data


def test_pages_that_share_a_table_part_ways(master: Path, out: Path) -> None:
    import imagecodecs

    strips = [imagecodecs.packbits_encode(bytes([n]) * 60) for n in (1, 2)]
    data = b"".join(strips)
    tags = grey(12, 10, _278=(3, [6]), _273=(4, [-1, -1 - len(strips[0])]),
                _279=(4, [len(one) for one in strips])) | {259: (3, [32773])}  # fmt: skip
    write_tiff(master, [(tags, data), (tags, b"")])
    # Let the second page point to the tables of the first.
    raw = bytearray(master.read_bytes())
    with tifffile.TiffFile(master) as file:
        for code in (273, 279):
            one, other = (page.tags[code] for page in file.pages)
            struct.pack_into("<I", raw, other.offset + 8, one.valueoffset)
    master.write_bytes(raw)
    before = tifffile.imread(master, key=0)

    def paint(area: Box, pixels: Any) -> None:
        pixels[:] = np.random.default_rng(0).integers(0, 255, pixels.shape)

    compose(master, out, paint, Box(6, 0, 7, 1).overlaps, page=0)
    with tifffile.TiffFile(out) as file:
        assert np.array_equal(file.pages[0].asarray()[:6], before[:6])
        assert not np.array_equal(file.pages[0].asarray()[6:], before[6:])
        assert np.array_equal(file.pages[1].asarray(), before)
    assert structure_differences(master, out, 0, reencoded=False) == []


def test_lengths_too_narrow_for_what_is_written_are_widened(master: Path, out: Path) -> None:
    import imagecodecs

    strips = [imagecodecs.deflate_encode(bytes(300 * 300))] * 2
    tags = grey(600, 300, _278=(3, [300]), _273=(3, [-1, -1 - len(strips[0])]),
                _279=(3, [len(one) for one in strips])) | {259: (3, [8])}  # fmt: skip
    write_tiff(master, [(tags, b"".join(strips))])
    noise = np.random.default_rng(0).integers(0, 255, (600, 300, 1), np.uint8)

    def paint(area: Box, pixels: Any) -> None:
        pixels[:] = noise[area.slices]

    compose(master, out, paint, lambda box: True)
    with tifffile.TiffFile(out) as file:
        assert np.array_equal(file.pages[0].asarray(), noise[..., 0])
        assert file.pages[0].databytecounts[0] > 65535
    assert structure_differences(master, out, 0, reencoded=False) == []


def test_a_single_strip_without_a_length(master: Path, out: Path) -> None:
    write_tiff(master, [(grey(6, 10, _273=(4, [-1])), bytes(60))])
    (page,) = painted(master, out, Box(5, 9, 6, 10))
    assert page[5, 9] == 99
    assert page.sum() == 99


def test_generous_lengths_are_no_reason_to_move(master: Path, out: Path) -> None:
    tags = grey(6, 10, _278=(4, [2**32 - 1]), _273=(4, [-1]), _279=(4, [100]))
    write_tiff(master, [(tags, bytes(60))])
    (page,) = painted(master, out, Box(0, 0, 6, 10))
    assert (page == 99).all()
    assert out.stat().st_size == master.stat().st_size


def test_generous_lengths_on_another_page_are_no_reason_to_refuse(master: Path, out: Path) -> None:
    tags = grey(6, 10, _273=(4, [-1]), _279=(4, [60]))
    other = grey(6, 10, _278=(3, [4]), _273=(4, [-61, -101]), _279=(4, [40, 40]))
    write_tiff(master, [(tags, bytes(60)), (other, bytes(60))])
    first, second = painted(master, out, Box(0, 0, 6, 10))
    assert (first == 99).all()
    assert not second.any()


@pytest.mark.parametrize("compression", [1, 8])
def test_tiles_that_are_left_out_appear_when_painted(
    master: Path, out: Path, compression: int
) -> None:
    import imagecodecs

    tile = bytes(range(256))
    data = imagecodecs.deflate_encode(tile) if compression == 8 else tile
    tags = grey(30, 30, _322=(3, [16]), _323=(3, [16]), _324=(4, [-1, 0, 0, 0]),
                _325=(4, [len(data), 0, 0, 0])) | {259: (3, [compression])}  # fmt: skip
    write_tiff(master, [(tags, data)])
    before = np.zeros((30, 30), np.uint8)
    before[:16, :16] = np.arange(256, dtype=np.uint8).reshape(16, 16)
    with open_master(master) as one:
        assert np.array_equal(one.read(Box(0, 0, 30, 30))[..., 0], before)
    (page,) = painted(master, out, Box(10, 10, 20, 12))
    before[10:20, 10:12] = 99
    assert np.array_equal(page, before)
    with tifffile.TiffFile(out) as file:
        assert [bool(count) for count in file.pages[0].databytecounts] == [1, 0, 1, 0]


@pytest.mark.parametrize("compression", [1, 8])
def test_bits_in_reverse_order(master: Path, out: Path, compression: int) -> None:
    import imagecodecs

    rng = np.random.default_rng(0)
    before = rng.random((20, 30)) < 0.5
    data = np.packbits(before, axis=1).tobytes()
    data = imagecodecs.deflate_encode(data) if compression == 8 else data
    data = imagecodecs.bitorder_encode(data)
    tags = grey(20, 30, _266=(3, [2]), _273=(4, [-1]), _279=(4, [len(data)]))
    write_tiff(master, [(tags | {258: (3, [1]), 259: (3, [compression])}, data)])
    (page,) = painted(master, out, Box(3, 3, 9, 20), value=1)
    before[3:9, 3:20] = True
    assert np.array_equal(page, before)


def test_old_pixels_do_not_linger(master: Path, out: Path) -> None:
    import imagecodecs

    secret = bytes([7, 13]) * 500
    data = [imagecodecs.lzma_encode(secret), imagecodecs.lzma_encode(bytes(1000))]
    tags = grey(100, 20, _278=(3, [50]), _273=(4, [-1, -1 - len(data[0])]),
                _279=(4, [len(one) for one in data])) | {259: (3, [34925])}  # fmt: skip
    write_tiff(master, [(tags, b"".join(data))])
    noise = np.random.default_rng(0).integers(0, 255, (100, 20, 1), np.uint8)

    def paint(area: Box, pixels: Any) -> None:
        pixels[:] = noise[area.slices]

    compose(master, out, paint, Box(0, 0, 50, 20).overlaps)
    assert data[0] not in out.read_bytes()
    assert data[1] in out.read_bytes()


def test_a_directory_under_the_pixels_is_refused(master: Path, out: Path) -> None:
    # To change one would change the other.
    tags = grey(6, 10, _273=(4, [-1]), _279=(4, [60]))
    write_tiff(master, [(tags, bytes(60)), (tags, b"")])
    raw = bytearray(master.read_bytes())
    with tifffile.TiffFile(master) as file:
        struct.pack_into("<I", raw, file.pages[1].tags[273].valueoffset, file.pages[0].offset)
    master.write_bytes(raw)
    with pytest.raises(MasterRefused, match="overlap"):
        open_master(master)


def test_the_same_work_gives_the_same_bytes(recipe: Any, painting: Any, master: Path) -> None:
    before = recipe(height=300, width=300, tile=(32, 32), compression="lzw").write(master)
    work = painting(before, 3, 255, 0.05, 1)
    answers = {
        compose(master, master.with_name(f"{n}.tif"), work.paint, work.touched).sha256
        for n in range(4)
    }
    assert len(answers) == 1
