"""Manifests: one canvas, two ways to look at it, every region in its place."""

from __future__ import annotations

import json

import pytest

from heritage.geometry import Box
from heritage.review.iiif import Choice, Note, manifest

URI = "https://museum.example/iiif/7/manifest"
BEFORE = Choice("https://museum.example/iiif/7/before", "Before")
AFTER = Choice("https://museum.example/iiif/7/after", "After: digital completion, proposed")


def made(**more):
    return manifest(URI, "Portrait of a lady", 6000, 4000, BEFORE, **more)


def identifiers(value):
    if isinstance(value, dict):
        kept = value.get("type") not in ("Image", "ImageService3")
        yield from [value["id"]] if "id" in value and kept else []
        for one in value.values():
            yield from identifiers(one)
    elif isinstance(value, list):
        for one in value:
            yield from identifiers(one)


def test_a_canvas_of_the_masters_size_offers_before_and_after():
    found = made(after=AFTER)
    assert json.loads(json.dumps(found)) == found
    assert found["@context"] == "http://iiif.io/api/presentation/3/context.json"
    assert (found["type"], found["id"]) == ("Manifest", URI)
    (canvas,) = found["items"]
    assert (canvas["type"], canvas["width"], canvas["height"]) == ("Canvas", 6000, 4000)
    (page,) = canvas["items"]
    (painting,) = page["items"]
    assert painting["motivation"] == "painting"
    assert painting["target"] == canvas["id"]
    assert painting["body"]["type"] == "Choice"
    for body, choice in zip(painting["body"]["items"], (BEFORE, AFTER), strict=True):
        assert body["label"] == {"en": [choice.label]}
        assert body["service"] == [
            {"id": choice.service, "type": "ImageService3", "profile": "level2"}
        ]
        assert body["id"] == f"{choice.service}/full/max/0/default.jpg"
        assert (body["width"], body["height"]) == (4096, 2731)


def test_without_a_restoration_there_is_no_choice():
    body = made()["items"][0]["items"][0]["items"][0]["body"]
    assert body["type"] == "Image"
    assert "annotations" not in made()["items"][0]


def test_regions_are_notes_on_their_rectangles():
    notes = [Note(1, Box(10, 20, 40, 80), "Crack, accepted"), Note(9, Box(0, 0, 1, 1), "Speck")]
    canvas = made(after=AFTER, regions=notes)["items"][0]
    (page,) = canvas["annotations"]
    assert page["type"] == "AnnotationPage"
    first, second = page["items"]
    assert first["target"] == f"{canvas['id']}#xywh=20,10,60,30"
    assert second["target"] == f"{canvas['id']}#xywh=0,0,1,1"
    assert first["body"]["value"] == "Crack, accepted"
    assert first["motivation"] == "commenting"


def test_the_statement_is_required_and_rights_are_optional():
    found = made(statement="Proposed.", attribution="Note", language="de")
    assert found["requiredStatement"] == {
        "label": {"de": ["Note"]}, "value": {"de": ["Proposed."]}
    }  # fmt: skip
    assert "rights" not in found
    rights = "http://rightsstatements.org/vocab/InC/1.0/"
    assert made(rights=rights)["rights"] == rights
    with pytest.raises(ValueError, match="URI"):
        made(rights="all rights reserved")


def test_all_identifiers_are_different_uris():
    notes = [Note(n, Box(n, n, n + 5, n + 5), "x") for n in range(1, 20)]
    found = list(identifiers(made(after=AFTER, regions=notes)))
    assert len(found) == len(set(found))
    assert all(one.startswith("https://") for one in found)


def test_a_region_outside_the_master_is_refused():
    with pytest.raises(ValueError, match="region 3 leaves"):
        made(regions=[Note(3, Box(3990, 0, 4001, 10), "x")])
