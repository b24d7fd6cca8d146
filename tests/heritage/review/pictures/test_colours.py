"""Colours on the screen are those that LittleCMS, asked in another way, makes of the samples."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
import tifffile

from heritage.geometry import Box
from heritage.review.pictures import Levels, Scene, View

SIDE = 64


def shown(path, levels=None):
    with Scene(path, None, path.parent / "cache") as scene:
        box = Box(0, 0, scene.height, scene.width)
        return scene.render(View.BEFORE, box, scene.width, scene.height, levels)


def ramp(dtype, samples):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, np.iinfo(dtype).max, (SIDE, SIDE, samples), dtype, endpoint=True)
    pixels[0] = (np.arange(SIDE) * (np.iinfo(dtype).max // (SIDE - 1)))[:, None]
    return pixels


def nearly(one, other, levels=1):
    return np.abs(one.astype(int) - other).max() <= levels


def screen(pixels, profile, space):
    """LittleCMS through imagecodecs, without any shortcut."""
    made = imagecodecs.cms_transform(
        pixels, profile, imagecodecs.cms_profile("srgb"), colorspace=space, outcolorspace="rgb",
        outdtype="uint16", intent=1, flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE,
    )  # fmt: skip
    return np.rint(np.asarray(made) / 257).astype(int)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_rgb_goes_through_its_profile(tmp_path, written, dtype, planar):
    pixels, profile = ramp(dtype, 3), imagecodecs.cms_profile("adobergb")
    stored = pixels if planar == "contig" else np.moveaxis(pixels, 2, 0)
    tifffile.imwrite(
        tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, iccprofile=profile
    )
    # 16-bit samples are shown by their nearest 8-bit ones.
    nearest = np.rint(pixels / (np.iinfo(dtype).max / 255)).astype(np.uint8)
    found = shown(tmp_path / "a.tif")
    assert nearly(found, screen(nearest, profile, "rgb"), 2)
    assert not nearly(found, nearest, 8)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_rgb_and_grey_without_profile_are_taken_as_srgb(tmp_path, written, dtype):
    for samples in (1, 3):
        pixels = ramp(dtype, samples)
        path = tmp_path / f"{samples}.tif"
        written(path, pixels[..., 0] if samples == 1 else pixels, photometric=None)
        nearest = np.rint(pixels / (np.iinfo(dtype).max / 255)).astype(np.uint8)
        assert np.array_equal(shown(path), np.broadcast_to(nearest, (SIDE, SIDE, 3)))


def test_grey_goes_through_its_profile(tmp_path):
    pixels, profile = ramp("uint8", 1), imagecodecs.cms_profile("gray", gamma=1.0)
    tifffile.imwrite(tmp_path / "a.tif", pixels[..., 0], iccprofile=profile)
    light = pixels / 255
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert nearly(shown(tmp_path / "a.tif"), np.rint(curve * 255).astype(int))


def test_a_profile_of_another_kind_is_not_used(tmp_path):
    pixels = ramp("uint8", 1)
    for number, profile in enumerate((bytes(imagecodecs.cms_profile("adobergb")), b"no profile")):
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(path, pixels[..., 0], iccprofile=profile)
        assert np.array_equal(shown(path), np.broadcast_to(pixels, (SIDE, SIDE, 3)))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_inks_without_profile_swallow_their_complement(tmp_path, dtype):
    pixels = ramp(dtype, 4)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="separated")
    light = 1 - pixels / np.iinfo(dtype).max
    assert nearly(shown(tmp_path / "a.tif"), np.rint(light[..., :3] * light[..., 3:] * 255), 2)


def test_inks_go_through_their_profile(tmp_path, shared):
    with tifffile.TiffFile(shared / "data/tiff/valid/TwelveMonkeys__cmyk_jpeg.tif") as file:
        profile = file.pages[0].tags[34675].value
    pixels = ramp("uint8", 4)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="separated", iccprofile=profile)
    apart = np.abs(shown(tmp_path / "a.tif") - screen(pixels, profile, "cmyk"))
    # For a screen tables are interpolated: that shows, a little, in the darkest mixtures only.
    assert apart.mean() < 0.5
    assert np.quantile(apart, 0.99) <= 2


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("photometric", ["cielab", "icclab"])
def test_lab_is_the_colour_that_was_measured(tmp_path, dtype, photometric):
    light, chroma = np.meshgrid(np.linspace(20, 90, SIDE), np.linspace(-25, 25, SIDE))
    lab = np.dstack([light, chroma, chroma[::-1]])
    if dtype == "float32":
        stored = lab.astype(dtype)
    else:
        unit = {"uint8": 1, "uint16": 256}[dtype]
        full = 65280 if (dtype, photometric) == ("uint16", "icclab") else np.iinfo(dtype).max
        offset = 128 * unit if photometric == "icclab" else 0
        levels = np.rint(lab * (full / 100, unit, unit)).astype(int)
        levels[..., 1:] += offset
        stored = (levels & np.iinfo(dtype).max).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric=photometric)
    wanted = screen(lab.astype(np.float32), imagecodecs.cms_profile("lab4"), "lab")
    assert nearly(shown(tmp_path / "a.tif"), wanted, 3 if dtype == "uint8" else 1)


def test_indices_are_shown_as_the_colours_they_stand_for(tmp_path):
    table = np.random.default_rng(2).integers(0, 65535, (3, 256), np.uint16)
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="palette", colormap=table)
    assert np.array_equal(shown(tmp_path / "a.tif"), np.rint(table.T / 257)[pixels])


def test_white_is_zero_is_turned_and_bits_are_black_and_white(tmp_path):
    pixels = ramp("uint8", 1)[..., 0]
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    assert np.array_equal(shown(tmp_path / "a.tif")[..., 0], 255 - pixels)
    tifffile.imwrite(tmp_path / "b.tif", pixels > 99, photometric="minisblack", bitspersample=1)
    assert np.array_equal(shown(tmp_path / "b.tif")[..., 0], np.where(pixels > 99, 255, 0))


def test_floats_and_signed_samples_fill_their_range(tmp_path):
    pixels = np.linspace(-40, 60, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)
    pixels[5, 5] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    found = shown(tmp_path / "a.tif")[..., 0]
    assert (found[0, 0], found[-1, -1], found[5, 5]) == (0, 255, 0)
    assert nearly(found[20:], np.rint((pixels[20:] + 40) / 100 * 255), 1)
    signed = np.linspace(-32768, 32767, SIDE * SIDE).astype(np.int16).reshape(SIDE, SIDE)
    tifffile.imwrite(tmp_path / "b.tif", signed)
    assert nearly(shown(tmp_path / "b.tif")[..., 0], np.rint((signed + 32768.0) / 257), 1)


def test_alpha_and_extra_samples_are_left_aside(tmp_path):
    pixels = ramp("uint8", 5)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=["unassalpha", "unspecified"]
    )
    assert np.array_equal(shown(tmp_path / "a.tif"), pixels[..., :3])


def test_levels_are_applied_to_all_bits(tmp_path, written):
    """16 bits that all fall into one 8-bit level become a whole scale."""
    pixels = np.repeat(np.arange(1024, 1024 + 256, dtype=np.uint16)[None], 8, axis=0)
    written(tmp_path / "a.tif", pixels)
    found = shown(tmp_path / "a.tif", Levels(1024 / 65535, 1279 / 65535))
    assert np.array_equal(found[0, :, 0], np.arange(256))
    lighter = shown(tmp_path / "a.tif", Levels(1024 / 65535, 1279 / 65535, gamma=2.0))
    assert lighter[0, 64, 0] == 128


def test_levels_make_inks_and_lab_lighter_or_darker_as_they_do_rgb(tmp_path):
    inks = np.full((8, 8, 4), (100, 100, 100, 20), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", inks, photometric="separated")
    lab = np.full((8, 8, 3), (128, 0, 0), np.uint8)
    tifffile.imwrite(tmp_path / "b.tif", lab, photometric="cielab")
    for path in (tmp_path / "a.tif", tmp_path / "b.tif"):
        plain = shown(path).mean()
        assert shown(path, Levels(high=0.7)).mean() > plain + 20
        assert shown(path, Levels(low=0.3)).mean() < plain - 20
        assert shown(path, Levels(gamma=2.0)).mean() > plain + 20


@pytest.mark.parametrize("wrong", [(0.5, 0.5, 1), (-0.1, 1, 1), (0, 1.1, 1), (0, 1, 0)])
def test_levels_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"levels need|gamma must"):
        Levels(*wrong)
