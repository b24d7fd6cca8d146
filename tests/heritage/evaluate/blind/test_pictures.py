import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, PngImagePlugin

from heritage.evaluate.blind.pictures import centre, outline, png, read_hole, read_pixels

holes = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))


@settings(max_examples=60, deadline=None)
@given(holes)
def test_the_outline_touches_the_hole_and_hides_nothing_of_it(hole):
    line = outline(hole)[..., 3] > 0
    assert not (line & hole).any()
    padded = np.pad(hole, 1)
    rows, columns = hole.shape
    near = np.zeros_like(hole)
    for down in range(3):
        for across in range(3):
            near |= padded[down : down + rows, across : across + columns]
    assert (line == (near & ~hole)).all()


@settings(max_examples=60, deadline=None)
@given(holes)
def test_one_looks_first_at_a_pixel_of_the_hole(hole):
    across, down = centre(hole)
    assert 0 < across < 1
    assert 0 < down < 1
    if hole.any():
        assert hole[int(down * hole.shape[0]), int(across * hole.shape[1])]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_all_pictures_of_one_size_have_as_many_bytes(seed):
    rich = np.random.default_rng(seed).integers(0, 256, (33, 47, 3), np.uint8)
    plain = np.full((33, 47, 3), seed % 256, np.uint8)
    assert len(png(rich)) == len(png(plain))
    assert (np.asarray(Image.open(io.BytesIO(png(rich)))) == rich).all()


def test_names_and_profiles_in_a_file_stay_behind(tmp_path):
    told = PngImagePlugin.PngInfo()
    told.add_text("Software", "art-small")
    path = tmp_path / "fill.png"
    Image.new("RGB", (5, 4), "red").save(path, pnginfo=told, icc_profile=b"profile")
    content = png(read_pixels(path))
    assert b"art-small" not in content
    assert b"profile" not in content
    assert content.count(b"IDAT") == 1
    assert not any(chunk in content for chunk in (b"tEXt", b"iCCP", b"tIME", b"eXIf"))


def test_any_bright_pixel_of_a_mask_is_hole(tmp_path):
    mask = np.zeros((4, 5), np.uint8)
    mask[1, 2] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    assert (read_hole(tmp_path / "mask.png") == (mask > 0)).all()
