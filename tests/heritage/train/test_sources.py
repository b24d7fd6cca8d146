import logging

import numpy as np
import pytest
from PIL import Image

from heritage.errors import HeritageError
from heritage.geometry import Box
from heritage.train.sources import (
    Held,
    PictureFile,
    Unreadable,
    open_sources,
    picture_paths,
    pixels_of,
)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(2)
    for number in range(4):
        pixels = rng.integers(0, 256, (60, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.{'png' if number % 2 else 'jpg'}")
    return tmp_path


def test_as_many_pictures_are_kept_as_there_is_room_for(folder):
    sources = open_sources(folder, 0, 2 * 60 * 50 * 3)
    assert [type(source) for source in sources] == [Held, Held, PictureFile, PictureFile]


def test_a_picture_reads_the_same_from_memory_and_from_its_file(folder):
    box = Box(7, 11, 40, 50)
    for held, file in zip(
        open_sources(folder, 100, 1 << 30), open_sources(folder, 100, 0), strict=True
    ):
        assert (held.height, held.width) == (file.height, file.width) == (120, 100)
        assert np.array_equal(held.read(box), file.read(box))


def test_what_cannot_be_read_is_named_and_keeps_its_place(folder, caplog):
    (folder / "0.jpg").write_bytes(b"")
    (folder / "3.png").write_text("<html>not found</html>")
    with caplog.at_level(logging.WARNING):
        sources = open_sources(folder, 0, 1 << 30)
    assert [isinstance(source, Unreadable) for source in sources] == [True, False, False, True]
    lines = [record.getMessage() for record in caplog.records]
    assert sorted(line for line in lines if "left out" in line) == sorted(lines)
    assert all(any(name in line for line in lines) for name in ("0.jpg", "3.png"))
    assert pixels_of(sources) == 2 * 60 * 50
    with pytest.raises(HeritageError, match=r"0\.jpg"):
        sources[0].read(Box(0, 0, 1, 1))


def test_a_folder_of_nothing_readable_is_refused(folder):
    for path in picture_paths(folder):
        path.write_bytes(b"nothing")
    with pytest.raises(HeritageError, match="none of its 4 pictures can be read"):
        open_sources(folder, 0, 1 << 30)


def test_pictures_of_every_mode_become_rgb(tmp_path):
    grey = np.linspace(0, 255, 64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(grey).save(tmp_path / "a-grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "b-16-bit.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "c-palette.png")
    Image.fromarray(np.dstack([grey] * 3 + [255 - grey])).save(tmp_path / "d-alpha.png")
    none, black = Image.new("L", (8, 8)), Image.fromarray(255 - grey)
    Image.merge("CMYK", [none, none, none, black]).save(tmp_path / "e-cmyk.jpg", quality=100)
    for source in open_sources(tmp_path, 0, 1 << 30):
        read = source.read(Box(0, 0, 8, 8))
        assert read.shape == (8, 8, 3)
        assert np.abs(read.astype(int) - grey[..., None]).max() <= 2


def test_floating_point_pictures_are_refused_with_a_way_out(tmp_path, caplog):
    Image.new("RGB", (8, 8)).save(tmp_path / "good.png")
    path = tmp_path / "bad.jpeg"
    Image.fromarray(np.zeros((8, 8), np.float32)).save(path, format="TIFF")
    sources = open_sources(tmp_path, 0, 1 << 30)
    assert isinstance(sources[0], Unreadable)
    assert "save it as a TIFF master" in caplog.text


def test_the_pieces_of_a_picture_cover_it_once(folder):
    for source in open_sources(folder, 0, 0):
        seen = np.zeros((source.height, source.width), int)
        for box in source.pieces():
            seen[box.slices] += 1
        assert np.all(seen == 1)


def test_a_picture_too_large_to_decode_says_what_to_do(tmp_path, monkeypatch):
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(HeritageError, match="save it as a tiled TIFF"):
        PictureFile(tmp_path / "a.png")
