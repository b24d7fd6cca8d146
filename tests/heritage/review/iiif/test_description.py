"""info.json: what it promises can be asked for."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from heritage.review.iiif import image_info, parse

SIDES = st.integers(1, 100_000)


def test_what_clients_need_is_there():
    info = image_info("https://museum.example/iiif/1/before", 6000, 4000)
    assert json.loads(json.dumps(info)) == info
    assert info["@context"] == "http://iiif.io/api/image/3/context.json"
    assert (info["type"], info["protocol"]) == ("ImageService3", "http://iiif.io/api/image")
    assert (info["id"], info["profile"]) == ("https://museum.example/iiif/1/before", "level2")
    assert (info["width"], info["height"], info["maxWidth"]) == (6000, 4000, 4096)
    assert info["tiles"] == [{"width": 512, "height": 512, "scaleFactors": [1, 2, 4, 8, 16]}]
    assert info["sizes"] == [
        {"width": 375, "height": 250}, {"width": 750, "height": 500},
        {"width": 1500, "height": 1000}, {"width": 3000, "height": 2000},
    ]  # fmt: skip


@given(SIDES, SIDES)
def test_every_listed_size_can_be_asked_for(width, height):
    info = image_info("x", width, height)
    for size in info["sizes"]:
        request = parse(f"full/{size['width']},{size['height']}/0/default.jpg", width, height)
        assert (request.width, request.height) == (size["width"], size["height"])


@given(SIDES, SIDES, st.data())
def test_every_tile_can_be_asked_for(width, height, data):
    tile = image_info("x", width, height)["tiles"][0]
    scale = data.draw(st.sampled_from(tile["scaleFactors"]))
    side = tile["width"] * scale
    x = data.draw(st.integers(0, (width - 1) // side)) * side
    y = data.draw(st.integers(0, (height - 1) // side)) * side
    wide, high = min(side, width - x), min(side, height - y)
    shown = -(-wide // scale), -(-high // scale)
    path = f"{x},{y},{wide},{high}/{shown[0]},{shown[1]}/0/default.jpg"
    request = parse(path, width, height)
    assert (request.width, request.height) == shown


@given(SIDES, SIDES)
def test_at_the_coarsest_scale_there_is_one_tile(width, height):
    factors = image_info("x", width, height)["tiles"][0]["scaleFactors"]
    assert max(width, height) <= 512 * factors[-1]
    assert factors == [2**k for k in range(len(factors))]
