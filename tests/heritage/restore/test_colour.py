"""Working space: depth is kept both ways, and what did not change keeps its samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.restore import profiles
from heritage.restore.colour import PLAIN_CMYK, WorkingSpace, needs_value_range, value_range
from heritage.tiff import inspect
from heritage.tiff.info import MasterInfo


def info(dtype="uint8", samples=3, colour="rgb", colour_samples=None, bits=None, **more):
    """A master's description without the master."""
    kind = np.dtype(dtype)
    known = MasterInfo(
        path=Path("x.tif"),
        bytes=0,
        page=0,
        pages=1,
        subimages=0,
        width=1,
        height=1,
        samples=samples,
        colour_samples=colour_samples or samples,
        colour=colour,
        white_is_zero=False,
        lab_encoding=None,
        dtype=dtype,
        bits=bits or (1 if kind.kind == "b" else kind.itemsize * 8),
        palette=None,
        photometric="RGB",
        compression="NONE",
        predictor=1,
        planar=False,
        tiled=False,
        segment_height=1,
        segment_width=1,
        byteorder="little",
        bigtiff=False,
        lossy=False,
        rewritable=True,
        icc=None,
        orientation=1,
        resolution=None,
        segments=1,
    )
    return replace(known, **more)


def round_trip(space, native):
    """Through RGB and back onto a blank pixel, so that nothing is kept for being unchanged."""
    other = np.zeros_like(native)
    other[space.to_rgb(native).sum(axis=-1) < 1.5] = 1 if native.dtype.kind == "b" else 119
    return space.from_rgb(space.to_rgb(native), other)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int8", "int16"])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_every_value_survives_the_way_to_rgb_and_back(dtype, colour, white_is_zero):
    samples = 3 if colour == "rgb" else 1
    space = WorkingSpace.of(info(dtype, samples, colour, white_is_zero=white_is_zero))
    limits = np.iinfo(dtype)
    every = np.arange(limits.min, limits.max + 1).astype(dtype)
    native = np.repeat(every[:, None], samples, axis=1)
    assert np.array_equal(space._encoded(space.to_rgb(native)), native)


@pytest.mark.parametrize(
    ("dtype", "bits"), [("uint8", 2), ("uint8", 4), ("uint16", 12), ("bool", 1)]
)
def test_samples_of_odd_depth_use_their_own_full_scale(dtype, bits):
    space = WorkingSpace.of(info(dtype, 1, "grey", bits=bits))
    every = np.arange(2**bits).astype(dtype)[:, None]
    rgb = space.to_rgb(every)
    assert rgb.min() == 0
    assert rgb.max() == 1
    assert np.array_equal(space._encoded(rgb), every)
    bright = space.from_rgb(np.full((1, 3), 7.0, np.float32), every[:1])
    assert bright[0, 0] == every[-1, 0]


def test_a_16_bit_fill_has_more_than_256_levels():
    space = WorkingSpace.of(info("uint16"))
    ramp = np.linspace(0.2, 0.3, 4000, dtype=np.float32)[:, None].repeat(3, axis=1)
    after = space.from_rgb(ramp, np.zeros((4000, 3), np.uint16))
    assert len(np.unique(after[:, 0])) > 3900


@settings(deadline=None, max_examples=40)
@given(
    dtype=st.sampled_from(["uint8", "uint16", "int16", "uint32", "float16", "float32", "float64"]),
    colour=st.sampled_from([("grey", 1), ("rgb", 3), ("cmyk", 4)]),
    extra=st.integers(0, 2),
    seed=st.integers(0, 1000),
)
def test_pixels_whose_colour_did_not_change_keep_every_bit(dtype, colour, extra, seed):
    name, count = colour
    random = np.random.default_rng(seed)
    native = (random.random((9, 7, count + extra)) * 100).astype(dtype)
    limits = (-3.0, 111.0) if needs_value_range(dtype) else None
    space = WorkingSpace.of(info(dtype, count + extra, name, count), limits)
    assert np.array_equal(space.from_rgb(space.to_rgb(native), native), native)


def test_alpha_and_extra_samples_are_left_alone():
    space = WorkingSpace.of(info("uint8", 5, "rgb", 3))
    before = np.arange(50, dtype=np.uint8).reshape(10, 5)
    after = space.from_rgb(np.ones((10, 3), np.float32), before)
    assert np.array_equal(after[:, 3:], before[:, 3:])
    assert (after[:, :3] == 255).all()


def test_grey_is_the_mean_of_the_restored_channels():
    space = WorkingSpace.of(info("uint8", 1, "grey"))
    after = space.from_rgb(np.array([[0.0, 0.5, 1.0]], np.float32), np.zeros((1, 1), np.uint8))
    assert after[0, 0] == 128


def test_a_palette_pixel_becomes_the_nearest_entry():
    table = np.zeros((3, 256), np.uint16)
    table[:, 1], table[0, 2], table[0, 3] = 65535, 65535, 65535
    space = WorkingSpace.of(info("uint8", 1, "palette", palette=table.T.astype("<u2").tobytes()))
    wanted = np.array([[0.9, 0.95, 1], [0.9, 0.1, 0], [0.1, 0, 0]], np.float32)
    after = space.from_rgb(wanted, np.full((3, 1), 9, np.uint8))
    assert after[:, 0].tolist() == [1, 2, 0], "of equal entries the first"
    assert not space.has_grain


def test_the_palette_of_a_file_is_seen_as_its_colours(tmp_path):
    table = np.random.default_rng(2).integers(0, 65536, (3, 256)).astype(np.uint16)
    index = np.arange(256, dtype=np.uint8).reshape(16, 16)
    tifffile.imwrite(tmp_path / "p.tif", index, photometric="palette", colormap=table)
    space = WorkingSpace.of(inspect(tmp_path / "p.tif"))
    seen = space.to_rgb(index[..., None])
    assert seen == pytest.approx(np.moveaxis(table[:, index], 0, 2) / 65535)
    assert (space.from_rgb(seen, np.zeros_like(index)[..., None])[..., 0] == index).all()


@pytest.mark.parametrize("encoding", ["cielab", "icclab"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_lab_integers_mean_what_tiff_says_they_mean(encoding, dtype):
    wide = dtype == "uint16"
    white = 0xFF00 if wide and encoding == "icclab" else np.iinfo(dtype).max
    unit, offset = (256, 32768) if wide else (1, 128)
    offset = offset if encoding == "icclab" else 0
    chroma = np.array([20, -30]) * unit + offset
    stored = np.array([[white // 2, *chroma], [white, offset, offset]]).astype(np.int64)
    native = (stored & np.iinfo(dtype).max).astype(dtype)
    lab = profiles.decode_lab(native, encoding)
    assert lab[0] == pytest.approx([50, 20, -30], abs=0.3)
    assert lab[1] == pytest.approx([100, 0, 0], abs=0.01)
    assert np.array_equal(profiles.encode_lab(lab, encoding, np.dtype(dtype)), native)


@pytest.mark.parametrize("encoding", ["cielab", "icclab"])
def test_lab_goes_through_rgb_without_being_rounded_to_8_bits(encoding):
    space = WorkingSpace.of(info("uint16", 3, "lab", lab_encoding=encoding))
    random = np.random.default_rng(1)
    lab = random.uniform((45, -20, -20), (75, 20, 20), (500, 3)).astype(np.float32)
    native = profiles.encode_lab(lab, encoding, np.dtype("uint16"))
    rgb = space.to_rgb(native)
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    back = profiles.decode_lab(space._encoded(rgb), encoding)
    assert np.abs(back - profiles.decode_lab(native, encoding)).max() < 0.05


def test_lab_white_is_white_and_grey_is_neutral():
    rgb = profiles.lab_to_rgb(np.array([[100, 0, 0], [50, 0, 0]], np.float32))
    assert rgb[0] == pytest.approx([1, 1, 1], abs=1e-3)
    assert np.ptp(rgb[1]) < 1e-3


def test_cmyk_without_profile_takes_the_plain_formula_and_says_so():
    space = WorkingSpace.of(info("uint8", 4, "cmyk"))
    assert space.note == PLAIN_CMYK
    native = np.array([[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]], np.uint8)
    assert space.to_rgb(native).tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 0]]
    assert np.array_equal(space._encoded(space.to_rgb(native)), native)


def test_cmyk_with_a_broken_profile_takes_the_plain_formula():
    assert WorkingSpace.of(info("uint8", 4, "cmyk", icc=b"not a profile")).note == PLAIN_CMYK
    rgb_profile = bytes(imagecodecs.cms_profile("srgb"))
    assert WorkingSpace.of(info("uint8", 4, "cmyk", icc=rgb_profile)).note == PLAIN_CMYK


def test_cmyk_goes_through_its_profile_and_comes_back_the_same_colour(shared):
    with tifffile.TiffFile(shared / "data/tiff/valid/TwelveMonkeys__cmyk_jpeg.tif") as file:
        icc = file.pages[0].tags[34675].value
    space = WorkingSpace.of(info("uint16", 4, "cmyk", icc=icc))
    assert space.icc == icc
    full = (40000, 40000, 40000, 9000)
    ink = (np.random.default_rng(0).random((300, 4)) * full).astype(np.uint16)
    rgb = space.to_rgb(ink)
    again = space.to_rgb(space._encoded(rgb))
    assert np.abs(again - rgb).mean() < 0.01
    assert len(np.unique(rgb)) > 256


def test_the_value_range_ignores_what_is_no_colour():
    pieces = [np.array([[np.nan], [2.0]]), np.array([[np.inf], [-3.4e38], [7.0]])]
    assert value_range(pieces) == (2.0, 7.0)
    assert value_range([np.array([0.2, 0.9])]) == (0.0, 1.0)
    assert value_range([np.array([5.0])]) == (5.0, 6.0)
    assert value_range([]) == (0.0, 1.0)


def test_nan_is_unusable_and_is_restored_to_a_number():
    space = WorkingSpace.of(info("float32", 1, "grey"), (0.0, 10.0))
    native = np.array([[[np.nan], [4.0]]], np.float32)
    assert space.unusable(native).tolist() == [[True, False]]
    assert np.isfinite(space.to_rgb(native)).all()
    assert space.from_rgb(space.to_rgb(native), native)[0, :, 0].tolist() == [0.0, 4.0]
