"""The whole story in a real browser: log in, find, look, decide, sign, read the record."""

import json
import os
import time
from datetime import timedelta

import numpy as np
import pytest
import tifffile

from heritage.damage.masks import open_mask
from heritage.geometry import Box
from heritage.restore import Options
from heritage.restore.engine import restore
from tests.heritage.review.conftest import record

SIZES = {"desk": (1400, 900), "phone": (390, 844), "wall": (4000, 2000)}
SIDE = 32768
FACTS = "section[aria-labelledby=facts-title] dl"


def open_table(page, identifier):
    page.goto(f"/restorations/{identifier}")
    page.wait_for_selector("#light-table[data-ready]")


def hears(page, words):
    """Wait until the light table says so."""
    page.locator("#lt-say", has_text=words).wait_for()


def drawn(page, x=0.75, y=0.5):
    """The colour in the middle of what the browser shows there."""
    frame = page.locator("#lt-main").bounding_box()
    shot = page.screenshot(
        clip={
            "x": frame["x"] + frame["width"] * x - 2,
            "y": frame["y"] + frame["height"] * y - 2,
            "width": 4,
            "height": 4,
        }
    )
    import io

    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int).mean(axis=(0, 1))


def until(holds):
    """Wait until it holds, however long pictures take on this machine."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def settled(page, x):
    """What is drawn there once it stays the same."""
    shown = [drawn(page, x)]

    def same():
        shown.append(drawn(page, x))
        return len(shown) > 6 and np.ptp(shown[-5:], axis=0).max() < 1

    until(same)
    return shown[-1]


def test_the_whole_story(browse, house):
    rex = browse("rex")
    rex.fill("#search", "windmill")
    rex.wait_for_selector("text=Nothing waits for review")
    rex.fill("#search", "mill")
    rex.click("ul.cards a:has-text('The Mill')")
    rex.wait_for_selector("#light-table[data-ready]")
    assert "Region" in rex.inner_text("#lt-title")

    # look: the divider by key, by button and by dragging; overlays; tratteggio
    divider = rex.locator("#lt-divider")
    divider.focus()
    rex.keyboard.press("ArrowLeft")
    assert divider.get_attribute("aria-valuenow") == "48"
    rex.click("[data-swipe='1']")
    assert divider.get_attribute("aria-valuenow") == "100"
    rex.click("[data-swipe='0.5']")
    frame = rex.locator(".lt-view").first.bounding_box()
    start = divider.bounding_box()
    rex.mouse.move(start["x"] + 14, start["y"] + 100)
    rex.mouse.down()
    rex.mouse.move(frame["x"] + frame["width"] * 0.25, start["y"] + 120, steps=4)
    rex.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "25"
    for key, name in (("m", "mask"), ("x", "difference"), ("t", "tratteggio")):
        with rex.expect_response(lambda answer, name=name: f"~{name}/" in answer.url):
            rex.keyboard.press(key)
        rex.keyboard.press(key)

    # decide: reject the riskiest, write why, approve the rest
    rex.fill("#lt-note", "the fill invents a window")
    rex.click("[data-decide='rejected']")
    hears(rex, "rejected")
    rex.click("text=Approve all that are undecided")
    hears(rex, "2 regions")
    states = [region.decision.value for region in house.desk.regions(house.identifier)]
    assert sorted(states) == ["approved", "approved", "rejected"]

    # sign off: handed in by one, signed by another
    rex.check("input[value='evidence-based completion']")
    rex.fill("#remark", "after the photograph of 1911")
    rex.click("text=Hand in >> nth=-1")
    rex.wait_for_selector("text=The decisions are frozen.")
    ava = browse("ava")
    open_table(ava, house.identifier)
    ava.click("button:has-text('Sign')")
    ava.wait_for_selector("text=Signed by")
    for _ in range(100):
        if "mill" in ava.inner_text(FACTS) and "out-signed" in ava.inner_text(FACTS):
            break
        ava.wait_for_timeout(100)
        ava.reload()
    assert "out-signed" in ava.inner_text(FACTS)

    # the report says what was decided and who signed
    ava.click("text=Condition report")
    report = ava.inner_text("body")
    for words in ("evidence-based completion", "Signed by: Ava", "the fill invents a window"):
        assert words in report
    ava.go_back()

    # the record tells it
    ava.click("text=The master and its history")
    story = ava.inner_text("ol.timeline")
    assert "rejected (the fill invents a window)" in story
    assert "signed off as evidence-based completion" in story
    assert rex.said == ava.said == []


def test_lists_follow_what_is_typed_and_chosen_and_never_call_back_who_leaves(browse, house):
    rex = browse("rex")
    asked = []
    rex.on("request", lambda request: asked.append(request.url) if "?" in request.url else None)
    with rex.expect_response(lambda answer: "search=mill" in answer.url):
        rex.fill("#search", "mill")
    for choose in (
        lambda: rex.fill("#folder", "nowhere"),
        lambda: rex.fill("#folder", ""),
        lambda: rex.fill("#below", "90"),
        lambda: rex.fill("#below", ""),
        lambda: rex.fill("#since", "2020-01-01"),
        lambda: rex.fill("#since", ""),
        lambda: rex.select_option("#kind", index=1),
        lambda: rex.select_option("#kind", index=0),
    ):
        with rex.expect_response(lambda answer: "worklist?" in answer.url):
            choose()
    rex.locator("#folder").focus()
    asked.clear()
    rex.fill("#search", "The Mill")
    rex.wait_for_timeout(700)
    rex.locator("#search").blur()
    rex.wait_for_timeout(200)
    assert len([url for url in asked if "worklist?" in url]) == 1  # leaving the field asks nothing

    # an answer that comes after the click
    held = []
    rex.route("**/worklist?*", lambda route: held.append(route))
    rex.route("**/restorations/*", lambda route: (rex.wait_for_timeout(300), route.continue_()))
    rex.fill("#search", "mill")
    until(lambda: rex.wait_for_timeout(50) or held)
    rex.evaluate("document.querySelector('ul.cards a').click()")
    held.pop().continue_()
    rex.wait_for_selector("#light-table[data-ready]")


def test_a_rejected_region_shows_the_master_again_at_once(browse, house):
    rex = browse("rex")
    open_table(rex, house.identifier)
    rex.click("[data-swipe='0']")
    rex.click("[data-toggle='outlines']")
    rex.click("#lt-list button >> nth=0")
    filled = settled(rex, 0.5)
    with rex.expect_response(lambda answer: "~after/" in answer.url and "r=1" in answer.url):
        rex.keyboard.press("r")
    rex.click("#lt-list button >> nth=0")
    until(lambda: drawn(rex, 0.5).min() > 235)  # the hole of the painted master is nearly white
    assert np.abs(drawn(rex, 0.5) - filled).max() > 40
    rex.keyboard.press("u")
    hears(rex, "Undone")
    until(lambda: np.abs(drawn(rex, 0.5) - filled).max() < 12)


def test_the_second_sees_the_firsts_decision_and_confirms(browse, house):
    rex, ava = browse("rex"), browse("ava")
    for page in (rex, ava):
        open_table(page, house.identifier)
    rex.keyboard.press("a")
    hears(rex, "approved")
    ava.keyboard.press("r")
    ava.wait_for_selector("#lt-conflict[open]")
    assert "Rex decided “approved”" in ava.inner_text("#lt-conflict-words")
    ava.click("button:has-text('Leave it')")
    first = max(house.desk.regions(house.identifier), key=lambda region: region.radius)
    assert first.decided_by == "Rex"
    ava.keyboard.press("r")
    ava.wait_for_selector("#lt-conflict[open]")
    ava.click("button:has-text('Change it')")
    hears(ava, "rejected")
    first = max(house.desk.regions(house.identifier), key=lambda region: region.radius)
    assert first.decided_by == "Ava"


def test_a_viewer_looks_and_does_not_decide(browse, house):
    vic = browse("vic")
    open_table(vic, house.identifier)
    assert vic.locator("[data-decide]").count() == 0
    assert vic.locator("text=Hand in").count() == 0
    vic.keyboard.press("a")
    vic.wait_for_timeout(300)
    assert {r.decision.value for r in house.desk.regions(house.identifier)} == {"pending"}
    assert vic.goto("/accounts").status == 403
    assert "Only administrators may do this" in vic.inner_text("main")


def test_whose_visit_has_ended_loses_nothing(browse, house):
    rex = browse("rex")
    open_table(rex, house.identifier)
    rex.fill("#lt-note", "half a sentence")
    house.clock.ahead = timedelta(hours=13)
    rex.click("[data-decide='approved']")
    hears(rex, "ended")
    assert rex.input_value("#lt-note") == "half a sentence"
    rex.goto("/masters")
    assert "/login?next=" in rex.url


@pytest.mark.parametrize(
    ("size", "scheme"),
    [("desk", "light"), ("desk", "dark"), ("phone", "light"), ("wall", "dark")],
)
def test_every_page_fits_and_can_be_used_by_everybody(browse, house, size, scheme):
    from axe_playwright_python.sync_playwright import Axe

    width, height = SIZES[size]
    ada = browse("ada", width, height, color_scheme=scheme)
    table, master = f"/restorations/{house.identifier}", f"/masters/{house.sha256}"
    pages = ["/worklist", "/restorations", "/masters", master, "/numbers"]
    pages += ["/accounts", "/me", table, "/nowhere", "/login"]
    for path in pages if size == "desk" else pages[3::2]:
        ada.goto(path)
        if "/restorations/" in path:
            ada.wait_for_selector("#light-table[data-ready]")
        wide = ada.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path
        found = Axe().run(ada)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"


def test_a_mask_is_corrected_by_hand(browse, house, asked):
    rex = browse("rex")
    open_table(rex, house.identifier)
    rex.keyboard.press("0")
    rex.click("[data-do='correct']")
    frame = rex.locator("#lt-correct").bounding_box()

    def place(x, y):
        return frame["x"] + frame["width"] * x, frame["y"] + frame["height"] * y

    rex.mouse.move(*place(0.3, 0.3))
    rex.mouse.down()
    rex.mouse.move(*place(0.4, 0.35), steps=6)
    rex.mouse.up()
    rex.click("[data-tool='polygon']")
    for corner in ((0.6, 0.2), (0.7, 0.2), (0.65, 0.3)):
        rex.mouse.click(*place(*corner))
    rex.click("[data-tool='eraser']")
    rex.mouse.click(*place(0.5, 0.9))
    rex.click("[data-correct='back']")
    rex.click("[data-correct='in']")
    hears(rex, "The corrected mask was handed in")
    order = asked[0]
    assert (order.person, order.model, order.sha256) == ("Rex", "telea", house.sha256)
    with open_mask(order.mask) as new, open_mask(house.output / "mill.mask.tif") as old:
        whole = Box(0, 0, 700, 900)
        added = new.read(whole) & ~old.read(whole)
        assert not (old.read(whole) & ~new.read(whole)).any()
    assert 2000 < added.sum() < 60_000
    said = json.loads(order.mask.with_name(f"{order.mask.name[:12]}.difference.json").read_bytes())
    assert (said["by"], said["added"]) == ("Rex", int(added.sum()))
    assert rex.said == []


def test_keys_can_be_switched_off(browse, house):
    rex = browse("rex")
    open_table(rex, house.identifier)
    rex.keyboard.press("?")
    rex.uncheck("#lt-keys")
    rex.keyboard.press("Escape")
    rex.keyboard.press("a")
    rex.wait_for_timeout(300)
    assert {r.decision.value for r in house.desk.regions(house.identifier)} == {"pending"}


def test_a_gigapixel_opens(browse, house, tmp_path):
    """A master of one gigapixel, grey, mostly empty on the disk; a hole far from its corner."""
    master = tmp_path / "wall.tif"
    with tifffile.TiffWriter(master) as file:
        file.write(shape=(SIDE, SIDE), dtype=np.uint8, tile=(512, 512), photometric="minisblack")
    mask = tmp_path / "wall.mask.png"
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    picture = Image.new("1", (SIDE, SIDE))
    picture.paste(1, (30_000, 20_000, 30_040, 20_050))
    picture.save(mask)
    room = Options(memory=6 << 30)  # this process holds a browser's driver and much else
    done = restore(master, mask, model="telea", output=tmp_path / "out", device="cpu", options=room)
    identifier, _ = record(house.desk, master, done.folder)
    rex = browse("rex")
    open_table(rex, identifier)
    rex.keyboard.press("z")
    with rex.expect_response(lambda answer: "~after/" in answer.url):
        rex.keyboard.press("0")
    rex.keyboard.press("a")
    hears(rex, "approved")
    assert rex.said == []
    os.truncate(master, 0)  # a gigabyte less on the disk
