"""Layers: exact in every data type, the same bytes each time, small where nothing is."""

from __future__ import annotations

import os

import imagecodecs
import numpy as np
import pytest
import tifffile

from heritage.geometry import Box
from heritage.restore.layer import (
    BlockEncoder,
    LayerFormat,
    LayerReader,
    gdal_environment,
    opaque,
    write_layer,
)

DTYPES = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]
DTYPES += ["float16", "float32", "float64"]
BLOCKS = [Box(0, 0, 512, 512), Box(512, 1024, 700, 1100)]


def values(dtype, shape, seed=0):
    random = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return random.random(shape) > 0.5
    if kind.kind == "f":
        return (random.standard_normal(shape) * 100).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def write(path, dtype, samples, icc=None):
    layer = LayerFormat(700, 1100, samples, dtype, icc)
    written, tiles, encoder = {}, [], BlockEncoder(layer)
    for box in BLOCKS:
        native = values(dtype, (box.height, box.width, samples))
        replaced = values("bool", (box.height, box.width), 1)
        tiles.append((box, encoder.encode(native[replaced], replaced)))
        written[box] = native, replaced
    write_layer(path, layer, tiles)
    return written


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("samples", [1, 3, 5])
def test_every_pixel_comes_back_exactly(tmp_path, dtype, samples):
    path = tmp_path / "x.layer.tif"
    written = write(path, dtype, samples)
    with gdal_environment(), LayerReader(path, dtype) as layer:
        assert (layer.height, layer.width, layer.samples) == (700, 1100, samples)
        for box, (native, replaced) in written.items():
            pixels, alpha = layer.read(box)
            assert pixels.dtype == np.dtype(dtype)
            assert np.array_equal(pixels[replaced], native[replaced])
            assert np.array_equal(alpha, np.where(replaced, opaque(dtype), 0))
            assert not pixels[~replaced].any()
        empty, alpha = layer.read(Box(0, 512, 512, 1024))
        assert not empty.any()
        assert not alpha.any()


def test_bytes_are_the_same_each_time_and_empty_blocks_cost_nothing(tmp_path):
    one, two = tmp_path / "1.tif", tmp_path / "2.tif"
    write(one, "uint16", 3)
    write(two, "uint16", 3)
    assert one.read_bytes() == two.read_bytes()
    with tifffile.TiffFile(one) as file:
        counts = file.pages[0].databytecounts
    assert sum(count > 0 for count in counts) == len(BLOCKS)


def test_a_disk_that_keeps_something_else_is_noticed(tmp_path, monkeypatch):
    honest = os.pread

    def rotten(descriptor, size, at):
        return honest(descriptor, size, at)[:-1] + b"?"

    monkeypatch.setattr(os, "pread", rotten)
    with pytest.raises(OSError, match="did not keep what was written"):
        write(tmp_path / "x.layer.tif", "uint8", 3)


def test_the_profile_of_the_master_travels_with_the_layer(tmp_path):
    icc = bytes(imagecodecs.cms_profile("srgb"))
    path = tmp_path / "x.layer.tif"
    write(path, "uint16", 3, icc)
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].tags[34675].value == icc
        assert file.pages[0].extrasamples[-1] == tifffile.EXTRASAMPLE.UNASSALPHA
