import numpy as np
import pytest
import tifffile
from PIL import Image

from heritage.errors import HeritageError
from heritage.train.pictures import load_masks, load_pictures


def test_small_pictures_are_enlarged_to_the_window(recipe):
    assert all(min(p.shape[:2]) >= 500 for p in load_pictures(recipe.pictures, smallest=500))


def test_pictures_come_in_the_order_of_their_names(tmp_path):
    for grey in (30, 10, 20):
        Image.new("RGB", (8, 8), (grey,) * 3).save(tmp_path / f"{grey}.png")
    assert [int(p[0, 0, 0]) for p in load_pictures(tmp_path)] == [10, 20, 30]


def test_masters_of_16_bits_are_rounded(tmp_path):
    levels = np.random.default_rng(1).integers(0, 2**16, (40, 50, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "m.tif", levels, photometric="rgb")
    (picture,) = load_pictures(tmp_path)
    assert np.array_equal(picture, np.rint(levels / 257).astype(np.uint8))


def test_a_folder_without_pictures_says_so(tmp_path):
    with pytest.raises(HeritageError, match="holds no pictures"):
        load_pictures(tmp_path)


def test_masks_are_zero_and_one_and_small_ones_left_out(tmp_path, caplog):
    Image.new("L", (64, 80), 200).save(tmp_path / "a.png")
    Image.new("L", (64, 63), 200).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"no picture")
    (mask,) = load_masks(tmp_path)
    assert "c.png: cannot be read" in caplog.text
    assert mask.shape == (80, 64)
    assert np.unique(mask).tolist() == [1]


def test_no_masks_folder_means_no_real_masks():
    assert load_masks(None) == []
