"""The pages and the interface for programs say and do the same."""

import html
import io
import re
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from heritage.archive.proof import prove
from heritage.restore.engine import restore
from heritage.restore.verify import verify
from tests.heritage.review.conftest import PASSWORD, record


def decide(who, house, number, decision, version=0, **more):
    said = {"decision": decision, "version": version, **more}
    return who.post(f"/api/restorations/{house.identifier}/regions/{number}", json=said)


@pytest.mark.parametrize("path", ["/worklist", "/restorations", "/masters", "/numbers", "/me"])
def test_every_page_opens(caller, path):
    answer = caller("vic").get(path)
    assert answer.status_code == 200
    assert '<html lang="en"' in answer.text


def test_lists_show_what_matches(caller):
    vic = caller("vic")
    for query in ("?search=mill", "?search=MILL&below=&kind=", "?status=awaiting+review", ""):
        assert "The Mill" in vic.get("/restorations" + query).text
    for query in ("?search=windmill", "?status=approved", "?kind=CRACKS", "?since=2099-01-01",
                  "?reviewer=Rex", "?below=50", "?folder=/elsewhere"):  # fmt: skip
        text = vic.get("/restorations" + query).text
        assert "The Mill" not in text
        assert "Nothing matches" in text
    for query in ("?status=nonsense", "?below=200", "?since=yesterday", "?after=x"):
        assert vic.get("/restorations" + query).status_code == 400


def test_htmx_gets_only_the_part(caller):
    part = caller("vic").get("/masters", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert "The Mill" in part


def test_what_people_write_is_text_never_markup(caller, house):
    evil = "<script>alert(1)</script>"
    assert decide(caller("rex"), house, 1, "rejected", note=evil).status_code == 200
    for path in (f"/restorations/{house.identifier}", f"/masters/{house.sha256}"):
        text = caller("vic").get(path).text
        assert evil not in text
        assert html.escape(evil) in text or "\\u003cscript" in text


def test_the_second_sees_the_firsts_decision_and_confirms(caller, house):
    rex, ava = caller("rex"), caller("ava")
    assert decide(rex, house, 2, "approved").status_code == 200
    stale = decide(ava, house, 2, "rejected")
    assert stale.status_code == 409
    assert stale.json()["region"]["by"] == "Rex"
    assert decide(ava, house, 2, "rejected", 1).status_code == 409
    done = decide(ava, house, 2, "rejected", 1, confirmed=True).json()
    assert (done["region"]["by"], done["revision"]) == ("Ava", 2)


def test_many_at_once_and_undone(caller, house):
    rex, ava = caller("rex"), caller("ava")
    decide(ava, house, 3, "rejected")
    said = {"decision": "approved", "numbers": [1, 2, 3], "versions": [0, 0, 0]}
    answer = rex.post(f"/api/restorations/{house.identifier}/regions", json=said).json()
    assert [r["number"] for r in answer["regions"]] == [1, 2]
    assert [r["number"] for r in answer["refused"]] == [3]
    undo = f"/api/restorations/{house.identifier}/undo"
    assert [r["decision"] for r in rex.post(undo, json={}).json()["regions"]] == ["pending"] * 2
    assert rex.post(undo, json={}).status_code == 404


@pytest.mark.parametrize(
    "said",
    [
        {"decision": "perhaps", "version": 0},
        {"decision": "approved"},
        {"decision": "approved", "version": -1},
        {"decision": "approved", "version": 0, "note": "x" * 5000},
    ],
)
def test_nonsense_is_refused_in_one_line(caller, house, said):
    answer = caller("rex").post(f"/api/restorations/{house.identifier}/regions/1", json=said)
    assert answer.status_code == 400
    assert len(answer.json()["detail"].splitlines()) == 1
    assert decide(caller("rex"), house, 99, "approved").status_code == 409


def test_a_rejected_fill_shows_the_master_at_once(caller, house):
    rex = caller("rex")
    part = f"/iiif/3/{house.identifier}~{{}}/80,60,80,60/80,60/0/default.png"
    before, after = (rex.get(part.format(view)).content for view in ("before", "after"))
    assert before != after
    decide(rex, house, 1, "rejected")
    assert rex.get(part.format("after") + "?r=1").content == before


def test_signing_composes_what_was_decided(caller, house):
    rex, ava = caller("rex"), caller("ava")
    place = f"/restorations/{house.identifier}"
    for number, decision in ((1, "rejected"), (2, "approved"), (3, "do not fill")):
        assert decide(rex, house, number, decision).status_code == 200
    said = {"statement": "evidence-based completion", "remark": "after a photograph of 1911"}
    assert rex.post(f"{place}/hand-in", form=said).status_code == 303
    assert decide(rex, house, 1, "approved", 1).status_code == 423
    assert "Sign off" in ava.get(place).text
    assert "Sign off" not in rex.get(place).text
    assert ava.post(f"{place}/sign").status_code == 303
    deadline = time.monotonic() + 60
    while not (package := ava.get("/api" + place).json()["package"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert package in ava.get(place).text
    signed = house.output.parent.with_name("out-signed") / "mill"
    assert verify(signed).findings == ()
    assert prove(Path(package)).findings == []
    story = caller("vic").get(f"/masters/{house.sha256}").text
    said = ("regions 1 rejected", "handed in for signing", "signed off", "composed as it")
    for words in (*said, "packed for the archive"):
        assert words in story
    assert house.desk.verify_chain().intact


def test_two_people_may_be_asked_for(caller, house, app):
    app.state.room.settings = house.settings.model_copy(update={"review_two_people": True})
    ava, ada = caller("ava"), caller("ada")
    place = f"/api/restorations/{house.identifier}"
    said = {"decision": "approved", "numbers": [1, 2, 3], "versions": [0, 0, 0]}
    ava.post(f"{place}/regions", json=said)
    assert ava.post(f"{place}/hand-in", json={"statement": "hypothesis"}).status_code == 204
    assert ava.post(f"{place}/sign", json={}).status_code == 409
    assert ada.post(f"{place}/send-back", json={"reason": "too early"}).status_code == 204
    assert ava.post(f"{place}/hand-in", json={"statement": "hypothesis"}).status_code == 204
    assert ada.post(f"{place}/sign", json={}).status_code == 204


def test_undecided_regions_cannot_be_handed_in(caller, house):
    page = caller("rex").post(
        f"/restorations/{house.identifier}/hand-in", form={"statement": "hypothesis"}
    )
    assert page.status_code == 409
    assert "3 regions are not decided" in page.text


def test_accounts_are_made_and_changed(caller):
    ada = caller("ada")
    form = {"name": "Eve", "full_name": "Eve Ng", "role": "reviewer", "password": PASSWORD}
    assert ada.post("/accounts", form=form).status_code == 303
    assert "already" in ada.post("/accounts", form=form).text
    eve = caller("eve")
    assert ada.post("/accounts/eve", form={"active": "closed"}).status_code == 303
    assert eve.get("/api/me").status_code == 401
    assert caller().log_in("eve").status_code == 401
    assert ada.post("/accounts/ada", form={"role": "viewer"}).status_code == 400
    short = ada.post("/accounts/eve", form={"password": "short"})
    assert "12 to 256" in short.text
    names = [row["name"] for row in ada.get("/api/accounts").json()["accounts"]]
    assert names == ["ada", "ava", "eve", "rex", "vic"]


def test_a_password_is_changed_by_its_owner(caller):
    rex, new = caller("rex"), "another horse battery"
    assert rex.post("/me", form={"old": "not that one", "new": new}).status_code == 400
    assert rex.post("/me", form={"old": PASSWORD, "new": "short"}).status_code == 400
    rex = caller("rex")
    assert rex.post("/me", form={"old": PASSWORD, "new": new}).status_code == 303
    assert rex.get("/api/me").status_code == 401
    assert caller().log_in("rex", new).status_code == 303


def test_uncertainty_is_where_restorations_disagree(caller, house):
    vic = caller("vic")
    table, name = f"/restorations/{house.identifier}", f"/iiif/3/{house.identifier}~uncertainty"
    assert 'data-toggle="uncertainty"' not in vic.get(table).text
    assert not picture(vic, f"{name}/full/max/0/default.png").any()
    other = restore(
        house.master, model="biharmonic", output=house.output.parent / "b", device="cpu"
    )
    identifier, _ = record(house.desk, house.master, other.folder)
    assert 'data-toggle="uncertainty"' in vic.get(table).text
    said = vic.get(f"{name}/info.json").json()
    assert (said["width"], said["height"]) == (900, 700)
    assert said["id"].endswith(name)
    sheet = picture(vic, f"{name}/full/max/0/default.png")
    mask = tifffile.imread(house.master.with_suffix(".mask.tif")) > 0
    assert not sheet[~mask].any()
    assert sheet[mask][:, 3].any()
    own, theirs = (
        picture(vic, f"/iiif/3/{one}~after/full/max/0/default.png")[..., :3].astype(int)
        for one in (house.identifier, identifier)
    )
    differ = np.abs(own - theirs).max(axis=2) > 0
    assert ((sheet[..., 3] > 0) == (differ & mask)).all()
    assert vic.get(f"/iiif/3/{house.sha256}~uncertainty/info.json").status_code == 404


def picture(who, path):
    """What the picture service answers, as an array."""
    answer = who.get(path)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def test_a_restoration_is_asked_for_from_a_record(caller, house, asked):
    rex, place = caller("rex"), f"/masters/{house.sha256}"
    assert "Ask for a restoration" in rex.get(place).text
    assert "Ask for a restoration" not in caller("vic").get(place).text
    form = {"model": "biharmonic", "policy": "mural", "mask": house.identifier}
    assert rex.post(f"{place}/restore", form=form).status_code == 303
    assert caller("vic").post(f"{place}/restore", form=form).status_code == 403
    for wrong in ({"model": "../../x"}, {"policy": "all"}):
        assert rex.post(f"{place}/restore", form=form | wrong).status_code == 400
    other = form | {"mask": "00000000-0000-4000-8000-000000000000"}
    assert rex.post(f"{place}/restore", form=other).status_code == 404
    text = rex.get(place).text
    assert "biharmonic, mural" in text
    deadline = time.monotonic() + 20
    while not asked:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert asked[0].mask == house.output / "mill.mask.tif"
    assert asked[0].output == house.output.parent.with_name("out-biharmonic-mural")
    assert len(asked) == 1


@pytest.mark.parametrize(
    "stroke",
    [
        {"adds": True, "width": 5, "points": []},
        {"adds": True, "width": 5, "points": [[1]]},
        {"adds": True, "width": 5, "points": [[1, "x"]]},
        {"adds": True, "width": 50_000, "points": [[1, 1]]},
        {"adds": True, "width": 0, "points": [[1, 1]]},
        {"adds": False, "width": 0, "points": [[-9, -9], [2000, -9], [2000, 2000], [-9, 2000]]},
    ],
)
def test_what_cannot_be_drawn_changes_no_mask(caller, house, asked, stroke):
    place = f"/api/restorations/{house.identifier}/mask"
    answer = caller("rex").post(place, json={"strokes": [stroke]})
    assert answer.status_code == 400, answer.text
    assert asked == []
    assert not list((house.settings.home / "corrected").rglob("*.tif"))


def test_the_interface_is_described(caller):
    described = caller("vic").get("/api/openapi.json").json()
    assert "/api/restorations/{identifier}/regions/{number}" in described["paths"]


def test_the_picture_service_says_what_it_is(caller, house, served):
    vic = caller("vic")
    said = vic.get(f"/iiif/3/{house.identifier}~after/info.json").json()
    assert (said["width"], said["height"], said["profile"]) == (900, 700, "level2")
    assert said["id"] == f"{served}/iiif/3/{house.identifier}~after"
    bad = vic.get(f"/iiif/3/{house.identifier}~after/full/max/45/default.jpg")
    assert bad.status_code == 400
    levels = "?low=0.5&high=0.4"
    part = f"/iiif/3/{house.identifier}~after/full/max/0/default.jpg"
    assert vic.get(part + levels).status_code == 400
    assert vic.get(part + "?low=0.2&high=0.6").content != vic.get(part).content


def test_every_text_of_the_pages_can_be_translated():
    from heritage.review.web.render import TEMPLATES

    for path in TEMPLATES.glob("*.html"):
        bare = re.sub(
            r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<(script|kbd)\b.*?</\1>",
            "",
            path.read_text(),
            flags=re.S,
        )
        words = re.findall(r">([^<>]*[A-Za-z]{3,}[^<>]*)<", bare)
        assert [
            word
            for word in words
            if word.strip() not in ("heritage", "SHA-256", "PDF", "· heritage")
        ] == [], path
