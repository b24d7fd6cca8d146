"""The outlines of regions at the size of a page, with numbers where there is room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.damage.masks import open_mask
from heritage.damage.policy.numbering import runs_in
from heritage.damage.runs import components

DRAWN = 400
"""Regions that are drawn, the largest ones; smaller ones are in the table."""

LETTER = 0.013
"""Height of a number, as part of the picture's longer side."""

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Shape:
    """The outline of a region, and where its number stands, if there is room for it.

    Args:
        number: Of the region.
        path: SVG path data, in pixels of the diagram.
        label: x and y of the number's left end on its base line.
    """

    number: int
    path: str
    label: tuple[float, float] | None


@dataclass(frozen=True)
class Diagram:
    """Outlines of regions.

    Args:
        height: Of the diagram, in its own pixels.
        width: Likewise.
        letter: Height of the numbers.
        shapes: The largest regions.
        regions: How many there are in all.
    """

    height: int
    width: int
    letter: float
    shapes: tuple[Shape, ...]
    regions: int


def diagram_of(mask: Path, side: int = 1600) -> Diagram:
    """Draw the regions of a mask, numbered as ``heritage.damage.regions`` numbers them.

    Memory is proportional to the damage and to the diagram.

    Args:
        mask: The mask of a restoration.
        side: Longer side of the diagram.
    """
    with open_mask(mask) as opened:
        runs = runs_in(opened)
        scale = min(1.0, side / max(opened.height, opened.width))
        height, width = (max(1, round(n * scale)) for n in (opened.height, opened.width))
    number = components(runs) + np.int32(1)
    count = int(number.max(initial=0))
    labels = np.zeros((height, width), np.int32)
    rows = np.minimum((runs.row * scale).astype(np.int64), height - 1)
    first = np.minimum((runs.start * scale).astype(np.int64), width - 1)
    last = np.clip(np.ceil(runs.stop * scale).astype(np.int64), first + 1, width)
    for row, start, stop, own in zip(rows, first, last, number, strict=True):
        labels[row, start:stop] = own
    lengths = np.bincount(number, runs.stop - runs.start, count + 1)
    largest = np.argsort(-lengths[1:], kind="stable")[:DRAWN] + 1
    letter = LETTER * max(height, width)
    shapes = tuple(_shapes(labels, largest.tolist(), letter))
    return Diagram(height, width, letter, shapes, count)


def _shapes(labels: Ints, numbers: list[int], letter: float) -> Iterator[Shape]:
    taken: list[tuple[float, float, float, float]] = []
    boxes = _boxes(labels)
    for number in numbers:
        if number not in boxes:
            continue  # hidden under a larger neighbour at this size
        y0, x0, y1, x1 = boxes[number]
        part = np.pad((labels[y0:y1, x0:x1] == number).astype(np.uint8), 1)
        rings, _ = cv2.findContours(part, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        path = "".join(
            _path(ring.reshape(-1, 2).astype(np.int32), x0 - 1, y0 - 1) for ring in rings
        )
        top = x0 + int(part[1, 1:].argmax())
        room = _room(number, (top, y0, y1), labels.shape, letter, taken)
        yield Shape(number, path, room)


def _boxes(labels: Ints) -> dict[int, tuple[int, int, int, int]]:
    y, x = np.nonzero(labels)
    found = labels[y, x]
    count = int(found.max(initial=0)) + 1
    low = np.full((count, 2), np.iinfo(np.int64).max)
    high = np.zeros((count, 2), np.int64)
    for axis, at in enumerate((y, x)):
        np.minimum.at(low[:, axis], found, at)
        np.maximum.at(high[:, axis], found, at + 1)
    return {
        int(n): (int(low[n, 0]), int(low[n, 1]), int(high[n, 0]), int(high[n, 1]))
        for n in np.unique(found)
    }


def _path(ring: NDArray[np.int32], x0: int, y0: int) -> str:
    # half a pixel out, so that what is one pixel wide has an outline that can be seen
    points = " ".join(f"{x + x0 + 0.5:g},{y + y0 + 0.5:g}" for x, y in ring.tolist())
    return f"M{points}Z"


def _room(
    number: int,
    top: tuple[int, int, int],
    shape: tuple[int, ...],
    letter: float,
    taken: list[tuple[float, float, float, float]],
) -> tuple[float, float] | None:
    """Where the number stands without covering another one: near the region's topmost pixel.

    Args:
        number: Of the region.
        top: Column and row of that pixel, and the row below the region.
        shape: Of the diagram.
        letter: Height of numbers.
        taken: Where numbers stand already; this one is added.
    """
    x0, y0, y1 = top
    wide = 0.62 * letter * len(str(number))
    near = 0.4 * letter
    corners = (
        (x0, y0 - 2),
        (x0 + near, y0 + letter),
        (x0 - wide - near, y0 + letter),
        (x0, y1 + letter),
    )
    for x, y in corners:
        place = (x, y - letter, x + wide, y)
        inside = place[0] >= 0 and place[1] >= 0 and place[2] <= shape[1] and y <= shape[0]
        if inside and not any(_overlap(place, other) for other in taken):
            taken.append(place)
            return float(x), float(y)
    return None


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
