"""Out to other programs and back: nothing is lost, and what is odd is refused."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from heritage.damage.detect.finding import Finding
from heritage.damage.detect.search import search
from heritage.damage.interchange.difference import difference, write_difference
from heritage.damage.interchange.exporting import export_damage
from heritage.damage.interchange.importing import import_correction
from heritage.errors import BadSetting, MaskRefused


class Black:
    """Black pixels are losses."""

    name, context, weights = "black", 0, None

    def detect(self, picture):
        black = picture.max(axis=2) < 0.2
        return Finding(black.astype(np.float32), black.astype(np.uint8))


@pytest.fixture
def found(tmp_path):
    """A search of a master with blots, holes in them, and pixels that touch at corners."""
    rng = np.random.default_rng(6)
    picture = np.full((700, 900, 3), 200, np.uint8)
    for _ in range(40):
        y, x = rng.integers(0, 640), rng.integers(0, 840)
        picture[y : y + rng.integers(4, 60), x : x + rng.integers(4, 60)] = 0
    picture[300:340, 500:560] = 0
    picture[310:320, 510:520] = 200
    for n in range(20):
        picture[5 + n, 5 + n] = 0
    tifffile.imwrite(tmp_path / "m.tif", picture, photometric="rgb", tile=(256, 256))
    return search(tmp_path / "m.tif", tmp_path, "m", [Black()])


@pytest.mark.parametrize("form", ["png", "geojson", "annotations"])
def test_what_goes_out_comes_back_to_the_pixel(found, tmp_path, form):
    written = export_damage(found.mask, found.damage, tmp_path / "out", "m", [form])
    pixels = import_correction(written[form], 700, 900, tmp_path / "back.tif")
    assert pixels == found.pixels
    assert np.array_equal(tifffile.imread(tmp_path / "back.tif"), tifffile.imread(found.mask))
    same = difference(found.mask, tmp_path / "back.tif")
    assert (same.added, same.removed, same.kept) == (0, 0, found.pixels)
    assert same.regions_kept == len(found.regions)


def test_the_png_is_one_that_others_read(found, tmp_path):
    written = export_damage(found.mask, found.damage, tmp_path, "x", ["png"])
    with Image.open(written["png"]) as picture:
        assert picture.mode == "1"
        assert np.array_equal(np.asarray(picture), tifffile.imread(found.mask) > 0)


def test_features_and_annotations_say_what_was_found(found, tmp_path):
    written = export_damage(
        found.mask, found.damage, tmp_path, "x", ["geojson", "annotations"], "https://a.org/i/1"
    )
    features = json.loads(written["geojson"].read_text())["features"]
    assert [each["properties"]["number"] for each in features] == [
        region.number for region in found.regions
    ]
    assert features[0]["properties"]["class"] == "MATERIAL_LOSS"
    page = json.loads(written["annotations"].read_text())
    assert page["type"] == "AnnotationPage"
    first = page["items"][0]
    assert first["target"]["source"] == "https://a.org/i/1"
    assert first["target"]["selector"]["type"] == "SvgSelector"
    assert {body["purpose"] for body in first["body"]} == {"tagging", "describing"}


def annotation(kind, value):
    return {"type": "Annotation", "target": {"selector": {"type": kind, "value": value}}}


@pytest.mark.parametrize(
    ("selector", "box"),
    [
        (("FragmentSelector", "xywh=pixel:10,20,30,40"), (20, 60, 10, 40)),
        (("FragmentSelector", "xywh=10,20,30,40"), (20, 60, 10, 40)),
        (("FragmentSelector", "xywh=percent:10,20,30,40"), (20, 60, 20, 80)),
        (("SvgSelector", '<svg><rect x="10" y="20" width="30" height="40"/></svg>'),
         (20, 60, 10, 40)),
        (("SvgSelector", '<svg><polygon points="10,20 40,20 40,60 10,60"/></svg>'),
         (20, 60, 10, 40)),
        (("SvgSelector", '<svg><g><path d="m10 20h30v40h-30z"/></g></svg>'), (20, 60, 10, 40)),
        (("SvgSelector", '<svg><path d="M10,20 40,20 L40 60 10 60Z"/></svg>'), (20, 60, 10, 40)),
    ],
)  # fmt: skip
def test_shapes_of_viewers_are_read(tmp_path, selector, box):
    (tmp_path / "a.json").write_text(json.dumps([annotation(*selector)]))
    import_correction(tmp_path / "a.json", 100, 200, tmp_path / "mask.tif")
    y0, y1, x0, x1 = box
    expected = np.zeros((100, 200), bool)
    expected[y0:y1, x0:x1] = True
    assert np.array_equal(tifffile.imread(tmp_path / "mask.tif") > 0, expected)


def test_a_circle_is_round(tmp_path):
    circle = annotation("SvgSelector", '<svg><circle cx="50" cy="50" r="30"/></svg>')
    (tmp_path / "a.json").write_text(json.dumps(circle))
    pixels = import_correction(tmp_path / "a.json", 100, 100, tmp_path / "mask.tif")
    assert pixels == pytest.approx(np.pi * 900, rel=0.01)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "neither GeoJSON nor"),
        ('{"type": "Text"}', "'Text' is no Annotation"),
        (annotation("FragmentSelector", "t=10"), "is no box"),
        (annotation("SvgSelector", "<svg><path d='M0 0 C1 1 2 2 3 3'/></svg>"), "straight lines"),
        (annotation("SvgSelector", "<svg><image/></svg>"), "<image>"),
        (annotation("SvgSelector", "<svg></svg>"), "no shape"),
        (annotation("SvgSelector", "<svg><rect transform='scale(2)'/></svg>"), "transform"),
        (annotation("SvgSelector", "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>"), "no place"),
        (annotation("SvgSelector", "<svg><rect x='1e999' width='3' height='3'/></svg>"), "x and y"),
        (annotation("FragmentSelector", "xywh=5000,5000,10,10"), "outside of the master"),
        (annotation("XPathSelector", "//p"), "neither an SvgSelector nor"),
        ([1], "an annotation was expected"),
    ],
)
def test_what_is_odd_is_refused_in_one_line(tmp_path, content, said):
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(MaskRefused, match=said) as refused:
        import_correction(tmp_path / "a.json", 100, 100, tmp_path / "mask.tif")
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_record_of_another_mask_and_unknown_formats_are_refused(found, tmp_path):
    with pytest.raises(BadSetting, match="no format 'shp'"):
        export_damage(found.mask, found.damage, tmp_path, "x", ["shp"])
    record = json.loads(found.damage.read_text())
    record["regions"] = record["regions"][:-1]
    found.damage.write_text(json.dumps(record))
    with pytest.raises(MaskRefused, match="does not describe"):
        export_damage(found.mask, found.damage, tmp_path, "x", ["geojson"])


def test_what_people_changed_is_on_record(tmp_path):
    before = np.zeros((600, 600), np.uint8)
    before[10:20, 10:20] = before[100:110, 100:120] = before[505:520, 505:520] = 255
    after = before.copy()
    after[10:20, 10:20] = 0  # removed
    after[100:110, 120:125] = 255  # grown
    after[300:310, 300:310] = 255  # added
    for name, mask in (("a", before), ("b", after)):
        tifffile.imwrite(tmp_path / f"{name}.raw.tif", mask)
        import_correction(tmp_path / f"{name}.raw.tif", 600, 600, tmp_path / f"{name}.tif")
    found = difference(tmp_path / "a.tif", tmp_path / "b.tif")
    assert (found.added, found.removed, found.kept) == (150, 100, 425)
    assert found.regions_removed == (1,)
    assert found.regions_changed == (2,)
    assert found.regions_added == (2,)
    assert found.regions_kept == 1
    write_difference(tmp_path / "d.json", found, tmp_path / "a.tif", tmp_path / "b.tif", "A. Kern")
    said = json.loads((tmp_path / "d.json").read_text())
    assert (said["by"], said["added"], said["proposed"]["file"]) == ("A. Kern", 150, "a.tif")
