"""Requests: what the standard allows is understood, everything else is refused in one way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.geometry import Box
from heritage.review.iiif import BadImageRequest, parse
from heritage.review.iiif.request import FORMATS, QUALITIES

WIDTH, HEIGHT = 6000, 4000


def asked(region="full", size="max", rest="0/default.jpg", width=WIDTH, height=HEIGHT, limit=4096):
    return parse(f"{region}/{size}/{rest}", width, height, limit)


@pytest.mark.parametrize(
    ("region", "box"),
    [
        ("full", Box(0, 0, 4000, 6000)),
        ("square", Box(0, 1000, 4000, 5000)),
        ("10,20,300,400", Box(20, 10, 420, 310)),
        ("5900,3950,300,400", Box(3950, 5900, 4000, 6000)),
        ("pct:50,25,10,10", Box(1000, 3000, 1400, 3600)),
        ("pct:0,0,100,100", Box(0, 0, 4000, 6000)),
        ("pct:33.3333,0,.5,100", Box(0, 2000, 4000, 2030)),
    ],
)
def test_regions_are_understood_and_cut_off_at_the_edge(region, box):
    assert asked(region).box == box


@pytest.mark.parametrize(
    ("size", "result"),
    [
        ("max", (600, 400)),
        ("^max", (4096, 2731)),
        ("300,", (300, 200)),
        ("^1200,", (1200, 800)),
        (",100", (150, 100)),
        ("^,800", (1200, 800)),
        ("pct:50", (300, 200)),
        ("pct:12.5", (75, 50)),
        ("^pct:200", (1200, 800)),
        ("100,100", (100, 100)),
        ("^700,100", (700, 100)),
        ("!300,300", (300, 200)),
        ("!9000,9000", (600, 400)),
        ("^!1200,9000", (1200, 800)),
        ("^!9000,9000", (4096, 2731)),
        ("^100,100", (100, 100)),
    ],
)
def test_sizes_of_a_region_are_understood(size, result):
    request = asked("0,0,600,400", size)
    assert (request.width, request.height) == result


def test_max_is_cut_to_the_limit_in_proportion():
    assert (asked().width, asked().height) == (4096, 2731)
    small = asked(limit=1000)
    assert (small.width, small.height) == (1000, 667)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotations_are_understood(rotation, mirrored):
    request = asked(rest=f"{'!' * mirrored}{rotation}/default.png")
    assert (request.rotation, request.mirrored) == (rotation, mirrored)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("kind", FORMATS)
def test_qualities_and_formats_are_understood(quality, kind):
    request = asked(rest=f"0/{quality}.{kind}")
    assert (request.quality, request.format) == (quality, kind)


@pytest.mark.parametrize(
    "path",
    [
        "", "full", "full/max/0", "full/max/0/default.jpg/", "/full/max/0/default.jpg",
        "Full/max/0/default.jpg", "0,0,0,10/max/0/default.jpg", "0,0,10/max/0/default.jpg",
        "-1,0,10,10/max/0/default.jpg", "1.5,0,10,10/max/0/default.jpg",
        "6000,0,10,10/max/0/default.jpg", "0,4000,10,10/max/0/default.jpg",
        "pct:100,0,10,10/max/0/default.jpg", "pct:0,0,0,10/max/0/default.jpg",
        "pct:nan,0,1,1/max/0/default.jpg", "pct:1e1,0,1,1/max/0/default.jpg",
        "pct:0,0,0.00001,1/max/0/default.jpg", "٣,0,10,10/max/0/default.jpg",
        "full/full/0/default.jpg", "full/,/0/default.jpg", "full/0,/0/default.jpg",
        "full/10,0/0/default.jpg", "full/!10,/0/default.jpg", "full/!0,10/0/default.jpg",
        "full/pct:0/0/default.jpg", "full/pct:101/0/default.jpg", "full/pct:-1/0/default.jpg",
        "full/4097,/0/default.jpg", "full/^4097,/0/default.jpg", "full/pct:90/0/default.jpg",
        "0,0,10,10/11,/0/default.jpg", "0,0,10,10/,11/0/default.jpg",
        "0,0,10,10/10,11/0/default.jpg", "0,0,10,10/pct:110/0/default.jpg",
        "0,0,10,10/^pct:99999999/0/default.jpg", "0,0,10,10/^^11,/0/default.jpg",
        "full/max/45/default.jpg", "full/max/360/default.jpg", "full/max/!!90/default.jpg",
        "full/max/-90/default.jpg", "full/max/90.0/default.jpg", "full/max/0/default",
        "full/max/0/native.jpg", "full/max/0/default.tif", "full/max/0/default.jpg.png",
        "full/max/0/.jpg", "full/max/0/default.JPG", "full/max/0/default.jpg\n",
        "full/" + "9" * 5000 + ",/0/default.jpg",
    ],
)  # fmt: skip
def test_everything_else_is_a_bad_request(path):
    with pytest.raises(BadImageRequest):
        parse(path, WIDTH, HEIGHT)


@given(st.text(max_size=40), st.integers(1, 10**6), st.integers(1, 10**6))
def test_whatever_is_asked_only_bad_requests_are_raised(path, width, height):
    for whole in (path, f"{path}/max/0/default.jpg", f"full/{path}/0/default.jpg"):
        try:
            request = parse(whole, width, height)
        except BadImageRequest:
            continue
        assert Box(0, 0, height, width).contains(request.box)
        assert 1 <= request.width <= 4096
        assert 1 <= request.height <= 4096


SIZES = st.one_of(
    st.just("max"),
    st.builds("{},".format, st.integers(1, 5000)),
    st.builds(",{}".format, st.integers(1, 5000)),
    st.builds("{},{}".format, st.integers(1, 5000), st.integers(1, 5000)),
    st.builds("!{},{}".format, st.integers(1, 5000), st.integers(1, 5000)),
    st.builds("pct:{}".format, st.integers(1, 300)),
)


@given(SIZES, st.booleans(), st.integers(1, 9000), st.integers(1, 9000), st.integers(1, 5000))
def test_nothing_is_enlarged_unasked_or_beyond_the_limit_and_canonical_asks_for_the_same(
    size, grows, width, height, limit
):
    try:
        request = parse(f"full/{'^' * grows}{size}/90/gray.webp", width, height, limit)
    except BadImageRequest:
        return
    assert max(request.width, request.height) <= limit
    assert grows or (request.width <= width and request.height <= height)
    again = parse(request.canonical, width, height, limit)
    assert again == request


def test_requests_for_the_same_have_one_canonical_path():
    same = ["full/max", "0,0,6000,4000/max", "pct:0,0,100,100/4096,2731", "full/!4096,4096"]
    found = {parse(f"{start}/0/default.jpg", WIDTH, HEIGHT).canonical for start in same}
    assert found == {"full/max/0/default.jpg"}
    assert asked("0,0,10,10", "^20,").canonical == "0,0,10,10/^20,20/0/default.jpg"
