import re
from html.parser import HTMLParser

import numpy as np
import pytest

from heritage.evaluate import run as running
from heritage.evaluate.markdown import markdown_of
from heritage.evaluate.measures import MEASURES
from heritage.evaluate.report import write_report
from heritage.evaluate.run import Request, evaluate
from heritage.evaluate.statistics import Comparison
from heritage.evaluate.strips import chosen, rank, strips_of, window
from heritage.evaluate.summary import Versus, comparisons, failures_of, summary_of, table_of

from .test_run import Grey


class Noise(Grey):
    def fill(self, damaged, mask):
        filled = super().fill(damaged, mask)
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 255, damaged.shape).astype(np.uint8)
        filled.picture[mask] = noise[mask]
        return filled


@pytest.fixture
def evaluated(images, tmp_path, monkeypatch):
    fillers = [Grey(fails={2}), Noise("noise")]
    monkeypatch.setattr(running, "open_fillers", lambda *_: fillers)
    return evaluate(Request(images, tmp_path / "out", families=["thick", "hairlines"]))


def test_the_table_knows_means_best_and_failures(evaluated):
    table = table_of(evaluated, "thick")
    rows = [row for row in evaluated["scores"]["thick"]["grey"] if "psnr_hole" in row]
    mean = np.mean([row["psnr_hole"] for row in rows])
    assert table.estimates["grey"]["psnr_hole"].mean == pytest.approx(mean)
    assert table.estimates["grey"]["psnr_hole"].count == 2
    assert table.best["psnr_hole"] == "grey"
    assert table.failures == {"grey": 1, "noise": 0}
    assert failures_of(evaluated)[0]["picture"] == "b"


def test_a_comparison_says_who_is_better_whichever_way_is_up(evaluated):
    found = {one.measure.key: one for one in comparisons(evaluated, "thick")}
    assert found["psnr_hole"].found.difference < 0, "grey is better: its fault is smaller"
    assert found["colour"].found.difference < 0
    assert "seconds" not in found
    assert summary_of(evaluated)["comparisons"]["thick"]


def test_the_worst_case_comes_first_and_no_picture_twice(evaluated, tmp_path):
    assert rank(evaluated, "thick")[0] == 1, "a fill that failed is the worst of all"
    strips = strips_of(evaluated, "thick", tmp_path / "out")
    assert strips[0].rank == "worst"
    assert strips[0].picture == "b"
    assert [panel.title for panel in strips[0].panels] == ["damaged", "grey", "noise", "truth"]
    assert strips[0].panels[1].image == ""
    assert len({strip.picture for strip in strips}) == len(strips)


@pytest.mark.parametrize("count", range(1, 9))
def test_whatever_the_number_of_pictures_some_are_shown_once(count):
    places = chosen(count)
    assert places[0] == ("worst", 0)
    assert len({place for _, place in places}) == len(places)
    assert all(place < count for _, place in places)
    assert len(places) == min(count, 4)


def test_the_window_shows_where_a_fill_errs_most():
    truth = np.zeros((600, 700, 3), np.uint8)
    mask = np.zeros((600, 700), bool)
    mask[20:40, 20:40] = mask[500:520, 600:620] = True
    filled = truth.copy()
    filled[505:515, 605:615] = 200
    top, left = window(truth, mask, filled)
    assert top <= 505
    assert top + 256 >= 515
    assert left <= 605
    assert left + 256 >= 615


def test_the_window_shows_surroundings_too():
    truth = np.zeros((600, 600, 3), np.uint8)
    mask = np.zeros((600, 600), bool)
    mask[300:] = True
    filled = np.where(mask[..., None], np.uint8(90), truth)
    filled[590:] = 255  # worst where nothing is known
    top, left = window(truth, mask, filled)
    assert 0.4 < mask[top : top + 256, left : left + 256].mean() <= 0.61


class _Page(HTMLParser):
    """Collects what a browser would fetch, and which elements stay open."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self):
        super().__init__()
        self.fetched, self.open = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and not value.startswith(("data:", "#")):
                self.fetched.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_says_everything(evaluated, tmp_path):
    path = write_report(evaluated, tmp_path / "out")
    text = path.read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.fetched == []
    assert page.open == []
    assert "url(" not in re.sub(r"url\(#", "", text)
    assert text.index("Worst case") < text.index("Best case")
    assert text.index('id="thick"') < text.index("Worst case") < text.index("<svg")
    assert text.count("<svg") == 4
    for said in (
        "digital completion",
        "no &lt;luck&gt;",
        "not LPIPS",
        "Wilcoxon",
        "hairlines",
        "noise",
    ):
        assert said in text
    assert write_report(evaluated, tmp_path / "out").read_text(encoding="utf-8") == text


def test_markdown_has_a_row_for_each_model_in_each_family(evaluated):
    text = markdown_of(evaluated)
    assert text.count("\n| `noise` |") == 2
    assert text.count("| `grey` (1 failed) |") == 1
    for line in text.splitlines():
        if line.startswith("| `"):
            assert re.search(r"\[\d", line)
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert len(tables) == 4
    for rows in tables:
        assert len({row.count("|") for row in rows}) == 1


def test_markdown_tells_by_how_much_the_first_model_is_better(evaluated):
    first = next(iter(evaluated["scores"]["thick"]))
    paired = markdown_of(evaluated).split("\n\n")
    assert paired[0].startswith(f"**PSNR in the hole, dB: by how much `{first}` is better**")
    head, _, *rows = paired[1].splitlines()
    others = [cell.strip(" `") for cell in head.split("|")[2:-1]]
    assert first not in others
    for row in rows:
        family, *cells = [cell.strip() for cell in row.split("|")[1:-1]]
        every = comparisons(evaluated, family, ["psnr_hole"])
        found = {one.second: one.found for one in every if one.first == first}
        for other, cell in zip(others, cells, strict=True):
            mean, low, high = (float(number) for number in re.findall(r"[+-][\d.]+", cell))
            assert low <= mean <= high
            assert mean == pytest.approx(-found[other].difference, abs=0.006)


def test_a_clear_difference_is_bold(evaluated):
    family = dict(evaluated["scores"]["hairlines"])
    rows = [{"psnr_hole": 20 + number} for number in range(12)]
    better = [{"psnr_hole": 21 + 1.1 * number} for number in range(12)]
    reference = [{"share": 0.1}] * 12
    scores = {"hairlines": dict.fromkeys(family, rows) | {"noise": better}}
    told = {**evaluated, "scores": scores, "reference": {"hairlines": reference}}
    line = markdown_of(told).split("\n\n")[1].splitlines()[-1]
    assert re.fullmatch(r"\| hairlines \| \*\*-1\.55\*\* \[-\d\.\d+, -\d\.\d+\] \|", line)


def test_a_difference_is_clear_only_if_interval_and_test_agree():
    measure = MEASURES["psnr_hole"]

    def versus(difference, low, high, p):
        return Versus(measure, "a", "b", Comparison(difference, low, high, p, 9))

    assert versus(-1.0, -2.0, -0.5, 0.01).better == "a"
    assert versus(1.0, 0.5, 2.0, 0.01).better == "b"
    assert versus(-1.0, -2.0, -0.5, 0.25).better is None, "too few pictures"
    assert versus(-1.0, -2.0, 0.5, 0.01).better is None
