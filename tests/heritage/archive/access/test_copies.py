"""Access copies: the colours staff have seen, upright, small enough, and they say what they are."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from heritage.archive.access import caption
from heritage.archive.access.caption import NARROWEST, PAPER, captioned, font_for, missing
from heritage.archive.access.copies import PACKET, AccessOptions, write_cog, write_jpeg
from heritage.archive.access.rasters import srgb
from heritage.damage.masks import import_mask
from heritage.errors import BadSetting, MaskRefused

FINE = AccessOptions(quality=100)
XMP = (
    b"<?xpacket begin='\xef\xbb\xbf' id='W5M0MpCehiHzreSzNTczkc9d'?>"
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/><?xpacket end='w'?>"
)


def smooth(height, width, dtype="uint8", channels=3):
    """Every tone, and no edge that a JPEG would soften."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [
        0.5 + 0.45 * np.sin(rows / 90 + n) * np.cos(columns / 120 + n) for n in range(channels)
    ]
    if dtype == "float32":
        return np.stack(waves, axis=2).astype(np.float32)
    return np.rint(np.stack(waves, axis=2) * np.iinfo(dtype).max).astype(dtype)


def screen(pixels, profile, space="rgb"):
    """The whole picture through LittleCMS at once, in all its bits."""
    made = imagecodecs.cms_transform(
        np.ascontiguousarray(pixels), profile, imagecodecs.cms_profile("srgb"), colorspace=space,
        outcolorspace="rgb", outdtype="uint8", intent=1,
    )  # fmt: skip
    return np.asarray(made).astype(int)


def adobe(tmp_path):
    profile = bytes(imagecodecs.cms_profile("adobergb"))
    # within sRGB: at its edge one step of 8 bits is many
    pixels = smooth(600, 700, "uint16") // 2 + 16384
    tifffile.imwrite(
        tmp_path / "m.tif", pixels, photometric="rgb", tile=(128, 128), iccprofile=profile
    )
    # as in the review room, 16-bit samples are shown by their nearest 8-bit ones
    return screen(np.rint(pixels / 257).astype(np.uint8), profile)


def gamma_1_grey(tmp_path):
    profile = bytes(imagecodecs.cms_profile("gray", gamma=1.0))
    pixels = smooth(600, 700, "uint8", 1)[..., 0]
    tifffile.imwrite(tmp_path / "m.tif", pixels, photometric="minisblack", iccprofile=profile)
    light = pixels / 255
    low, high = 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055  # IEC 61966-2-1
    grey = np.rint(255 * np.where(light <= 0.0031308, low, high)).astype(int)
    return np.repeat(grey[..., None], 3, axis=2)


def ink(tmp_path):
    pixels = smooth(600, 700, "uint8", 4)
    tifffile.imwrite(tmp_path / "m.tif", pixels, photometric="separated", compression="lzw")
    light = 1 - pixels / 255
    return np.rint(255 * light[..., :3] * light[..., 3:]).astype(int)


def lab(tmp_path):
    pixels = smooth(600, 700, "float32")
    pixels = np.rint(pixels * [200, 60, 60] + [30, -30, -30]).astype(np.int16)
    stored = pixels.astype(np.int8).view(np.uint8)
    stored[..., 0] = pixels[..., 0]
    tifffile.imwrite(tmp_path / "m.tif", stored, photometric="cielab", rowsperstrip=64)
    values = pixels * [100 / 255, 1, 1]
    return screen(values.astype(np.float32), imagecodecs.cms_profile("lab4"), "lab")


def palette(tmp_path):
    table = (np.arange(256, dtype=np.uint16)[None] * np.array([[200], [120], [250]])).astype("u2")
    pixels = smooth(600, 700, "uint8", 1)[..., 0]
    tifffile.imwrite(tmp_path / "m.tif", pixels, photometric="palette", colormap=table)
    return np.rint(table.T[pixels] / 257).astype(int)


def no_profile(tmp_path):
    pixels = smooth(600, 700, "uint16")
    tifffile.imwrite(tmp_path / "m.tif", pixels, photometric="rgb", compression="zlib")
    return np.rint(pixels / 257).astype(int)


@pytest.mark.parametrize("kind", [adobe, gamma_1_grey, ink, lab, palette, no_profile])
def test_colours_are_those_of_the_whole_picture_through_its_profile(kind, tmp_path, dossier):
    wanted = kind(tmp_path)
    mask = tmp_path / "unused"
    write_jpeg(tmp_path / "m.tif", tmp_path / "a.jpg", dossier, mask, 0, FINE)
    write_cog(tmp_path / "m.tif", tmp_path / "a.tif", dossier, mask, 0, FINE)
    with Image.open(tmp_path / "a.jpg") as image:
        picture = np.asarray(image).astype(int)
    assert np.abs(picture - wanted).max() <= 6
    assert np.abs(tifffile.imread(tmp_path / "a.tif").astype(int) - wanted).max() <= 6


def test_the_pyramid_is_a_cloud_optimized_geotiff(signed, dossier, tmp_path):
    if shutil.which("gdalinfo") is None:
        pytest.skip("gdalinfo is not installed")
    write_cog(signed.made.restored, tmp_path / "a.tif", dossier, signed.made.mask)
    done = subprocess.run(
        ["gdalinfo", "-json", tmp_path / "a.tif"], capture_output=True, check=True, text=True
    )
    said = json.loads(done.stdout)
    assert said["metadata"]["IMAGE_STRUCTURE"]["LAYOUT"] == "COG"
    assert said["size"] == [800, 600]
    assert len(said["bands"]) == 3
    for band in said["bands"]:
        assert (band["type"], band["block"]) == ("Byte", [512, 512])
        assert [overview["size"] for overview in band["overviews"]] == [[400, 300]]
    assert "coordinateSystem" not in said


def test_all_directories_come_before_all_pixels_and_each_is_half_of_the_one_before(
    dossier, tmp_path
):
    tifffile.imwrite(tmp_path / "m.tif", smooth(1300, 2200), photometric="rgb")
    write_cog(tmp_path / "m.tif", tmp_path / "a.tif", dossier, tmp_path / "unused", 0, FINE)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        pages = list(tiff.pages)
        assert [(page.imagelength, page.imagewidth) for page in pages] == [
            (1300, 2200), (650, 1100), (325, 550), (162, 275),
        ]  # fmt: skip
        data = [offset for page in pages for offset in page.dataoffsets]
        assert max(page.offset for page in pages) < min(data)
        # the smallest lie first, so that a first look needs only the head of the file
        starts = [min(page.dataoffsets) for page in pages]
        assert starts == sorted(starts, reverse=True)
        for page in pages:
            assert (page.tilelength, page.tilewidth) == (512, 512)
            assert (page.bitspersample, page.samplesperpixel) == (8, 3)
        assert pages[0].tags["InterColorProfile"].value == srgb()
        whole, half = pages[0].asarray().astype(int), pages[1].asarray().astype(int)
    means = whole.reshape(650, 2, 1100, 2, 3).mean(axis=(1, 3))
    assert np.abs(means - half).max() <= 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_that_lies_stands_upright(orientation, dossier, tmp_path):
    pixels = smooth(90, 140)
    pixels[:30, :40] = 255
    place = tmp_path / "m.tif"
    tag = (274, 3, 1, orientation, True)
    tifffile.imwrite(place, pixels, photometric="rgb", rowsperstrip=16, extratags=[tag])
    with Image.open(place) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image)).astype(int)
    write_jpeg(place, tmp_path / "a.jpg", dossier, tmp_path / "unused", 0, FINE)
    write_cog(place, tmp_path / "a.tif", dossier, tmp_path / "unused", 0, FINE)
    with Image.open(tmp_path / "a.jpg") as image:
        assert np.abs(np.asarray(image).astype(int) - wanted).max() <= 8
    assert np.abs(tifffile.imread(tmp_path / "a.tif").astype(int) - wanted).mean() <= 1


@pytest.mark.parametrize("name", ["a.tif", "a.jpg"])
def test_the_copy_says_what_it_is_and_in_which_colours(name, signed, dossier, tmp_path):
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    signing = dataclasses.replace(dossier.signing, approver="王芳")
    said = dataclasses.replace(dossier, signing=signing)
    write = write_cog if name == "a.tif" else write_jpeg
    write(signed.made.restored, tmp_path / name, said, signed.made.mask, xmp=XMP)
    wanted = ["-ImageDescription", "-ProfileDescription", "-XResolution", "-XMPToolkit", "-XMP"]
    command = ["exiftool", "-j", "-b", *wanted, tmp_path / name]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]
    assert found["ImageDescription"].startswith(said.statement)
    assert "王芳" in found["ImageDescription"]
    assert "copy for viewing" in found["ImageDescription"]
    assert "sRGB" in found["ProfileDescription"]
    assert found["XResolution"] == 600
    assert "x:xmpmeta" in found["XMP"]


@pytest.mark.parametrize("write", [write_cog, write_jpeg])
def test_the_same_picture_gives_the_same_bytes_and_leaves_nothing_else(
    write, signed, dossier, tmp_path
):
    for name in ("a", "b"):
        write(signed.made.restored, tmp_path / name, dossier, signed.made.mask)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_jpeg_is_no_longer_than_wished_and_keeps_the_scale(signed, dossier, tmp_path):
    options = AccessOptions(longest=300, quality=100)
    write_jpeg(signed.made.restored, tmp_path / "a.jpg", dossier, signed.made.mask, 0, options)
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.size == (300, 225)
        assert image.info["dpi"] == (225, 225)
        assert image.info["icc_profile"] == srgb()
        small = np.asarray(image).astype(float)
    whole = tifffile.imread(signed.made.restored).astype(float) / 257
    blocks = whole.reshape(75, 8, 100, 8, 3).mean(axis=(1, 3))
    assert np.abs(small.reshape(75, 3, 100, 3, 3).mean(axis=(1, 3)) - blocks).max() < 2


def test_a_picture_full_of_grain_is_written_too(dossier, tmp_path):
    noise = np.random.default_rng(3).integers(0, 256, (900, 1200, 3), np.uint8)
    tifffile.imwrite(tmp_path / "m.tif", noise, photometric="rgb")
    write_jpeg(tmp_path / "m.tif", tmp_path / "a.jpg", dossier, tmp_path / "unused", 0, FINE)
    assert np.abs(read_jpeg(tmp_path / "a.jpg").astype(int) - noise).max() <= 6


def both_ways(signed, dossier, folder, write, read, **more):
    mask = signed.made.mask
    for name, tratteggio in (("plain", False), ("lines", True)):
        options = AccessOptions(tratteggio=tratteggio, quality=98, **more)
        write(signed.made.restored, folder / name, dossier, mask, 0, options)
    return read(folder / "plain").astype(int), read(folder / "lines").astype(int)


def read_jpeg(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize(("write", "read"), [(write_jpeg, read_jpeg), (write_cog, tifffile.imread)])
def test_tratteggio_draws_vertical_lines_in_fills_and_nowhere_else(
    write, read, signed, dossier, tmp_path
):
    plain, lines = both_ways(signed, dossier, tmp_path, write, read)
    drawn = lines - plain
    far = tifffile.imread(signed.made.mask) == 0
    far = Image.fromarray(far.astype(np.uint8) * 255)
    far = np.asarray(far.resize((50, 38), Image.Resampling.BOX).resize((800, 608)))[:600] == 255
    assert np.abs(drawn[far]).max() <= 2
    inside = drawn[64:112, 96:144].mean(axis=2)  # in the kept region 1, 48 lines of 6 pixels
    profile = inside.mean(axis=0)
    assert profile.max() > 15
    assert profile.min() < -15
    assert np.abs(profile.reshape(8, 6) - profile[:6]).max() < 6  # a period of six pixels
    assert np.abs(inside - profile).max() < 12  # and the same all the way down
    assert abs(inside.mean()) < 1.5  # from afar the tone is what it was


def test_tratteggio_is_as_fine_in_a_small_copy_and_vanishes_in_smaller_versions(
    signed, dossier, tmp_path
):
    plain, lines = both_ways(signed, dossier, tmp_path, write_jpeg, read_jpeg, longest=400)
    profile = (lines - plain)[34:56, 44:68].mean(axis=(0, 2))
    assert np.abs(profile.reshape(4, 6) - profile[:6]).max() < 6
    assert profile.max() > 15

    def quarter(path):
        pixels = tifffile.imread(path)
        return pixels[64:112, 96:144].reshape(4, 12, 4, 12, 3).mean(axis=(1, 3))

    both_ways(signed, dossier, tmp_path, write_cog, quarter)
    assert np.abs(quarter(tmp_path / "lines") - quarter(tmp_path / "plain")).max() < 3


def test_the_region_that_was_taken_back_is_not_hatched(signed, dossier, tmp_path):
    plain, lines = both_ways(signed, dossier, tmp_path, write_jpeg, read_jpeg)
    assert np.abs(lines - plain)[224:480, 384:416].max() <= 2


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_lines_are_vertical_however_the_master_lies(orientation, dossier, tmp_path):
    place = tmp_path / "m.tif"
    grey = np.full((128, 192, 3), 128, np.uint8)
    tifffile.imwrite(place, grey, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    given = np.full((128, 192), 255, np.uint8)
    given[:8], given[120:], given[:, :8], given[:, 184:] = 0, 0, 0, 0
    tifffile.imwrite(tmp_path / "given.tif", given)
    import_mask(tmp_path / "given.tif", tmp_path / "mask.tif", 128, 192)
    options = AccessOptions(tratteggio=True)
    for write, name in ((write_jpeg, "a.jpg"), (write_cog, "a.tif")):
        write(place, tmp_path / name, dossier, tmp_path / "mask.tif", 0, options)
        read = read_jpeg if name == "a.jpg" else tifffile.imread
        lines = read(tmp_path / name)[16:-16, 16:-16, 1].astype(int)
        assert np.ptp(lines, axis=0).max() <= 6
        assert np.ptp(lines, axis=1).min() > 40


def test_a_mask_of_another_size_is_refused(signed, dossier, tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", smooth(100, 100), photometric="rgb")
    options = AccessOptions(tratteggio=True)
    with pytest.raises(MaskRefused, match="800 x 600 pixels, the picture 100 x 100"):
        write_jpeg(
            tmp_path / "m.tif", tmp_path / "a.jpg", dossier, signed.made.mask, 0, options
        )  # fmt: skip
    assert not (tmp_path / "a.jpg").exists()


def test_the_caption_is_below_the_picture_and_never_over_it(signed, dossier, tmp_path):
    for name, options in (("without", AccessOptions()), ("with", AccessOptions(caption=True))):
        write_jpeg(signed.made.restored, tmp_path / name, dossier, signed.made.mask, 0, options)
    without, below = read_jpeg(tmp_path / "without"), read_jpeg(tmp_path / "with")
    assert without.shape == (600, 800, 3)
    assert below.shape[1:] == (800, 3)
    assert below.shape[0] > 640
    # JPEG works in blocks of 8 rows, and 600 is a multiple of it
    assert np.array_equal(below[:600], without)
    assert (below[608:] < 90).any()


def test_words_are_broken_into_lines_with_a_margin():
    picture = np.zeros((40, 600, 3), np.uint8)
    one, many = captioned(picture, "Hypothesis."), captioned(picture, "digital completion " * 12)
    assert np.array_equal(many[:40], picture)
    assert len(many) - len(one) >= 2 * 18
    band = many[40:]
    assert (band[:, :14] == PAPER).all()
    assert (band[:, -14:] == PAPER).all()
    assert (band[:14] == PAPER).all()
    assert (band[-14:] == PAPER).all()
    assert band.min() < 90


def test_a_narrow_picture_stands_on_a_band_wide_enough_to_be_read():
    picture = np.zeros((50, 20, 3), np.uint8)
    whole = captioned(picture, "Virtual restoration " + "x" * 90)
    assert whole.shape[1] == NARROWEST
    assert np.array_equal(whole[:50, :20], picture)
    assert (whole[:50, 20:] == PAPER).all()


def test_every_letter_is_drawn_or_missed_by_name():
    letters = "Łódź, Zürich, 王芳"
    if not any(missing(letters, font) == "" for font in caption._fonts(20)):
        with pytest.raises(BadSetting, match="no font on this machine"):
            font_for(letters, 20)
        return
    font = font_for(letters, 20)
    assert len({bytes(font.getmask(letter)) for letter in (*"王芳Ł", caption.NOWHERE)}) == 4


def test_without_a_font_the_letters_are_named(monkeypatch):
    monkeypatch.setattr(caption, "FONTS", ())
    assert missing("plain", font_for("plain", 20)) == ""
    with pytest.raises(BadSetting, match="letters 王 芳 of the caption"):
        captioned(np.zeros((9, 400, 3), np.uint8), "by 王芳 王")


@pytest.mark.parametrize("wrong", [{"quality": 0}, {"quality": 101}, {"longest": 0}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(BadSetting, match="access copies"):
        AccessOptions(**wrong)


def test_a_packet_that_does_not_fit_is_refused(signed, dossier, tmp_path):
    with pytest.raises(BadSetting, match="does not fit"):
        write_jpeg(
            signed.made.restored, tmp_path / "a.jpg", dossier, signed.made.mask,
            xmp=b"x" * (PACKET + 1),
        )  # fmt: skip
