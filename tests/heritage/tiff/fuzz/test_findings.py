"""What the fuzzer found, each built by hand as small as it can be."""

import struct
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from heritage.errors import MasterRefused
from heritage.tiff.picture import Picture

ROOT = Path(__file__).resolve().parents[4]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.heritage.tiff.fuzz.mutator import SIZES, layout_of, value_at  # noqa: E402
from tests.heritage.tiff.fuzz.promises import keep_promises  # noqa: E402

GREY = np.random.default_rng(4).integers(0, 255, (64, 64), np.uint8)


def file_of(tmp_path: Path, pages: list[tuple[Any, dict[str, Any]]], **more: Any) -> bytes:
    """The bytes of a file with these pages."""
    path = tmp_path / "built.tif"
    with tifffile.TiffWriter(path, **more) as writer:
        for pixels, arguments in pages:
            writer.write(pixels, metadata=None, **arguments)
    return path.read_bytes()


def told(data: bytes, directory: int, code: int) -> int:
    """The first value of a tag."""
    layout = layout_of(data)
    assert layout is not None
    entry = next(one for one in layout.directories[directory][1] if one.code == code)
    at, size = value_at(data, entry, layout), SIZES[entry.kind]
    return int.from_bytes(data[at : at + size], "little")


def changed(data: bytes, directory: int, code: int, value: int, nth: int = 0, **head: int) -> bytes:
    """The file with another value of a tag; ``kind`` and ``count`` as well, if given."""
    layout = layout_of(data)
    assert layout is not None
    entry = next(one for one in layout.directories[directory][1] if one.code == code)
    raw = bytearray(data)
    at, size = value_at(data, entry, layout) + nth * SIZES[entry.kind], SIZES[entry.kind]
    raw[at : at + size] = value.to_bytes(size, "little")
    if "kind" in head:
        struct.pack_into("<H", raw, entry.at + 2, head["kind"])
    if "count" in head:
        struct.pack_into(layout.word, raw, entry.at + 4, head["count"])
    return bytes(raw)


def test_a_page_without_width_that_claims_bytes_of_another_page(tmp_path: Path) -> None:
    data = file_of(tmp_path, [(GREY, {}), (GREY[:32], {})])
    data = changed(data, 1, 256, 0)
    data = changed(data, 1, 273, told(data, 0, 273) + 64)
    assert keep_promises(data, tmp_path) in ("refused", "restored")


def test_a_last_strip_that_claims_more_than_it_needs(tmp_path: Path) -> None:
    data = file_of(tmp_path, [(GREY[:32], {"rowsperstrip": 20}), (GREY, {})])
    strips = told(data, 0, 279)
    data = changed(data, 0, 279, strips, nth=1)
    assert keep_promises(data, tmp_path) == "restored"


def test_a_sub_image_past_the_end_of_the_file(tmp_path: Path) -> None:
    pages = [(GREY, {"subifds": 1, "compression": "lzw"}), (GREY[:8, :8], {"subfiletype": 1})]
    data = file_of(tmp_path, pages)
    assert keep_promises(data, tmp_path) == "restored"
    assert keep_promises(changed(data, 1, 273, len(data) + 40), tmp_path) == "refused"


def test_a_page_that_is_a_sub_image_as_well(tmp_path: Path) -> None:
    pages = [(GREY[:8], {"subifds": 1}), (GREY[:4], {"subfiletype": 1}), (GREY, {})]
    data = file_of(tmp_path, pages)
    layout = layout_of(data)
    assert layout is not None
    largest = next(at for at, _, _ in layout.directories if at_width(data, at) == 64 * 64)
    assert keep_promises(changed(data, 0, 330, largest), tmp_path) == "refused"


def at_width(data: bytes, directory: int) -> int:
    """Pixels of the directory at a position."""
    layout = layout_of(data)
    assert layout is not None
    index = [at for at, _, _ in layout.directories].index(directory)
    return told(data, index, 256) * told(data, index, 257)


def test_a_tile_of_another_page_that_is_left_out_but_has_a_length(tmp_path: Path) -> None:
    tiled = {"tile": (16, 16), "compression": "deflate"}
    data = file_of(tmp_path, [(GREY, tiled), (GREY[:32, :32], tiled)])
    assert keep_promises(changed(data, 1, 324, 0, nth=1), tmp_path) == "restored"


def test_eight_bits_behind_tags_that_say_one(tmp_path: Path) -> None:
    rgba = np.stack([GREY] * 4, axis=2)
    more = {"compression": "webp", "photometric": "rgb", "extrasamples": ["unassalpha"]}
    data = file_of(tmp_path, [(rgba, more)], bigtiff=True)
    for sample in range(4):
        data = changed(data, 0, 258, 1, nth=sample)
    assert keep_promises(data, tmp_path) == "refused"


def test_rgb_in_jpeg_with_a_tag_about_subsampling(tmp_path: Path) -> None:
    """Not hostile at all: some writers leave it there."""
    more = {"compression": "jpeg", "photometric": "ycbcr", "subsampling": (2, 2)}
    data = file_of(tmp_path, [(np.stack([GREY] * 3, axis=2), more)])
    assert told(data, 0, 262) == 6
    assert keep_promises(changed(data, 0, 262, 2), tmp_path) == "restored"


def test_a_sub_image_with_more_lengths_than_positions(tmp_path: Path) -> None:
    pages = [(GREY, {"subifds": 1}), (GREY[:8, :8], {"subfiletype": 1})]
    data = file_of(tmp_path, pages, bigtiff=True)
    data = changed(data, 1, 279, 300, kind=3, count=2)
    assert keep_promises(data, tmp_path) == "refused"


def refused_in_little_memory(data: bytes, tmp_path: Path, why: str) -> None:
    path = tmp_path / "claims.tif"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(MasterRefused, match=why):
            Picture(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20


def test_nothing_as_long_as_a_file_claims_is_made_before_the_claim_is_checked(tmp_path) -> None:
    data = file_of(tmp_path, [(GREY, {"photometric": "minisblack", "rowsperstrip": 1})])
    claims = changed(data, 0, 257, 300_000_000, kind=4, count=1)
    refused_in_little_memory(claims, tmp_path, "needs 300000000 tiles or strips")


def test_samples_per_pixel_as_a_list_that_strips_are_multiplied_with(tmp_path: Path) -> None:
    """8,421,505 strips times a list of fifteen numbers: gigabytes, before anything is compared."""
    pixels = np.zeros((15, 64, 64), np.uint8)
    more = {"photometric": "rgb", "planarconfig": "separate", "extrasamples": [0] * 12}
    data = file_of(tmp_path, [(pixels, more)])
    data = changed(data, 0, 257, 1 << 31, kind=4, count=1)
    data = changed(data, 0, 278, 255)
    data = changed(data, 0, 277, told(data, 0, 273), kind=3, count=15)
    refused_in_little_memory(data, tmp_path, "tag 277 of page 1 holds 15 numbers")


def test_planes_that_are_joined_count_together(tmp_path: Path) -> None:
    """Each strip would be small enough; three of them and the joined picture were 1.4 GB."""
    more = {"compression": "deflate", "photometric": "rgb", "planarconfig": "separate"}
    data = file_of(tmp_path, [(np.stack([GREY] * 3), {**more, "rowsperstrip": 16})])
    data = changed(data, 0, 256, 6_000_000, kind=4, count=1)
    refused_in_little_memory(data, tmp_path, "in all its planes, decodes to 274 MiB")
