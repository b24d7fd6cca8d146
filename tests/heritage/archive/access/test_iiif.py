"""IIIF without a program: all that a client asks for lies there, and the manifest is a true one."""

from __future__ import annotations

import dataclasses
import functools
import http.server
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import tifffile
from PIL import Image

import heritage.review.web
from heritage.archive.access.iiif import Link, write_manifest, write_tiles
from heritage.archive.access.rasters import srgb
from heritage.errors import BadSetting
from heritage.review.iiif import parse

URI = "https://museum.example/packages/mill/data/access/iiif"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
GRID = "from iiif_validator.validator import ValidationInfo; print(ValidationInfo().colorInfo)"
RUN = """
import sys
from iiif_validator.validator import ImageAPI, TestSuite, ValidationInfo
names = TestSuite(ValidationInfo()).list_tests("3.0")
for name in sorted(names):
    if names[name]["level"] > 0:
        continue
    result = ImageAPI(sys.argv[2], sys.argv[1], "", "http", "", "3.0", debug=False)
    try:
        TestSuite(ValidationInfo()).run_test(name, result)
        fault = result.exception
    except Exception as error:
        fault = error
    print(name, "ok" if fault is None else f"FAILED {fault!r} {result.urls}")
"""


def smooth(height, width):
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [128 + 110 * np.sin(rows / 60 + n) * np.cos(columns / 80 + n) for n in range(3)]
    return np.rint(np.stack(waves, axis=2)).astype(np.uint8)


def made(folder, pixels, tile=512, **tags):
    tifffile.imwrite(folder / "m.tif", pixels, photometric="rgb", compression="zlib", **tags)
    info = write_tiles(folder / "m.tif", folder / "s", 0, f"{URI}/after", tile)
    return info, json.loads((folder / "s/info.json").read_text())


def asked_for(said):
    """Every path that a client makes from info.json: tiles as OpenSeadragon does, sizes, max."""
    width, height = said["width"], said["height"]
    (tiles,) = said["tiles"]
    side = tiles["width"]
    for factor in tiles["scaleFactors"]:
        wide, high = -(-width // factor), -(-height // factor)
        for top in range(0, high, side):
            for left in range(0, wide, side):
                x, y = left * factor, top * factor
                w, h = min(side * factor, width - x), min(side * factor, height - y)
                size = min(side, wide - left), min(side, high - top)
                region = "full" if (w, h) == (width, height) else f"{x},{y},{w},{h}"
                what = "max" if size == (width, height) else f"{size[0]},{size[1]}"
                yield f"{region}/{what}/0/default.jpg", (factor, left, top), size
    for size in said.get("sizes", []):
        pair = size["width"], size["height"]
        yield f"full/{pair[0]},{pair[1]}/0/default.jpg", None, pair
    most = parse("full/max/0/default.jpg", width, height)
    yield "full/max/0/default.jpg", None, (most.width, most.height)


def pixels_of(path):
    with Image.open(path) as image:
        assert image.info["icc_profile"] == srgb()
        return np.asarray(image)


@pytest.mark.parametrize(
    ("height", "width", "tile"),
    [(700, 1100, 256), (512, 512, 512), (200, 300, 512), (1, 1030, 512), (513, 512, 512)],
)
def test_what_a_client_asks_for_lies_there_and_nothing_else(height, width, tile, tmp_path):
    _, said = made(tmp_path, smooth(height, width), tile)
    wanted = set()
    for path, _, size in asked_for(said):
        wanted.add(path)
        assert pixels_of(tmp_path / "s" / path).shape[:2] == size[::-1]
        request = parse(path, width, height)
        assert (request.width, request.height) == size
    found = {file.relative_to(tmp_path / "s").as_posix() for file in (tmp_path / "s").rglob("*.*")}
    assert found == wanted | {"info.json"}
    assert said["profile"] == "level0"
    assert said["id"] == f"{URI}/after"
    assert "extraFeatures" not in said


@pytest.mark.parametrize("size", [(700, 1101), (1023, 513)])
def test_tiles_put_together_are_the_picture_at_every_scale(size, tmp_path):
    pixels = smooth(*size)
    _, said = made(tmp_path, pixels, 256)
    sheets = {}
    for path, place, (wide, high) in asked_for(said):
        if place is None:
            continue
        factor, left, top = place
        shape = -(-size[0] // factor), -(-size[1] // factor), 3
        sheet = sheets.setdefault(factor, np.full(shape, -1))
        sheet[top : top + high, left : left + wide] = pixels_of(tmp_path / "s" / path)
    assert list(sheets) == said["tiles"][0]["scaleFactors"]
    for factor, sheet in sheets.items():
        rows = np.add.reduceat(pixels.astype(float), range(0, size[0], factor), axis=0)
        sums = np.add.reduceat(rows, range(0, size[1], factor), axis=1)
        ones = np.ones(size[0]), np.ones(size[1])
        high, wide = (
            np.add.reduceat(one, range(0, len(one), factor)) for one in ones
        )  # fmt: skip
        means = sums / (high[:, None] * wide)[..., None]
        # at an edge that does not divide, a mean of means weighs its last pixels otherwise
        inner = np.abs(sheet - means)[: size[0] // factor, : size[1] // factor]
        assert inner.max() <= 9
        assert inner.mean() <= 1.6
        assert np.abs(sheet - means).max() <= 16


def test_a_large_picture_is_delivered_whole_at_no_more_than_it_says(tmp_path):
    info, said = made(tmp_path, smooth(100, 5000))
    assert said["maxWidth"] == 4096
    assert info.sizes[-1] == (4096, 82)
    assert pixels_of(tmp_path / "s/full/max/0/default.jpg").shape == (82, 4096, 3)
    assert all(max(size) <= 4096 for size in info.sizes)
    assert info.whole((4096, 82)) == f"{URI}/after/full/max/0/default.jpg"
    assert info.whole(info.sizes[0]) == f"{URI}/after/full/313,7/0/default.jpg"


def test_tiles_stand_upright(tmp_path):
    pixels = smooth(300, 700)
    info, said = made(tmp_path, pixels, extratags=[(274, 3, 1, 6, True)])
    assert (said["width"], said["height"]) == (info.width, info.height) == (300, 700)
    whole = pixels_of(tmp_path / "s/full/max/0/default.jpg").astype(int)
    assert np.abs(whole - np.rot90(pixels, -1)).max() <= 12


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A web server that knows nothing of IIIF."""

    def log_message(self, *arguments):
        self.server.said.append((self.path, arguments))

    def end_headers(self):
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()


@pytest.fixture
def web(tmp_path):
    """Serves the folder; paths asked for are kept."""
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.said = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.base = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.shutdown()
        thread.join()


def python(*arguments):
    """A program in a process of its own: the validator has warnings that are none of ours."""
    command = [sys.executable, "-W", "ignore", "-c", *arguments]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=120)
    return done.stdout


def test_the_validator_of_iiif_finds_no_fault(tmp_path, web):
    pytest.importorskip("magic")
    colours = np.array(eval(python(GRID).splitlines()[-1]), np.uint8)
    grid = colours.transpose(1, 0, 2).repeat(100, axis=0).repeat(100, axis=1)
    tifffile.imwrite(tmp_path / "m.tif", grid, photometric="rgb", tile=(256, 256))
    write_tiles(tmp_path / "m.tif", tmp_path / "grid", 0, f"{web.base}/grid")
    said = python(RUN, web.base.removeprefix("http://"), "grid").splitlines()
    said = [line for line in said if line.endswith(" ok") or "FAILED" in line]
    assert {line.split()[0] for line in said} >= {"id_basic", "id_squares", "info_json"}
    assert [line for line in said if "FAILED" in line] == []


def test_openseadragon_finds_every_tile_and_shows_the_picture(tmp_path, web):
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api")
    pixels = smooth(700, 1300)
    tifffile.imwrite(tmp_path / "m.tif", pixels, photometric="rgb")
    write_tiles(tmp_path / "m.tif", tmp_path / "s", 0, f"{web.base}/s", 256)
    static = Path(heritage.review.web.__file__).parent / "static/vendor"
    shutil.copy(static / "openseadragon.min.js", tmp_path / "osd.js")
    (tmp_path / "index.html").write_text(
        "<!doctype html><link rel=icon href=data:,><body style='margin:0'>"
        "<div id=v style='width:1300px;height:700px'></div><script src=osd.js></script><script>"
        "window.failed=[];const v=OpenSeadragon({id:'v',tileSources:'/s/info.json',drawer:'canvas',"
        "showNavigationControl:false,immediateRender:true});"
        "v.addHandler('tile-load-failed',e=>failed.push(e.tile.getUrl()));"
        "v.addHandler('open',()=>v.viewport.zoomTo(v.viewport.imageToViewportZoom(1),null,true));"
        "</script>"
    )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1300, "height": 700})
        page.goto(f"{web.base}/index.html")
        page.wait_for_function("v.world.getItemAt(0)?.getFullyLoaded()")
        page.wait_for_timeout(300)
        page.screenshot(path=tmp_path / "shown.png")
        assert page.evaluate("failed") == []
        browser.close()
    asked = [path for path, _ in web.said if path.startswith("/s/") and path.endswith(".jpg")]
    assert len(asked) >= 18
    assert all((tmp_path / path[1:]).is_file() for path in asked)
    with Image.open(tmp_path / "shown.png") as image:
        seen = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(seen - pixels).mean() < 3


# What Presentation API 3.0 demands of each kind of resource ("must" in its sections 3 and 5).
WORDS = {
    "type": "object",
    "minProperties": 1,
    "patternProperties": {
        "^([a-z]{2,3}(-[A-Za-z0-9]+)*|none)$": {
            "type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1},
        }
    },
    "additionalProperties": False,
}  # fmt: skip
ADDRESS = {"type": "string", "pattern": r"^https?://[^\s<>\"{}|\\^`]+$"}
PAIR = {
    "type": "object", "required": ["label", "value"], "additionalProperties": False,
    "properties": {"label": WORDS, "value": WORDS},
}  # fmt: skip


def resource(kinds, required=(), **properties):
    return {
        "type": "object",
        "required": ["id", "type", *required],
        "properties": {"id": ADDRESS, "type": {"enum": kinds}, **properties},
        "additionalProperties": False,
    }


def some(schema, **more):
    return {"type": "array", "minItems": 1, "items": schema, **more}


SIDE = {"type": "integer", "minimum": 1}
MEDIA_TYPE = {"type": "string", "pattern": r"^[a-z]+/[\w.+-]+$"}
SERVICE = resource(["ImageService3"], ["profile"], profile={"enum": ["level0"]})
IMAGE = resource(
    ["Image"], ["format"], format=MEDIA_TYPE, width=SIDE, height=SIDE, label=WORDS,
    service=some(SERVICE),
)  # fmt: skip
CHOICE = {
    "type": "object", "required": ["type", "items"], "additionalProperties": False,
    "properties": {"type": {"const": "Choice"}, "items": some(IMAGE, minItems=2)},
}  # fmt: skip
TEXT = {
    "type": "object", "required": ["type", "value"], "additionalProperties": False,
    "properties": {
        "type": {"const": "TextualBody"}, "value": {"type": "string", "minLength": 1},
        "language": {"const": "en"}, "format": {"const": "text/plain"},
    },
}  # fmt: skip


def page_of(motivation, body):
    annotation = resource(
        ["Annotation"], ["motivation", "body", "target"],
        motivation={"const": motivation}, body=body, target=ADDRESS,
    )  # fmt: skip
    return some(resource(["AnnotationPage"], ["items"], items=some(annotation)))


LINK = resource(
    ["Dataset", "Text", "Image"], ["label"], label=WORDS, format=MEDIA_TYPE, profile=ADDRESS
)
CANVAS = resource(
    ["Canvas"], ["width", "height", "items"], label=WORDS, width=SIDE, height=SIDE,
    items=page_of("painting", CHOICE), annotations=page_of("commenting", TEXT),
)  # fmt: skip
MANIFEST = resource(
    ["Manifest"], ["@context", "label", "items"], label=WORDS, summary=WORDS,
    metadata=some(PAIR), requiredStatement=PAIR, seeAlso=some(LINK), rendering=some(LINK),
    rights={
        "pattern": "^http://(creativecommons.org/(licenses|publicdomain)|rightsstatements.org/vocab)/"
    },
    provider=some(resource(["Agent"], ["label"], label=WORDS)),
    thumbnail=some(IMAGE), items=some(CANVAS),
    **{"@context": {"const": "http://iiif.io/api/presentation/3/context.json"}},
)  # fmt: skip


@pytest.fixture
def services(signed, tmp_path):
    """Before and after, and where to put a manifest."""
    before = write_tiles(signed.master, tmp_path / "before", 0, f"{URI}/before")
    after = write_tiles(signed.made.restored, tmp_path / "after", 0, f"{URI}/after")
    return before, after, tmp_path / "manifest.json"


def told(dossier, services, base=URI, **more):
    before, after, target = services
    write_manifest(dossier, target, base, before, after, **more)
    return json.loads(target.read_text("utf-8"))


def addresses(value):
    if isinstance(value, dict):
        if "id" in value and value["type"] not in ("Image", "ImageService3"):
            yield value["id"]
        for one in value.values():
            yield from addresses(one)
    elif isinstance(value, list):
        for one in value:
            yield from addresses(one)


def test_the_manifest_keeps_every_must_of_the_standard(dossier, services):
    said = told(
        dossier, services,
        see_also=[Link("../../metadata/prov.jsonld", "PROV-O", "application/ld+json")],
        rendering=[Link("https://museum.example/r.pdf", "Report", "application/pdf")],
    )  # fmt: skip
    jsonschema.validate(said, MANIFEST, cls=jsonschema.Draft202012Validator)
    found = list(addresses(said))
    assert len(found) == len(set(found))
    assert said["id"] == f"{URI}/manifest.json"
    (link,), (report,) = said["seeAlso"], said["rendering"]
    assert link["id"] == "https://museum.example/packages/mill/data/metadata/prov.jsonld"
    assert report["id"] == "https://museum.example/r.pdf"
    for wrong in ({"rights": "http://x.example"}, {"items": []}, {"label": "The Mill"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(said | wrong, MANIFEST, cls=jsonschema.Draft202012Validator)


def test_the_models_of_iiif_take_the_manifest(dossier, services):
    prezi = pytest.importorskip("iiif_prezi3")
    read = prezi.Manifest(**told(dossier, services))
    assert read.items[0].width == 800


def test_before_and_after_are_a_choice_of_pictures_that_are_there(dossier, services):
    said = told(dossier, services)
    folder = services[2].parent
    (canvas,) = said["items"]
    body = canvas["items"][0]["items"][0]["body"]
    assert [one["label"]["en"][0].split(":")[0] for one in body["items"]] == ["Before", "After"]
    pictures = []
    for one in [*body["items"], *said["thumbnail"]]:
        path = folder / one["id"].removeprefix(f"{URI}/")
        pictures.append(pixels_of(path))
        assert pictures[-1].shape == (one["height"], one["width"], 3)
        place = folder / one["service"][0]["id"].removeprefix(f"{URI}/") / "info.json"
        assert json.loads(place.read_text())["id"] == one["service"][0]["id"]
    before, after = (picture.astype(int) for picture in pictures[:2])
    changed = np.abs(before - after).max(axis=2)
    assert changed[60:120, 80:160].max() > 4
    assert changed[200:400, 300:500].max() <= 1  # taken back: the master's own


def test_what_was_kept_is_noted_in_its_place_and_what_was_taken_back_is_not(dossier, services):
    said = told(dossier, services)
    (page,) = said["items"][0]["annotations"]
    targets = [note["target"].partition("#")[2] for note in page["items"]]
    assert targets == ["xywh=80,60,80,60", "xywh=600,440,100,60"]
    words = page["items"][0]["body"]["value"]
    assert "digital completion of cracks" in words
    assert "approved by Rex Reviewer" in words


def test_it_says_who_stands_behind_it(dossier, services):
    said = told(dossier, services)
    assert said["requiredStatement"]["value"]["en"] == [dossier.statement]
    assert said["rights"] == "http://rightsstatements.org/vocab/NoC-NC/1.0/"
    assert said["provider"][0]["label"]["en"] == ["Museum of Tests"]
    facts = {one["label"]["en"][0]: one["value"]["en"][0] for one in said["metadata"]}
    assert facts["Accession number"] == "1923.7"
    assert facts["Maker"] == "Jan van der Meer"
    assert facts["Accepted by"] == "Ava Approver, 2026-11-24"
    assert facts["Computed by"].startswith("telea (classical method)")
    assert facts["Restoration"] == dossier.urn
    assert "Rights" not in facts


def test_what_is_not_known_is_left_out(dossier, services):
    bare = dataclasses.replace(
        dossier,
        work=dataclasses.replace(
            dossier.work, title="水车", maker=None, date=None, institution="", rights=None
        ),
        signing=dataclasses.replace(dossier.signing, remark=""),
    )
    said = told(bare, services)
    jsonschema.validate(said, MANIFEST, cls=jsonschema.Draft202012Validator)
    assert said["label"]["en"] == ["水车"]
    assert not {"rights", "provider", "summary", "seeAlso", "rendering"} & set(said)


@pytest.mark.parametrize(
    ("rights", "wanted"),
    [
        (
            "https://creativecommons.org/licenses/by/4.0/",
            "http://creativecommons.org/licenses/by/4.0/",
        ),
        ("https://museum.example/terms", None),
    ],
)
def test_rights_are_as_the_standard_wants_them_or_told_in_words(rights, wanted, dossier, services):
    work = dataclasses.replace(dossier.work, rights=rights)
    said = told(dataclasses.replace(dossier, work=work), services)
    jsonschema.validate(said, MANIFEST, cls=jsonschema.Draft202012Validator)
    assert said.get("rights") == wanted
    facts = {one["label"]["en"][0]: one["value"]["en"][0] for one in said["metadata"]}
    assert facts.get("Rights") == (None if wanted else rights)


def test_regions_turn_with_a_picture_that_lies(dossier, services):
    turned = [
        dataclasses.replace(one, upright=dataclasses.replace(one.upright, orientation=6))
        for one in services[:2]
    ]
    said = told(dossier, (*turned, services[2]))
    (canvas,) = said["items"]
    assert (canvas["width"], canvas["height"]) == (600, 800)
    note = canvas["annotations"][0]["items"][0]
    # rows 60 to 120 from the top become columns from the right
    assert note["target"].endswith("#xywh=480,80,60,80")


@pytest.mark.parametrize(
    "base", ["", "packages", "file:///x", "https://", "https://m.example/?a=1"]
)
def test_without_an_address_on_the_web_there_is_no_manifest(base, dossier, services):
    with pytest.raises(BadSetting, match="no address"):
        told(dossier, services, base)
    assert not services[2].exists()


def test_pictures_of_another_size_are_not_taken_for_its_own(dossier, services, tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", smooth(60, 80), photometric="rgb")
    other = write_tiles(tmp_path / "m.tif", tmp_path / "other", 0, f"{URI}/other")
    with pytest.raises(ValueError, match="same size"):
        told(dossier, (services[0], other, services[2]))
    with pytest.raises(ValueError, match="size of the master"):
        told(dossier, (other, other, services[2]))
