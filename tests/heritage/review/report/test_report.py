"""The condition report: all facts in it, on the page and in the PDF, in both languages."""

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile
from PIL import ImageFile

from heritage.damage.mask_import import import_mask
from heritage.damage.masks import open_mask
from heritage.damage.regions import find_regions
from heritage.geometry import Box
from heritage.review.report import (
    Alternative,
    Facts,
    Fate,
    Signature,
    diagram_of,
    report_html,
    report_pdf,
)
from heritage.review.report.diagram import DRAWN

AT = datetime(2026, 11, 27, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def mask(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mask")
    picture = np.zeros((900, 1300), np.uint8)
    picture[100:140, 200:320] = 255
    picture[300:800, 500:504] = 255
    picture[600:640, 900:1000] = 255
    picture[610:620, 920:940] = 0
    tifffile.imwrite(folder / "given.tif", picture)
    import_mask(folder / "given.tif", folder / "mask.tif", 900, 1300)
    return folder / "mask.tif"


@pytest.fixture
def facts(mask):
    fates = [
        Fate(1, Box(100, 200, 140, 320), 4800, "CRACKS", 0.83, "approved", "Rex", AT, ""),
        Fate(2, Box(300, 500, 800, 504), 2000, None, None, "rejected", "Ava", AT, "a <b>guess</b>"),
        Fate(3, Box(600, 900, 640, 1000), 3800, "PEEL", 0.4, "approved", "Rex", AT, ""),
    ]
    return Facts(
        title="The Mill <script>",
        identification={"Accession number": "SK-A-1", "SHA-256": "a" * 64, "Maker": "林风眠"},
        methods={"Model": "art (gan)", "Weights, SHA-256": "b" * 64},
        identifier="00000000-0000-4000-8000-000000000000",
        statement="A digital completion.",
        filled_share=0.0091,
        fates=fates,
        signature=Signature("evidence-based completion", "see 1911", "Rex", AT, "Ava", AT),
        alternatives=[Alternative("telea", "x", "rejected", AT, "too soft")],
        files={"mill.restored.tif": "c" * 64},
        before=np.full((450, 650, 3), 180, np.uint8),
        after=np.full((450, 650, 3), 90, np.uint8),
        diagram=diagram_of(mask, 650),
        pixels_per_mm=10.0,
        at=AT,
    )


def text_of(pdf, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    (tmp_path / "r.pdf").write_bytes(pdf)
    done = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "r.pdf", "-"], capture_output=True, check=True
    )
    return done.stdout.decode()


def test_outlines_carry_the_numbers_of_the_regions(mask):
    drawn = diagram_of(mask, 650)
    with open_mask(mask) as opened:
        regions = {region.number: region.box for region in find_regions(opened)}
    assert (drawn.height, drawn.width, drawn.regions) == (450, 650, 3)
    assert {shape.number for shape in drawn.shapes} == set(regions)
    for shape in drawn.shapes:
        corners = [pair.split(",") for pair in shape.path.strip("MZ").replace("ZM", " ").split()]
        x = np.array([float(corner[0]) for corner in corners]) * 2
        y = np.array([float(corner[1]) for corner in corners]) * 2
        box = regions[shape.number]
        assert box.x0 - 3 <= x.min() <= box.x0 + 3
        assert box.y1 - 4 <= y.max() <= box.y1 + 3
        assert shape.label is not None
    holed = next(shape for shape in drawn.shapes if regions[shape.number].y0 == 600)
    assert holed.path.count("M") == 2


def test_very_many_regions_stay_a_diagram(tmp_path):
    picture = np.zeros((1000, 1000), np.uint8)
    picture[::20, ::20] = 255
    tifffile.imwrite(tmp_path / "given.tif", picture)
    import_mask(tmp_path / "given.tif", tmp_path / "mask.tif", 1000, 1000)
    drawn = diagram_of(tmp_path / "mask.tif", 500)
    assert drawn.regions == 2500
    assert len(drawn.shapes) == DRAWN


def test_the_page_tells_all_and_runs_nothing(facts):
    page = report_html(facts, "en")
    assert "<script" not in page
    assert "The Mill &lt;script&gt;" in page
    assert "a &lt;b&gt;guess&lt;/b&gt;" in page
    for words in ("SK-A-1", "evidence-based completion", "see 1911", "too soft", "c" * 64,
                  "12.0 × 4.0 mm", "0.910 %", "2 of 3 regions stay, 1 were taken back",
                  "cracks 83%", "The object itself was not touched."):  # fmt: skip
        assert words in page, words


def test_a_draft_says_so(facts):
    assert "a draft" not in report_html(facts, "en")
    assert "Not handed in, not signed: a draft." in report_html(
        replace(facts, signature=None), "en"
    )
    waiting = replace(facts.signature, approver=None, approved_at=None)
    assert "Handed in by Rex, not signed yet" in report_html(
        replace(facts, signature=waiting), "en"
    )


def test_the_pdf_tells_the_same_and_is_tagged(facts, tmp_path):
    pdf = report_pdf(facts, "en")
    assert pdf == report_pdf(facts, "en")
    assert not ImageFile.LOAD_TRUNCATED_IMAGES  # half a picture still is none
    text = text_of(pdf, tmp_path)
    for words in (
        "The Mill <script>",
        "SK-A-1",
        "林风眠",
        "guess",
        "too soft",
        "Signed by",
    ):
        assert words in text, words
    done = subprocess.run(["pdfinfo", tmp_path / "r.pdf"], capture_output=True, check=True)
    info = done.stdout.decode()
    assert "Condition report: The Mill" in info
    assert "Tagged:          yes" in info


def test_a_long_table_goes_on_with_its_heading(facts, tmp_path):
    many = [replace(facts.fates[0], number=n) for n in range(1, 401)]
    text = text_of(report_pdf(replace(facts, fates=many), "en"), tmp_path)
    pages = text.split("\f")
    assert len(pages) > 6
    assert sum("Decision" in page for page in pages) >= len(pages) - 4
