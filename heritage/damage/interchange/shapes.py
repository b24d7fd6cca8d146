"""Shapes of Web Annotations as polygons. Nothing in a file is trusted: what is odd is refused."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from heritage.damage.polygons import Ring, ring_of

_LONGEST = 64 << 20  # characters of one selector
_CORNERS = 180  # of a circle
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TOKEN = re.compile(rf"\s*,?\s*(?:([MmLlHhVvZz])|({_NUMBER}))")
_BOX = re.compile(rf"xywh=(pixel:|percent:)?({_NUMBER}),({_NUMBER}),({_NUMBER}),({_NUMBER})")
Rings = tuple[Ring, ...]


def shapes_of(content: object, height: int, width: int) -> Iterator[Rings]:
    """The rings of every shape in a page, list or single annotation.

    Args:
        content: Parsed JSON.
        height: Rows of the master: some boxes are given in per cent.
        width: Columns.

    Raises:
        ValueError: It is no annotation, or has a shape that is not known here.
    """
    if isinstance(content, list):
        for each in content:
            yield from shapes_of(each, height, width)
        return
    if not isinstance(content, Mapping):
        raise ValueError("an annotation was expected")
    if "items" in content or "resources" in content:
        yield from shapes_of(content.get("items", content.get("resources")), height, width)
        return
    if content.get("type") != "Annotation":
        raise ValueError(f"{content.get('type')!r} is no Annotation")
    targets = content.get("target")
    for target in targets if isinstance(targets, list) else [targets]:
        yield from _target(target, height, width)


def _target(target: object, height: int, width: int) -> Iterator[Rings]:
    if isinstance(target, str):  # an IRI whose fragment is the box
        yield _box(target.partition("#")[2], height, width)
        return
    selector = target.get("selector") if isinstance(target, Mapping) else None
    # Several selectors of one target are alternatives: the most precise one is taken.
    choices = selector if isinstance(selector, list) else [selector]
    known = [one for one in choices if isinstance(one, Mapping)]
    for one in sorted(known, key=lambda each: each.get("type") != "SvgSelector"):
        value = one.get("value")
        if isinstance(value, str) and one.get("type") == "SvgSelector":
            yield from _svg(value)
            return
        if isinstance(value, str) and one.get("type") == "FragmentSelector":
            yield _box(value, height, width)
            return
    raise ValueError("an annotation has neither an SvgSelector nor a FragmentSelector")


def _box(value: str, height: int, width: int) -> Rings:
    found = _BOX.fullmatch(value)
    if found is None:
        raise ValueError(f"{value[:60]!r} is no box; expected xywh=pixel:X,Y,WIDTH,HEIGHT")
    x, y, w, h = (float(number) for number in found.groups()[1:])
    if found[1] == "percent:":
        x, y, w, h = x * width / 100, y * height / 100, w * width / 100, h * height / 100
    return (_ring([(x, y), (x + w, y), (x + w, y + h), (x, y + h)]),)


def _svg(value: str) -> Iterator[Rings]:
    if len(value) > _LONGEST or "<!" in value:  # no document types, no entities
        raise ValueError("an SVG is too long, or declares what has no place here")
    try:
        root = ET.fromstring(value)  # noqa: S314 - without declarations nothing can expand
    except ET.ParseError as error:
        raise ValueError(f"an SVG cannot be read ({error})") from error
    found = False
    for element in root.iter():
        if element.get("transform"):
            raise ValueError("an SVG with a transform cannot be read; save it without")
        kind = element.tag.rpartition("}")[2]
        if kind in ("svg", "g"):
            continue
        if kind not in _SHAPES:
            raise ValueError(f"an SVG has a <{kind[:20]}>; there are {', '.join(_SHAPES)}")
        yield _SHAPES[kind](element)
        found = True
    if not found:
        raise ValueError("an SVG has no shape")


def _path(element: ET.Element) -> Rings:
    rings: list[list[tuple[float, float]]] = []
    x = y = 0.0
    command = ""
    values: list[float] = []
    text, at = element.get("d", "").strip(), 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"a path has {text[at : at + 20]!r}; straight lines only")
        at = token.end()
        if token[1]:
            command, values = token[1], []
            if command in "Zz" and rings:
                x, y = rings[-1][0]
            continue
        values.append(float(token[2]))
        if command in "MmLl" and command and len(values) == 2:
            base = (x, y) if command.islower() else (0.0, 0.0)
            x, y = base[0] + values[0], base[1] + values[1]
            if command in "Mm":
                rings.append([])
                command = "l" if command == "m" else "L"
        elif command in "HhVv" and command:
            x = values[0] + (x if command == "h" else 0) if command in "Hh" else x
            y = values[0] + (y if command == "v" else 0) if command in "Vv" else y
        elif command in "Zz" or not command:
            raise ValueError("a path has a number where a command was expected")
        else:
            continue
        if not rings:
            raise ValueError("a path does not begin with M")
        rings[-1].append((x, y))
        values = []
    if not rings:
        raise ValueError("a path is empty")
    return tuple(_ring(ring) for ring in rings)


def _polygon(element: ET.Element) -> Rings:
    numbers = [float(n) for n in re.findall(_NUMBER, element.get("points", ""))]
    return (_ring(list(zip(numbers[::2], numbers[1::2], strict=False))),)


def _rect(element: ET.Element) -> Rings:
    x, y, w, h = (_length(element, key) for key in ("x", "y", "width", "height"))
    return (_ring([(x, y), (x + w, y), (x + w, y + h), (x, y + h)]),)


def _round(element: ET.Element) -> Rings:
    x, y = _length(element, "cx"), _length(element, "cy")
    circle = element.get("r") is not None
    rx, ry = (_length(element, "r" if circle else key) for key in ("rx", "ry"))
    angles = np.arange(_CORNERS) * (2 * math.pi / _CORNERS)
    points = np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1)
    return (_ring([tuple(point) for point in points.tolist()]),)


def _length(element: ET.Element, key: str) -> float:
    value = element.get(key, "0")
    if re.fullmatch(_NUMBER, value) is None:
        raise ValueError(f"{key} is {value[:20]!r}, not a number")
    return float(value)


def _ring(points: list[Any]) -> Ring:
    return ring_of([list(point) for point in points])


_SHAPES = {
    "path": _path,
    "polygon": _polygon,
    "rect": _rect,
    "circle": _round,
    "ellipse": _round,
}
