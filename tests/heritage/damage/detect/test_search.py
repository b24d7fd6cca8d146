import hashlib
import json
import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from heritage.damage.classes import DamageClass
from heritage.damage.detect.finding import Finding
from heritage.damage.detect.search import search
from heritage.damage.masks import import_mask, open_mask
from heritage.damage.regions import find_regions
from heritage.errors import BadSetting, HeritageError, NotEnoughMemory, OutputInTheWay
from heritage.geometry import Box


class Dark:
    """Pixels darker than what surrounds them, on average, are cracks."""

    name, context, weights = "dark", 7, None

    def detect(self, picture):
        # Whole numbers, so that sums are exact wherever a window begins.
        grey = np.rint(picture.mean(axis=-1) * 255).astype(np.int64)
        table = np.pad(grey.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        h, w = grey.shape
        y, x = np.arange(h)[:, None], np.arange(w)[None]
        y0, y1 = np.maximum(y - 7, 0), np.minimum(y + 8, h)
        x0, x1 = np.maximum(x - 7, 0), np.minimum(x + 8, w)
        total = table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0]
        mean = total / ((y1 - y0) * (x1 - x0))
        confidence = np.clip((mean - grey) / 128, 0, 1).astype(np.float32)
        return Finding(confidence, np.where(confidence > 0, DamageClass.CRACKS, 0).astype(np.uint8))


class Red:
    """Red pixels are stains, rather surely."""

    name, context, weights = "red", 0, "ab" * 32

    def detect(self, picture):
        red = (picture[..., 0] > 0.8) & (picture[..., 1] < 0.2)
        classes = np.where(red, DamageClass.STAINING, 0).astype(np.uint8)
        return Finding(np.where(red, 0.75, 0).astype(np.float32), classes)


def painting(height=1100, width=1300):
    """Grey with fine dark lines across tile and window borders, specks, and one red blot."""
    rng = np.random.default_rng(5)
    picture = rng.integers(180, 200, (height, width, 3), np.uint8)
    picture[500:503, 100 : width - 50] = 10
    picture[40 : height - 20, 1022:1026] = 20
    picture[height - 3 :, 5:60] = 15
    picture[rng.integers(0, 480, 40), rng.integers(0, 1000, 40)] = 0
    picture[700:760, 300:380] = (250, 20, 20)
    return picture


def run(master, folder, *detectors, **options):
    return search(master, folder, "m", detectors or (Dark(), Red()), **options)


def bytes_of(found):
    return [path.read_bytes() for path in (found.mask, found.damage)]


@pytest.fixture(scope="module")
def picture():
    return painting()


@pytest.fixture(scope="module")
def tiled(picture, tmp_path_factory):
    path = tmp_path_factory.mktemp("masters") / "tiled.tif"
    tifffile.imwrite(path, picture, tile=(256, 256), photometric="rgb", compression="deflate")
    return path


@pytest.fixture(scope="module")
def expected(picture):
    """What the detectors say of the whole picture at once, without specks: mask and labels."""
    framed = np.pad(picture, ((7, 7), (7, 7), (0, 0)), "reflect").astype(np.float32) / 255
    dark = Dark().detect(framed).confidence[7:-7, 7:-7]
    red = Red().detect(picture.astype(np.float32) / 255).confidence
    label, count = ndimage.label(np.maximum(dark, red) >= 0.5, np.ones((3, 3)))
    sizes = ndimage.sum(label > 0, label, range(count + 1))
    sizes[0] = 0
    return (sizes >= 12)[label], dark, red


def test_mask_and_regions_are_those_of_the_whole_picture(tiled, expected, tmp_path):
    found = run(tiled, tmp_path / "new")
    mask, dark, red = expected
    with open_mask(found.mask) as reader:
        assert (reader.read(Box(0, 0, *mask.shape)) == mask).all()
        regions = find_regions(reader)
    assert [(r.number, r.box, r.area) for r in found.regions] == [
        (r.number, r.box, r.area) for r in regions
    ]
    assert found.pixels == mask.sum() == sum(r.area for r in found.regions)
    assert {r.kind for r in found.regions} == {DamageClass.CRACKS, DamageClass.STAINING}
    label, _ = ndimage.label(mask, np.ones((3, 3)))
    for region in found.regions:
        inside = label[region.box.slices]
        own = inside == np.bincount(inside[inside > 0]).argmax()
        sure = np.maximum(dark, red)[region.box.slices][own].mean()
        assert region.confidence == pytest.approx(sure, abs=2e-4)
        assert region.detector == ("red" if region.kind is DamageClass.STAINING else "dark")


def test_record_says_what_was_searched_and_found(tiled, tmp_path):
    found = run(tiled, tmp_path)
    record = json.loads(found.damage.read_bytes())
    assert record["master"] == {
        "file": "tiled.tif",
        "sha256": hashlib.sha256(tiled.read_bytes()).hexdigest(),
        "width": 1300,
        "height": 1100,
        "page": 0,
    }
    assert record["mask"]["sha256"] == hashlib.sha256(found.mask.read_bytes()).hexdigest()
    assert (record["format"], record["status"]) == (1, "proposed")
    assert (record["detectors"], record["threshold"]) == (["dark", "red"], 0.5)
    first, box = record["regions"][0], found.regions[0].box
    assert first["box"] == [box.y0, box.x0, box.y1, box.x1]
    assert first["class"] == found.regions[0].kind.name
    assert len(record["regions"]) == len(found.regions) > 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.damage.json", "m.mask.tif"]


@pytest.mark.parametrize("options", [{"window": 512}, {"window": 2048, "workers": 1}])
def test_windows_do_not_matter(tiled, tmp_path, options):
    assert bytes_of(run(tiled, tmp_path / "a")) == bytes_of(run(tiled, tmp_path / "b", **options))


@pytest.mark.parametrize(
    "layout", [{"rowsperstrip": 37}, {"tile": (64, 112)}, {"planarconfig": "separate"}]
)
def test_layout_and_depth_do_not_matter(tiled, picture, tmp_path, layout):
    path = tmp_path / "tiled.tif"
    samples = picture.astype(np.uint16) * 257
    if "planarconfig" in layout:
        samples = np.moveaxis(samples, -1, 0)
    tifffile.imwrite(path, samples, photometric="rgb", **layout)
    one, other = run(tiled, tmp_path / "a"), run(path, tmp_path / "b")
    assert one.mask.read_bytes() == other.mask.read_bytes()
    assert one.regions == other.regions


def test_mask_is_kept_as_masks_are(tiled, tmp_path):
    found = run(tiled, tmp_path)
    again = import_mask(found.mask, tmp_path / "again.tif", found.height, found.width)
    assert again.pixels == found.pixels
    assert again.path.read_bytes() == found.mask.read_bytes()


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (600, 2), (513, 1025)])
def test_small_masters_are_mirrored_as_often_as_it_takes(tmp_path, size):
    picture = np.random.default_rng(1).integers(0, 255, (*size, 3), np.uint8)
    tifffile.imwrite(tmp_path / "m.tif", picture, photometric="rgb")
    found = run(tmp_path / "m.tif", tmp_path, Dark(), smallest=1, window=512, threshold=0.4)
    framed = picture.astype(np.float32) / 255
    for axis in (0, 1):
        width = [(0, 0)] * 3
        width[axis] = 7, 7
        framed = np.pad(framed, width, "edge" if picture.shape[axis] == 1 else "reflect")
    mask = Dark().detect(framed).confidence[7:-7, 7:-7] >= np.float32(0.4)
    with open_mask(found.mask) as reader:
        assert (reader.read(Box(0, 0, *size)) == mask).all()


def test_nothing_found_is_an_empty_mask(tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", np.full((600, 700), 90, np.uint8))
    found = run(tmp_path / "m.tif", tmp_path, preview=True)
    with open_mask(found.mask) as reader:
        assert list(reader.blocks()) == []
    assert (found.pixels, found.regions) == (0, ())


def test_what_has_no_value_is_no_damage(tmp_path):
    picture = np.full((100, 100), 0.8, np.float32)
    picture[20:30, 20:90] = np.nan
    picture[60:63, 20:90] = 0.1
    tifffile.imwrite(tmp_path / "m.tif", picture)
    assert [r.box for r in run(tmp_path / "m.tif", tmp_path).regions] == [Box(60, 20, 63, 90)]


def test_preview_shows_each_class_and_a_legend(tiled, tmp_path):
    told = []
    found = run(tiled, tmp_path, preview=True, tell=lambda *now: told.append(now))
    with Image.open(found.preview) as image:
        shown = np.asarray(image.convert("RGB")).astype(int)
    assert max(shown.shape) <= 2400
    assert shown.shape[0] > 1100
    red = shown[730, 340]
    assert abs(red - (0.55 * np.array([250, 20, 20]) + 0.45 * np.array([0, 158, 115]))).max() < 12
    assert abs(shown[300, 300] - 190).max() < 12
    assert told == [(i, 4) for i in range(1, 5)]


def test_a_failure_leaves_what_was_there(tiled, tmp_path):
    kept = bytes_of(run(tiled, tmp_path))

    class Broken(Dark):
        def detect(self, picture):
            raise HeritageError("weights are broken")

    with pytest.raises(HeritageError, match="weights"):
        run(tiled, tmp_path, Broken())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.damage.json", "m.mask.tif"]
    assert [(tmp_path / name).read_bytes() for name in ("m.mask.tif", "m.damage.json")] == kept


def test_what_makes_no_sense_is_refused(tiled, tmp_path):
    for options in ({"threshold": 0.0}, {"threshold": 1.5}, {"window": 700}, {"workers": 0}):
        with pytest.raises(BadSetting):
            run(tiled, tmp_path, **options)
    with pytest.raises(BadSetting):
        search(tiled, tmp_path, "m", [])
    with pytest.raises(NotEnoughMemory):
        run(tiled, tmp_path, memory=1 << 20)


def test_memory_does_not_grow_with_the_master(tmp_path):
    peaks = []
    for height in (3072, 12288):
        row = np.full((512, 512), 190, np.uint8)
        tiles = (row for _ in range(height // 512 * 4))
        path = tmp_path / f"{height}.tif"
        tifffile.imwrite(path, tiles, shape=(height, 2048), dtype=np.uint8, tile=(512, 512))
        tracemalloc.start()
        run(path, tmp_path, Red())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]  # windows that happen to be alive at once differ


def test_the_mask_of_a_restoration_is_not_replaced(tiled, tmp_path):
    (tmp_path / "m.provenance.json").write_text("{}")
    (tmp_path / "m.mask.tif").write_bytes(b"its mask")
    with pytest.raises(OutputInTheWay, match="holds a restoration"):
        run(tiled, tmp_path)
    assert (tmp_path / "m.mask.tif").read_bytes() == b"its mask"


def test_a_mask_that_somebody_corrected_in_place_stays(tiled, tmp_path):
    found = run(tiled, tmp_path)
    content = found.mask.read_bytes()
    run(tiled, tmp_path)  # what a search left, a search replaces
    assert found.mask.read_bytes() == content
    found.mask.write_bytes(content + b"mine")
    with pytest.raises(OutputInTheWay, match="was changed since it was proposed"):
        run(tiled, tmp_path)
    assert found.mask.read_bytes() == content + b"mine"
