"""Encoding: mirrored, turned, reduced and packed as the standard says."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from heritage.review.iiif import encode, parse


def picture(channels=3, height=20, width=30):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, channels), np.uint8)


def asked(rest, pixels):
    return parse(f"full/max/{rest}", pixels.shape[1], pixels.shape[0])


def opened(data):
    image = Image.open(BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_it_is_mirrored_first_and_then_turned_clockwise(rotation, mirrored, channels):
    pixels = picture(channels)
    data, kind = encode(pixels, asked(f"{'!' * mirrored}{rotation}/default.png", pixels))
    wanted = pixels[:, ::-1] if mirrored else pixels
    assert kind == "image/png"
    assert np.array_equal(opened(data), np.rot90(wanted, -rotation // 90))


@pytest.mark.parametrize(
    ("kind", "media"), [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")]
)
def test_every_format_is_what_it_says_and_says_srgb(kind, media):
    pixels = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    data, found = encode(pixels, asked(f"0/default.{kind}", pixels))
    image = opened(data)
    assert found == media == Image.MIME[image.format]
    assert np.abs(np.asarray(image, int) - pixels).max() <= 4
    profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_grey_is_one_channel_and_bitonal_two_tones():
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, 8:] = 200
    for kind in ("jpg", "png", "webp"):
        grey = opened(encode(pixels, asked(f"0/gray.{kind}", pixels))[0]).convert("RGB")
        spread = np.ptp(np.asarray(grey, int), axis=2)
        assert spread.max() <= 2
        tones = opened(encode(pixels, asked(f"0/bitonal.{kind}", pixels))[0]).convert("L")
        assert set(np.unique(np.asarray(tones) // 128)) == {0, 1}
        assert np.asarray(tones)[0, 0] < 10
        assert np.asarray(tones)[0, -1] > 245


def test_sheets_stay_transparent_where_that_can_be_and_else_lie_on_white():
    sheet = np.zeros((16, 16, 4), np.uint8)
    sheet[:8] = 255, 0, 0, 128
    for kind in ("png", "webp"):
        again = np.asarray(opened(encode(sheet, asked(f"0/default.{kind}", sheet))[0]))
        assert np.array_equal(again[..., 3], sheet[..., 3])
        assert np.array_equal(again[:8], sheet[:8])
    flat = np.asarray(opened(encode(sheet, asked("0/default.jpg", sheet))[0]), int)
    assert np.abs(flat[12, 8] - (255, 255, 255)).max() <= 3
    assert np.abs(flat[3, 8] - (255, 127, 127)).max() <= 4


def test_pixels_of_another_size_are_refused():
    pixels = picture()
    with pytest.raises(ValueError, match="20 x 30"):
        encode(pixels[:-1], asked("0/default.png", pixels))
