"""What is asked for in the path of a IIIF image request, checked against the picture.

IIIF Image API 3.0, section 4: https://iiif.io/api/image/3.0/#4-image-requests
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from heritage.errors import HeritageError
from heritage.geometry import Box

LIMIT: Final = 4096
"""Longest side that is delivered, in pixels, where nothing else is said."""
FORMATS: Final = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
QUALITIES: Final = ("default", "color", "gray", "bitonal")
ROTATIONS: Final = (0, 90, 180, 270)

_NUMBER: Final = r"(?:\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})"
_WHOLE: Final = re.compile(r"\d{1,9},\d{1,9},\d{1,9},\d{1,9}", re.ASCII)
_SHARES: Final = re.compile(rf"pct:{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}", re.ASCII)
_PERCENT: Final = re.compile(rf"pct:({_NUMBER})", re.ASCII)
_SIDES: Final = re.compile(r"(!?)(\d{0,9}),(\d{0,9})", re.ASCII)

Size = tuple[int, int]
"""Width and height."""


class BadImageRequest(HeritageError):
    """An image request that makes no sense, or asks for what is not offered (HTTP status 400)."""


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What is to be delivered.

    Attributes:
        box: Of the picture, in pixels, inside of it.
        width: Columns before it is turned.
        height: Rows before it is turned.
        mirrored: Whether left and right change places, before it is turned.
        rotation: Degrees clockwise: 0, 90, 180 or 270.
        quality: One of ``QUALITIES``.
        format: One of ``FORMATS``.
        canonical: The one path that stands for all that ask for the same.
    """

    box: Box
    width: int
    height: int
    mirrored: bool
    rotation: int
    quality: str
    format: str
    canonical: str


def parse(path: str, width: int, height: int, limit: int = LIMIT) -> ImageRequest:
    """Understand a request by its path.

    Args:
        path: ``{region}/{size}/{rotation}/{quality}.{format}``, decoded, without leading slash.
        width: Columns of the picture.
        height: Rows of the picture.
        limit: Longest side that is delivered, in pixels.

    Raises:
        BadImageRequest: As of ``parse_request``, or if these are not its parts.
    """
    parts = path.split("/")
    if len(parts) != 4 or "." not in parts[3]:
        raise BadImageRequest("an image request is region/size/rotation/quality.format")
    quality, _, kind = parts[3].partition(".")
    return parse_request(parts[0], parts[1], parts[2], quality, kind, width, height, limit)


def parse_request(
    region: str,
    size: str,
    rotation: str,
    quality: str,
    kind: str,
    width: int,
    height: int,
    limit: int = LIMIT,
) -> ImageRequest:
    """Understand a request by the parts of its path, decoded.

    Args:
        region: ``full``, ``square``, ``x,y,w,h`` or ``pct:x,y,w,h``.
        size: ``max``, ``w,``, ``,h``, ``pct:n``, ``w,h`` or ``!w,h``; after ``^`` it may enlarge.
        rotation: Degrees clockwise, after ``!`` mirrored.
        quality: One of ``QUALITIES``.
        kind: One of ``FORMATS``.
        width: Columns of the picture.
        height: Rows of the picture.
        limit: Longest side that is delivered, in pixels.

    Raises:
        BadImageRequest: If it is not one, lies outside the picture, is too large, or is larger
            than what is shown without saying so.
    """
    box = _region(region, width, height)
    upscaled = size.startswith("^")
    wide, high = _size(size.removeprefix("^"), (box.width, box.height), limit, upscaled)
    turn = rotation.removeprefix("!")
    if turn not in {str(one) for one in ROTATIONS}:
        raise BadImageRequest("rotation must be 0, 90, 180 or 270, with ! before it to mirror")
    if quality not in QUALITIES or kind not in FORMATS:
        raise BadImageRequest(
            f"quality must be one of {', '.join(QUALITIES)}, format one of {', '.join(FORMATS)}"
        )
    whole = box == Box(0, 0, height, width)
    where = "full" if whole else f"{box.x0},{box.y0},{box.width},{box.height}"
    larger = wide > box.width or high > box.height
    usual = (wide, high) == _fitted((box.width, box.height), (limit, limit))
    what = "max" if usual and not larger else f"{'^' * larger}{wide},{high}"
    return ImageRequest(
        box, wide, high, rotation.startswith("!"), int(turn), quality, kind,
        f"{where}/{what}/{rotation}/{quality}.{kind}",
    )  # fmt: skip


def largest(width: int, height: int, limit: int = LIMIT) -> Size:
    """Width and height that ``max`` delivers of a picture."""
    return _fitted((width, height), (limit, limit))


def _region(text: str, width: int, height: int) -> Box:
    """The part of the picture; what leaves it is cut off."""
    if text == "full":
        return Box(0, 0, height, width)
    if text == "square":
        side = min(width, height)
        x, y = (width - side) // 2, (height - side) // 2
        return Box(y, x, y + side, x + side)
    if _WHOLE.fullmatch(text):
        x, y, wide, high = (int(number) for number in text.split(","))
    elif _SHARES.fullmatch(text):
        shares = [float(number) / 100 for number in text[4:].split(",")]
        x, y = math.floor(shares[0] * width + 0.5), math.floor(shares[1] * height + 0.5)
        wide = math.floor((shares[0] + shares[2]) * width + 0.5) - x
        high = math.floor((shares[1] + shares[3]) * height + 0.5) - y
    else:
        raise BadImageRequest("region must be full, square, x,y,w,h or pct:x,y,w,h")
    if wide < 1 or high < 1:
        raise BadImageRequest("the region contains no pixel")
    if x >= width or y >= height:
        raise BadImageRequest(f"the region lies outside the picture of {width} x {height} pixels")
    return Box(y, x, min(y + high, height), min(x + wide, width))


def _size(text: str, region: Size, limit: int, may_grow: bool) -> Size:
    """Width and height of what is delivered."""
    if text == "max":
        return _fitted(region, (limit, limit), may_grow)
    percent, sides = _PERCENT.fullmatch(text), _SIDES.fullmatch(text)
    if percent is not None:
        share = float(percent[1]) / 100
        found = _rounded(region[0] * share), _rounded(region[1] * share)
        if found[0] < 1 or found[1] < 1:
            raise BadImageRequest("at this size nothing is left of the region")
    elif sides is not None and sides[2] + sides[3]:
        confined, *lengths = sides.groups()
        if confined and not all(lengths):
            raise BadImageRequest("after ! the size needs a width and a height")
        wide, high = (int(length) if length else None for length in lengths)
        if wide == 0 or high == 0:
            raise BadImageRequest("a size of no pixels cannot be delivered")
        if confined and wide and high:
            return _fitted(region, (min(wide, limit), min(high, limit)), may_grow)
        found = _sides(region, wide, high)
    else:
        raise BadImageRequest("size must be max, w,  ,h  w,h  !w,h or pct:n, with ^ to enlarge")
    if not may_grow and (found[0] > region[0] or found[1] > region[1]):
        raise BadImageRequest("this is larger than the region; write ^ before the size to enlarge")
    if max(found) > limit:
        raise BadImageRequest(f"no side may be longer than {limit} pixels")
    return found


def _sides(region: Size, wide: int | None, high: int | None) -> Size:
    """One side follows from the other."""
    if wide is None:
        assert high is not None
        wide = max(1, _rounded(region[0] * high / region[1]))
    if high is None:
        high = max(1, _rounded(region[1] * wide / region[0]))
    return wide, high


def _fitted(region: Size, room: Size, may_grow: bool = False) -> Size:
    """As large as fits, in the region's proportions."""
    share = min(room[0] / region[0], room[1] / region[1])
    if not may_grow:
        share = min(share, 1.0)
    wide, high = (
        min(max(1, _rounded(side * share)), most) for side, most in zip(region, room, strict=True)
    )
    return wide, high


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)
