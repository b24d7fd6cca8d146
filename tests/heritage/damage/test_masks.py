import hashlib
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from heritage.damage.masks import find_mask, import_mask, open_mask
from heritage.errors import HeritageError, MaskRefused, StorageFailed
from heritage.geometry import Box

HEIGHT, WIDTH = 700, 1300


@pytest.fixture
def damage():
    damage = np.zeros((HEIGHT, WIDTH), bool)
    damage[100:120, 500:900] = True
    damage[-1, -1] = damage[0, 0] = True
    return damage


def write_png(path, damage, mode):
    Image.fromarray(damage.astype(np.uint8) * 255).convert(mode).save(path)


def palette_png(path, damage):
    image = Image.fromarray(np.where(damage, 1, 0).astype(np.uint8), "P")
    image.putpalette([0, 0, 0, 250, 10, 30])
    image.save(path)


def white_first_palette_png(path, damage):
    image = Image.fromarray(np.where(damage, 0, 1).astype(np.uint8), "P")
    image.putpalette([255, 255, 255, 0, 0, 0])
    image.save(path)


def green_on_black(path, damage):
    rgb = np.zeros((*damage.shape, 3), np.uint8)
    rgb[damage] = 0, 200, 0
    Image.fromarray(rgb).save(path)


def grey_with_odd_alpha(path, damage):
    rng = np.random.default_rng(0)
    alpha = rng.integers(0, 256, damage.shape, np.uint8)
    Image.fromarray(np.dstack([damage.astype(np.uint8) * 255, alpha]), "LA").save(path)


def rgba(path, damage):
    grey = damage.astype(np.uint8) * 255
    Image.fromarray(np.dstack([grey, grey, grey, 255 - grey])).save(path)


def georeferenced_with_nodata(path, damage):
    with rasterio.open(
        path, "w", driver="GTiff", height=HEIGHT, width=WIDTH, count=1, dtype="uint8", nodata=255,
        crs="EPSG:4326", transform=rasterio.Affine(0.1, 0, 1, 0, -0.1, 2),
    ) as raster:  # fmt: skip
        raster.write(damage.astype(np.uint8) * 255, 1)


def float_with_nan(path, damage):
    samples = np.where(damage, 0.25, 0).astype(np.float32)
    samples[300:310, 300:310] = np.nan
    tifffile.imwrite(path, samples)


KINDS = {
    "one bit.png": lambda p, d: write_png(p, d, "1"),
    "grey.png": lambda p, d: write_png(p, d, "L"),
    "sixteen bit.png": lambda p, d: Image.fromarray(d.astype(np.uint16) * 257).save(p),
    "rgb.png": lambda p, d: write_png(p, d, "RGB"),
    "green.png": green_on_black,
    "rgba.png": rgba,
    "grey and alpha.png": grey_with_odd_alpha,
    "palette.png": palette_png,
    "palette, white first.png": white_first_palette_png,
    "one bit.tif": lambda p, d: tifffile.imwrite(p, d),
    "one bit, min is black.tif": lambda p, d: tifffile.imwrite(p, d, photometric="minisblack"),
    "eight bit.tif": lambda p, d: tifffile.imwrite(p, d.astype(np.uint8)),
    "signed.tif": lambda p, d: tifffile.imwrite(p, d.astype(np.int16) * -5),
    "tiled, big endian.tif": lambda p, d: tifffile.imwrite(
        p, d.astype(np.uint16) * 9, tile=(64, 48), compression="lzw", byteorder=">"
    ),
    "float.tif": float_with_nan,
    "double.tif": lambda p, d: tifffile.imwrite(p, d.astype(np.float64) * 1e-9, bigtiff=True),
    "rgb, planar.tif": lambda p, d: tifffile.imwrite(
        p, np.stack([d * np.uint8(7)] * 3), photometric="rgb", planarconfig="separate"
    ),
    "georeferenced.tif": georeferenced_with_nodata,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_mask_says_the_same(tmp_path, damage, kind):
    source, target = tmp_path / kind, tmp_path / "kept.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        KINDS[kind](source, damage)
    info = import_mask(source, target, HEIGHT, WIDTH)
    with open_mask(target) as mask:
        assert (mask.height, mask.width) == (HEIGHT, WIDTH)
        np.testing.assert_array_equal(mask.read(Box(0, 0, HEIGHT, WIDTH)), damage)
    assert info.pixels == damage.sum()
    assert info.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert info.source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([kind, "kept.tif"])


def test_the_kept_mask_is_a_sparse_tiff_that_others_read_too(tmp_path, damage):
    write_png(tmp_path / "m.png", damage, "L")
    target = tmp_path / "kept.tif"
    import_mask(tmp_path / "m.png", target, HEIGHT, WIDTH)
    np.testing.assert_array_equal(tifffile.imread(target), damage * np.uint8(255))
    with tifffile.TiffFile(target) as file:
        assert file.pages.first.tile == (512, 512)
        assert 0 in file.pages.first.databytecounts
        assert not file.geotiff_metadata


def test_the_same_mask_gives_the_same_bytes(tmp_path, damage):
    write_png(tmp_path / "m.png", damage, "L")
    tifffile.imwrite(tmp_path / "m.tif", damage)
    kept = []
    for source, target in [("m.png", "a.tif"), ("m.png", "b.tif"), ("m.tif", "c.tif")]:
        import_mask(tmp_path / source, tmp_path / target, HEIGHT, WIDTH)
        kept.append((tmp_path / target).read_bytes())
    assert kept[0] == kept[1] == kept[2]


def refusal(source, target, height=HEIGHT, width=WIDTH):
    with pytest.raises(HeritageError) as caught:
        import_mask(source, target, height, width)
    assert not target.exists()
    assert "\n" not in str(caught.value)
    assert [p for p in target.parent.iterdir() if p.suffix == ".part"] == []
    return caught.value


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path, damage):
    write_png(tmp_path / "m.png", damage, "L")
    error = refusal(tmp_path / "m.png", tmp_path / "kept.tif", HEIGHT, WIDTH + 1)
    assert "the mask is 1300 x 700 pixels but the master is 1301 x 700" in str(error)
    turned = refusal(tmp_path / "m.png", tmp_path / "kept.tif", WIDTH, HEIGHT)
    assert "turned by 90 degrees" in str(turned)


@pytest.mark.parametrize(("value", "words"), [(0, "empty"), (1, "covers everything")])
def test_a_mask_that_says_nothing_is_refused(tmp_path, value, words):
    Image.fromarray(np.full((HEIGHT, WIDTH), value, np.uint8)).save(tmp_path / "m.png")
    error = refusal(tmp_path / "m.png", tmp_path / "kept.tif")
    assert isinstance(error, MaskRefused)
    assert words in str(error)


def test_what_is_no_mask_is_refused(tmp_path, damage):
    target = tmp_path / "kept.tif"
    assert "no such mask" in str(refusal(tmp_path / "missing.png", target))
    (tmp_path / "folder.png").mkdir()
    assert isinstance(refusal(tmp_path / "folder.png", target), MaskRefused)
    (tmp_path / "words.png").write_text("not a picture")
    assert "neither a TIFF nor a PNG" in str(refusal(tmp_path / "words.png", target))
    (tmp_path / "empty.tif").write_bytes(b"")
    assert "neither" in str(refusal(tmp_path / "empty.tif", target))
    Image.fromarray(damage.astype(np.uint8) * 255).save(tmp_path / "m.jpg")
    assert "neither" in str(refusal(tmp_path / "m.jpg", target))
    tifffile.imwrite(tmp_path / "c.tif", damage.astype(np.complex64))
    assert "complex64" in str(refusal(tmp_path / "c.tif", target))


@pytest.mark.parametrize("name", ["m.png", "m.tif"])
def test_a_torn_mask_is_refused(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 2, (HEIGHT, WIDTH), np.uint8) * 200
    path = tmp_path / name
    if name == "m.png":
        Image.fromarray(noise).save(path)
    else:
        tifffile.imwrite(path, noise, compression="zlib", rowsperstrip=50)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert isinstance(refusal(path, tmp_path / "kept.tif"), MaskRefused)


def test_a_target_that_cannot_be_written_is_a_failure_of_storage(tmp_path, damage):
    write_png(tmp_path / "m.png", damage, "L")
    with pytest.raises(StorageFailed):
        import_mask(tmp_path / "m.png", tmp_path / "missing" / "kept.tif", HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    damage = np.random.default_rng(4).random((1100, 1700)) < 0.002
    damage[512:, 512:1024] = False
    tifffile.imwrite(folder / "m.tif", damage)
    import_mask(folder / "m.tif", folder / "kept.tif", *damage.shape)
    return folder / "kept.tif", damage


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_rectangle_reads_as_in_the_whole(kept, data):
    path, damage = kept
    y0, x0 = data.draw(st.integers(0, 1099)), data.draw(st.integers(0, 1699))
    box = Box(y0, x0, data.draw(st.integers(y0 + 1, 1100)), data.draw(st.integers(x0 + 1, 1700)))
    with open_mask(path) as mask:
        np.testing.assert_array_equal(mask.read(box), damage[box.slices])
        assert mask.any(box) == damage[box.slices].any()


def test_blocks_are_the_tiles_with_damage(kept):
    path, damage = kept
    with open_mask(path) as mask:
        blocks = list(mask.blocks())
    assert Box(512, 512, 1024, 1024) not in blocks
    assert Box(1024, 1536, 1100, 1700) in blocks
    assert sum(int(damage[block.slices].sum()) for block in blocks) == damage.sum()


def test_many_threads_read_the_same(kept):
    path, damage = kept
    boxes = [Box(y, x, y + 200, x + 300) for y in range(0, 900, 90) for x in range(0, 1400, 70)]
    with open_mask(path) as mask, ThreadPoolExecutor(8) as pool:
        for box, part in zip(boxes, pool.map(mask.read, boxes), strict=True):
            np.testing.assert_array_equal(part, damage[box.slices])


def test_reading_outside_is_a_mistake_of_the_caller(kept):
    with open_mask(kept[0]) as mask, pytest.raises(ValueError, match="leaves the mask"):
        mask.read(Box(0, 0, 1101, 5))


def test_what_was_not_imported_is_not_opened(tmp_path, damage):
    tifffile.imwrite(tmp_path / "m.tif", damage.astype(np.uint8))
    with pytest.raises(MaskRefused, match="not a mask as it is kept here"):
        open_mask(tmp_path / "m.tif")
    (tmp_path / "m.txt").write_text("words")
    with pytest.raises(MaskRefused):
        open_mask(tmp_path / "m.txt")
    with pytest.raises(StorageFailed):
        open_mask(tmp_path / "missing.tif")


def test_a_spoilt_tile_is_named(tmp_path, damage):
    write_png(tmp_path / "m.png", damage, "L")
    path = tmp_path / "kept.tif"
    import_mask(tmp_path / "m.png", path, HEIGHT, WIDTH)
    with tifffile.TiffFile(path) as file:
        offset = file.pages.first.dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"spoilt bytes")
    with open_mask(path) as mask, pytest.raises(MaskRefused, match="row 0, column 0"):
        mask.read(Box(0, 0, 10, 10))


def test_a_png_whose_head_promises_too_much_is_refused_at_once(tmp_path):
    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 16, 6, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    (tmp_path / "m.png").write_bytes(bomb)
    assert isinstance(refusal(tmp_path / "m.png", tmp_path / "kept.tif"), MaskRefused)


def test_the_mask_beside_a_master_is_found(tmp_path):
    master = tmp_path / "Night.Watch.tif"
    assert find_mask(master) is None
    (tmp_path / "Night.Watch.mask.png").touch()
    assert find_mask(master) == tmp_path / "Night.Watch.mask.png"
    (tmp_path / "Night.Watch.mask.tif").touch()
    assert find_mask(master) == tmp_path / "Night.Watch.mask.tif"
