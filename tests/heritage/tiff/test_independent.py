"""The round trip as readers see it that share no code with ours: libtiff, libvips, ExifTool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heritage.errors import MasterRefused
from heritage.geometry import Box
from heritage.tiff import Composed, MasterInfo, compose, inspect, open_master

VALID = Path(__file__).resolve().parents[4] / "shared" / "data" / "tiff" / "valid"
FILES = sorted(VALID.glob("*.[tT]*")) if VALID.is_dir() else []
PLACES = re.compile(r"offset|byte ?counts?|^\s+\d+: \[\s*\d+,\s*\d+\]$", re.IGNORECASE)
"""Lines of tiffinfo about where something lies; they may differ."""
ANEW = re.compile(
    r"Compression Scheme|Predictor|Photometric|YCbCr|JPEG Tables|Reference Black|Sampling"
    r"|Bits/Sample|Samples/Pixel|FillOrder|Group 3|Group 4|JPEG|Lerc|Tag (33432|50674)"
    r"|Fax|Consecutive|Tag 51\d|Jpeg|^\s+\d: +[\d.]+ +[\d.]+$|^$"
)
"""And about the compression, on a page that had to be written anew."""


@dataclass(frozen=True)
class Restored:
    """A master, its restoration, and what was painted."""

    master: Path
    target: Path
    info: MasterInfo
    answer: Composed
    mask: Any
    before: Any
    expected: Any


@pytest.fixture(params=FILES or [None], ids=lambda file: file.name if file else "none")
def restored(request: pytest.FixtureRequest, painting: Any, tmp_path: Path) -> Restored:
    """Each valid file, with some pixels of a small mask painted."""
    if request.param is None:
        pytest.skip("the shared test pictures are not here")
    master = request.param
    try:
        info = inspect(master)
    except MasterRefused as error:
        pytest.skip(f"refused: {error.reason}")
    with open_master(master) as one:
        before = one.read(Box(0, 0, info.height, info.width))
    work = painting(before, info.colour_samples, min(info.max_value, 200), 0.001, 3)
    target = tmp_path / "restored.tif"
    answer = compose(master, target, work.paint, work.touched, info.page)
    return Restored(master, target, info, answer, work.mask, before, work.applied(before))


def program(name: str) -> str:
    """Where it is; the test is skipped where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def tags(path: Path) -> list[list[str]]:
    """What libtiff says of each directory, but for positions."""
    said = subprocess.run(
        [program("tiffinfo"), path], capture_output=True, text=True, errors="replace", check=False
    )
    pages = re.split(r"^=== TIFF directory.*$", said.stdout, flags=re.MULTILINE)[1:]
    assert pages, said.stderr
    return [[line for line in page.splitlines() if not PLACES.search(line)] for page in pages]


def test_libtiff_sees_the_same_tags(restored: Restored) -> None:
    was, now = tags(restored.master), tags(restored.target)
    assert len(was) == len(now)
    for number, (one, other) in enumerate(zip(was, now, strict=True)):
        if restored.answer.reencoded and number == restored.info.page:
            one = [line for line in one if not ANEW.search(line)]
            other = [line for line in other if not ANEW.search(line)]
        assert one == other


def test_libtiff_sees_other_pixels_only_where_something_was_painted(restored: Restored) -> None:
    compare = program("tiffcmp")

    def differences(one: Path, other: Path) -> tuple[int, str]:
        done = subprocess.run(
            [compare, "-t", one, other], capture_output=True, text=True, errors="replace",
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    itself = differences(restored.master, restored.master)
    if itself[0] or restored.info.bits == 64:
        pytest.skip(f"tiffcmp cannot compare this kind: {itself[1].splitlines()[-1:]}")
    code, said = differences(restored.master, restored.target)
    if restored.answer.reencoded or restored.info.pages > 1 or restored.info.planar:
        # It stops at the first tag that differs, or numbers samples in its own way.
        return
    assert code == 1
    places = re.findall(r"Scanline (\d+), pixel (\d+), sample (\d+)", said)
    assert places or "differ" in said.lower(), said
    exact = restored.info.dtype in ("uint8", "uint16")
    for row, column, _ in places:
        # Of wider samples it names the first column of the row.
        assert restored.mask[int(row), int(column) if exact else slice(None)].any()


def test_libvips_sees_the_painted_pixels_and_no_others(restored: Restored) -> None:
    pyvips = pytest.importorskip("pyvips")

    def load(path: Path) -> Any:
        page = restored.info.page
        return pyvips.Image.tiffload(str(path), page=page, fail_on="error").numpy()

    try:
        was = load(restored.master)
    except pyvips.Error as error:
        pytest.skip(f"libvips cannot read this kind: {error}")
    now = load(restored.target)
    assert was.dtype == now.dtype
    assert was.shape == now.shape
    was, now = (one.reshape(*restored.mask.shape, -1) for one in (was, now))
    before, expected = (
        one.reshape(was.shape) if one.size == was.size else None
        for one in (restored.before, restored.expected)
    )
    if before is not None and np.array_equal(was, before, equal_nan=was.dtype.kind == "f"):
        assert np.array_equal(now, expected, equal_nan=was.dtype.kind == "f")
        return
    # It shows other numbers than the file holds: Lab, palettes, small samples, colours divided by
    # their alpha; or it decodes what loses detail in a way of its own.
    if restored.info.planar and restored.info.samples == 2:
        pytest.skip("libvips takes one plane for the other")
    outside = ~restored.mask
    if restored.info.lossy and restored.answer.reencoded:
        assert np.abs(was[outside].astype(int) - now[outside]).max() <= 4
    else:
        assert np.array_equal(was[outside], now[outside], equal_nan=was.dtype.kind in "fc")


def metadata(path: Path) -> Any:
    """All that ExifTool knows of a file, but for its name, dates, size and where things lie."""
    done = subprocess.run(
        [program("exiftool"), "-a", "-u", "-U", "-G1", "-json", "-struct", path],
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    (said,) = json.loads(done.stdout)
    places = re.compile(
        r"SourceFile|^System:|^ExifTool:ExifToolVersion|Offsets?$|ByteCounts?$|JPEGTables$|Start$"
        r"|JpgFromRaw|ThumbnailImage|PreviewImage|ExifTool:Warning"
    )
    return {key: value for key, value in said.items() if not places.search(key)}


def test_exiftool_sees_the_same_metadata(restored: Restored) -> None:
    was, now = metadata(restored.master), metadata(restored.target)
    changed = {key for key in was.keys() | now.keys() if was.get(key) != now.get(key)}
    if restored.answer.reencoded:
        excused = re.compile(
            r"^IFD\d:(Compression|Predictor|Photometric|YCbCr|ReferenceBlack|Bits|SamplesPerPixel"
            r"|FillOrder|T4|T6|Clean|BadFax|ConsecutiveBad|JPEG|Lerc)|^Composite:YCbCr|^JFIF|^Lerc|:OtherImage"
        )
        changed = {key for key in changed if not excused.search(key)}
    assert changed == set()


@pytest.mark.parametrize("page", [0, 1])
def test_other_pages_and_sub_images_survive_byte_for_byte(
    tmp_path: Path, painting: Any, page: int
) -> None:
    """Which page is restored is said; libtiff reads all others as they were."""
    import tifffile

    master, target = tmp_path / "m.tif", tmp_path / "r.tif"
    rng = np.random.default_rng(2)
    pictures = [rng.integers(0, 255, (70, 80, 3), np.uint8) for _ in range(2)]
    with tifffile.TiffWriter(master) as writer:
        for picture in pictures:
            writer.write(
                picture, photometric="rgb", compression="deflate", tile=(32, 32), subifds=2,
                metadata=None,
            )  # fmt: skip
            for step in (2, 4):
                # Thumbnails in grey: smaller versions in colour would follow the picture.
                writer.write(
                    picture[::step, ::step, 0], subfiletype=1, compression="lzw",
                    metadata=None,
                )  # fmt: skip
    info = inspect(master, page)
    assert (info.page, info.pages, info.subimages) == (page, 2, 4)
    work = painting(pictures[page], 3, 255, 0.4, 1)
    compose(master, target, work.paint, work.touched, page)
    with tifffile.TiffFile(master) as one, tifffile.TiffFile(target) as other:
        for number in range(2):
            kept = [*zip(one.pages[number].pages, other.pages[number].pages, strict=True)]
            if number != page:
                kept.append((one.pages[number], other.pages[number]))
            assert len(kept) == (2 if number == page else 3)
            for was, now in kept:
                assert segments(one, was) == segments(other, now)
    assert np.array_equal(tifffile.imread(target, key=page), work.applied(pictures[page]))


def segments(file: Any, page: Any) -> list[bytes]:
    """The bytes of its tiles or strips."""
    places = zip(page.dataoffsets, page.databytecounts, strict=True)
    answer = []
    for at, size in places:
        file.filehandle.seek(at)
        answer.append(file.filehandle.read(size))
    return answer
