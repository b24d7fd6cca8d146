"""Whatever an archivist would miss is named."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from heritage.tiff import level_differences, structure_differences


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two equal files of two pages, the first with a sub-image and private tags."""
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    paths = tmp_path / "a.tif", tmp_path / "b.tif"
    for path in paths:
        with tifffile.TiffWriter(path) as writer:
            writer.write(
                pixels,
                photometric="rgb",
                subifds=1,
                metadata=None,
                iccprofile=b"p" * 300,
                software="scanner",
                extratags=[(65000, 7, 40, b"q" * 40, True)],
            )
            writer.write(pixels[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
            writer.write(pixels[..., 0], photometric="minisblack", metadata=None)
    return paths


def change(path: Path, at: int, value: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(value)


def test_equal_files_do_not_differ(pair: tuple[Path, Path]) -> None:
    assert structure_differences(*pair, page=0, reencoded=False) == []


def test_pixels_of_the_restored_page_are_not_compared(pair: tuple[Path, Path]) -> None:
    with tifffile.TiffFile(pair[1]) as file:
        at = file.pages[0].dataoffsets[0]
    change(pair[1], at, b"\1\2\3")
    assert structure_differences(*pair, page=0, reencoded=False) == []
    assert structure_differences(*pair, page=1, reencoded=False) == ["page 1: its pixels changed"]


@pytest.mark.parametrize(
    ("code", "name"), [(34675, "InterColorProfile"), (305, "Software"), (65000, "private")]
)
def test_a_changed_value_is_named(pair: tuple[Path, Path], code: int, name: str) -> None:
    with tifffile.TiffFile(pair[1]) as file:
        at = file.pages[0].tags[code].valueoffset
    change(pair[1], at, b"!")
    (only,) = structure_differences(*pair, page=0, reencoded=True)
    assert only == f"page 1: tag {code} ({name}) changed its value"


def test_a_lost_tag_is_named(pair: tuple[Path, Path]) -> None:
    with tifffile.TiffFile(pair[1]) as file:
        at = file.pages[0].tags[65000].offset
    change(pair[1], at, struct.pack("<H", 65009))
    found = structure_differences(*pair, page=0, reencoded=False)
    assert found == [
        "page 1: tag 65000 (private) is gone",
        "page 1: tag 65009 (private) was added",
    ]


def test_a_changed_sub_image_is_named(pair: tuple[Path, Path]) -> None:
    with tifffile.TiffFile(pair[1]) as file:
        at = file.pages[0].pages[0].dataoffsets[0]
    change(pair[1], at, b"\1\2\3")
    # A smaller version of the page may change where the page did, which was nowhere.
    assert structure_differences(*pair, page=0, reencoded=False) == []
    found = level_differences(*pair, 0, lambda box: np.zeros((box.height, box.width), np.bool_))
    word = "page 1, sub-image 1: pixels changed that are not made from damaged ones"
    assert found == [word]


def test_a_lost_page_is_named(pair: tuple[Path, Path]) -> None:
    with tifffile.TiffFile(pair[1]) as file:
        end = file.pages[0].offset + 2 + 12 * len(file.pages[0].tags)
    change(pair[1], end, bytes(4))
    found = structure_differences(*pair, page=0, reencoded=False)
    assert found == ["2 pages became 1"]


def test_a_new_compression_is_excused_only_where_it_is_said(pair: tuple[Path, Path]) -> None:
    tag: Any
    with tifffile.TiffFile(pair[1]) as file:
        tag = file.pages[0].tags[259]
    change(pair[1], tag.valueoffset, struct.pack("<H", 8))
    assert structure_differences(*pair, page=0, reencoded=True) == []
    found = structure_differences(*pair, page=0, reencoded=False)
    assert found == ["page 1: tag 259 (Compression) changed its value"]
