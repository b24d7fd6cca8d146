"""What is claimed of a restoration is what its dossier says."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from heritage.archive.credentials.claim import claim


def actions(made: dict) -> list[dict]:
    return made["assertions"][0]["data"]["actions"]


def said(made: dict) -> dict:
    return made["assertions"][1]["data"]


@pytest.fixture
def in_tokyo(monkeypatch):
    """As if this machine stood there."""
    with monkeypatch.context() as here:
        here.setenv("TZ", "JST-9")
        time.tzset()
        yield timezone(timedelta(hours=9))
    time.tzset()


def test_it_bears_the_name_of_the_file_it_is_about(dossier):
    assert claim(dossier, "mill.jpg", copy=True)["title"] == "mill.jpg"


def test_moments_are_told_in_utc_wherever_they_were(dossier, in_tokyo):
    signing = replace(dossier.signing, approved_at=datetime(2026, 1, 1, 8, 30, tzinfo=in_tokyo))
    edited = actions(claim(replace(dossier, signing=signing), "mill.tif", copy=False))[1]
    assert edited["parameters"]["heritage.acceptedAt"] == "2025-12-31T23:30:00Z"


def test_places_have_their_number_size_and_kind(dossier):
    one, *others = dossier.kept
    known = replace(dossier, regions=(replace(one, kind="scratch", area=1_234), *others))
    places = actions(claim(known, "mill.tif", copy=False))[1]["changes"]
    (place,) = [place for place in places if place["identifier"] == str(one.number)]
    assert place["description"] == "digital completion of 1,234 pixels (scratch)"
    unknown = replace(dossier, regions=(replace(one, kind=None, area=1), *others))
    places = actions(claim(unknown, "mill.tif", copy=False))[1]["changes"]
    assert "digital completion of 1 pixels" in [place["description"] for place in places]


def test_the_work_is_told_and_what_is_not_known_is_left_out(dossier):
    work = replace(
        dossier.work, title="The Mill", accession="1923.7", maker="A. Maker", institution=None
    )
    told = said(claim(replace(dossier, work=work), "mill.tif", copy=False))
    assert told["dc:title"] == "The Mill"
    assert told["dc:identifier"] == "1923.7"
    assert told["dc:creator"] == ["A. Maker"]
    assert told["dc:contributor"] == [dossier.signing.approver]
    assert told["dc:description"] == dossier.statement
    assert "dc:publisher" not in told
