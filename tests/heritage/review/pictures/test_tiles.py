"""Tiles: exact means of what they cover, whatever the file is like, and no seams."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.geometry import Box
from heritage.review.pictures import Scene, View
from heritage.review.pictures.areas import reduced, shown
from heritage.review.pictures.frames import Frame

KINDS = {
    "strips": {"rowsperstrip": 7},
    "one strip": {},
    "tiles": {"tile": (128, 256)},
    "packed tiles": {"tile": (128, 128), "compression": "zlib", "predictor": True},
    "packed strips": {"rowsperstrip": 13, "compression": "lzw"},
    "planes": {"planarconfig": "separate", "rowsperstrip": 50},
    "big-endian": {"rowsperstrip": 16},
    "pyramid": {"tile": (128, 128), "levels": 3},
}


def means(pixels, box, height, width):
    """Area means by another way: each pixel repeated, then summed."""
    part = pixels[box.slices].astype(float)
    wide = np.repeat(np.repeat(part, height, axis=0), width, axis=1)
    blocks = wide.reshape(height, box.height, width, box.width, -1)
    return blocks.mean(axis=(1, 3))


@settings(max_examples=60)
@given(st.data())
def test_areas_are_exact_means_wherever_their_edges_lie(data):
    size = st.integers(1, 40)
    pixels = np.random.default_rng(0).integers(0, 65535, (41, 43, 3)).astype(np.uint16)
    y, x = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 42))
    box = Box(y, x, min(y + data.draw(size), 41), min(x + data.draw(size), 43))
    height = data.draw(st.integers(1, box.height))
    width = data.draw(st.integers(1, box.width))
    found = shown(pixels, Frame.of(box, height, width))
    assert np.abs(found - means(pixels, box, height, width)).max() <= 1
    # The same part of the raster, seen as a part of something coarser whose pixels are halved.
    halves = Frame.of(box, height, width).scaled(0.5, 0.5)
    doubled = np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1)
    assert np.abs(shown(doubled, halves).astype(int) - found).max() <= 1


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([2, 4, 8]))
def test_blocks_are_reduced_to_means_of_what_there_is(height, width, factor):
    pixels = np.random.default_rng(1).integers(0, 255, (height, width, 3)).astype(np.uint8)
    found = reduced(pixels, factor)
    assert found.shape == (-(-height // factor), -(-width // factor), 3)
    for y in range(found.shape[0]):
        for x in range(found.shape[1]):
            block = pixels[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
            assert np.abs(block.mean(axis=(0, 1)) - found[y, x]).max() <= 0.51


def test_pixels_are_repeated_where_they_are_enlarged():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    found = shown(pixels, Frame.of(Box(1, 1, 3, 3), 8, 8))
    assert np.array_equal(found, np.repeat(np.repeat(pixels[1:3, 1:3], 4, axis=0), 4, axis=1))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_shows_its_pixels(tmp_path, written, painting, kind, samples, dtype):
    pixels = painting(dtype, samples)
    how = dict(KINDS[kind])
    levels = how.pop("levels", 0)
    stored = pixels[..., 0] if samples == 1 else pixels
    if kind == "planes" and samples == 3:
        stored, how["photometric"] = np.moveaxis(pixels, 2, 0), "rgb"
    elif kind == "planes":
        how.pop("planarconfig")
    if kind == "big-endian":
        stored = stored.astype(stored.dtype.newbyteorder(">"))
    written(tmp_path / "a.tif", stored, levels, **how)
    scale = np.iinfo(dtype).max / 255
    with Scene(tmp_path / "a.tif", None, tmp_path / "cache") as scene:
        for box, height, width in [
            (Box(0, 0, 700, 930), 700, 930),
            (Box(100, 90, 612, 602), 256, 256),
            (Box(13, 17, 700, 933), 100, 131),
            (Box(0, 0, 701, 933), 88, 117),
            (Box(690, 920, 701, 933), 2, 3),
        ]:
            found = scene.render(View.BEFORE, box, width, height)
            wanted = shown(pixels.astype(np.float32), Frame.of(box, height, width))
            apart = np.abs(found.astype(float) - wanted / scale)
            # Made from a level of the file's own, edges fall between its pixels.
            own = kind == "pyramid" and height <= 100
            assert apart.mean() < (1.5 if own else 0.6)
            assert own or apart.max() <= 1.01


@pytest.mark.parametrize("kind", ["strips", "packed tiles", "pyramid"])
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8, 16])
def test_neighbouring_tiles_have_no_seam(restoration, kind, scale):
    how = dict(KINDS[kind])
    made = restoration(levels=how.pop("levels", 0), **how)
    with Scene(made.master, made.folder, made.cache) as scene:
        scene.prepare()
        height, width = scene.height // scale, scene.width // scale
        whole = Box(0, 0, height * scale, width * scale)
        side = 48
        for view in View:
            picture = scene.render(view, whole, width, height, undone=frozenset({2}))
            for y in range(0, height, side):
                for x in range(0, width, side):
                    there = Box(y, x, min(y + side, height), min(x + side, width))
                    part = Box(*(edge * scale for edge in (there.y0, there.x0, there.y1, there.x1)))
                    tile = scene.render(
                        view, part, there.width, there.height, undone=frozenset({2})
                    )
                    apart = np.abs(tile.astype(int) - picture[there.slices])
                    assert apart.max() <= 1, (view, there)


def test_a_thin_tile_at_the_edge_is_made_as_its_neighbours_are(tmp_path, written, painting):
    """It must not be read pixel by pixel just because it is one pixel wide."""
    written(tmp_path / "a.tif", painting(height=2049, width=257))
    with Scene(tmp_path / "a.tif", None, tmp_path / "cache") as scene:
        scene.prepare()
        whole = scene.render(View.BEFORE, Box(0, 0, 2048, 256), 32, 256)
        thin = scene.render(View.BEFORE, Box(0, 256, 2048, 257), 1, 256)
        assert thin.shape == (256, 1, 3)
        assert np.abs(thin[:, 0].astype(int) - whole[:, -1]).mean() < 12


def test_what_cannot_be_shown_is_refused(tmp_path, written, painting):
    written(tmp_path / "a.tif", painting())
    with Scene(tmp_path / "a.tif", None, tmp_path / "cache") as scene:
        assert (scene.height, scene.width, scene.bits) == (701, 933, 8)
        with pytest.raises(ValueError, match="leaves the master"):
            scene.render(View.BEFORE, Box(0, 0, 702, 933), 9, 9)
        with pytest.raises(ValueError, match="no restoration"):
            scene.render(View.AFTER, Box(0, 0, 10, 10), 9, 9)
