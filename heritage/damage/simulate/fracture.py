"""How a drying layer breaks: every crack divides a piece in two, until the pieces are small.

A new crack runs from one older crack to another and meets them at right angles, which is why old
paint shows long first cracks and short later ones between them (S. Bohn, L. Pauchard, Y. Couder,
"Hierarchical crack pattern as formed by successive domain divisions", Phys. Rev. E 71, 046214,
2005). Stress that is stronger in one direction, across the grain of a panel or along the brush
strokes, makes the pieces long: the direction comes as a field of angles.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from heritage.damage.simulate.fields import Field, Points

Polygon = list[tuple[float, float]]
Ends = tuple[float, float, float, float]


@dataclass(frozen=True)
class Fracture:
    """A layer in pieces.

    Attributes:
        starts: Where each crack begins, x and y in pixels, (N, 2).
        ends: Where it ends, (N, 2).
        ages: 0 for the first crack, 1 for the last, (N,).
        pieces: The polygons that are left, of x and y.
    """

    starts: Points
    ends: Points
    ages: Field
    pieces: tuple[Polygon, ...]


def divide(
    rng: np.random.Generator,
    orientation: Field,
    cell: float,
    elongation: float = 1.0,
    disorder: float = 0.25,
) -> Fracture:
    """Divide a picture into pieces, crack by crack.

    Args:
        rng: Source of randomness.
        orientation: Angle of the grain at every pixel, radians, (H, W); its shape is the picture's.
        cell: Size at which a piece no longer breaks, pixels.
        elongation: How much longer than wide pieces become along the grain.
        disorder: Standard deviation of a crack's direction, radians.
    """
    height, width = orientation.shape
    margin = cell / 2
    whole = [
        (-margin, -margin), (width + margin, -margin),
        (width + margin, height + margin), (-margin, height + margin),
    ]  # fmt: skip
    waiting: list[tuple[Polygon, int]] = [(whole, 0)]
    cracks: list[tuple[float, float, float, float, int]] = []
    pieces: list[Polygon] = []
    numbers = _numbers(rng)
    while waiting:
        piece, depth = waiting.pop()
        grain = float(orientation[_row_and_column(piece, height, width)])
        turn, place, size = next(numbers)
        broken = _break(piece, grain, cell * size, elongation, disorder * turn, 0.12 * place)
        if broken is None:
            pieces.append(piece)
            continue
        one, other, ends = broken
        cracks.append((*ends, depth))
        waiting += [(one, depth + 1), (other, depth + 1)]
    found = np.array(cracks, np.float32).reshape(-1, 5)
    deepest = max(1.0, float(found[:, 4].max(initial=0)))
    return Fracture(found[:, :2], found[:, 2:4], found[:, 4] / np.float32(deepest), tuple(pieces))


def _numbers(rng: np.random.Generator) -> Iterator[tuple[float, float, float]]:
    """For every piece a turn and a place of its crack (standard normal), and the size it bears."""
    while True:
        normal, even = rng.standard_normal((2, 128)), rng.uniform(0.75, 1.6, 128)
        yield from zip(normal[0].tolist(), normal[1].tolist(), even.tolist(), strict=True)


def _centre(piece: Polygon) -> tuple[float, float]:
    """Mean of a polygon's corners."""
    count = len(piece)
    return sum([x for x, _ in piece]) / count, sum([y for _, y in piece]) / count


def _row_and_column(piece: Polygon, height: int, width: int) -> tuple[int, int]:
    """The pixel in the middle of a polygon, or the nearest one of the picture."""
    x, y = _centre(piece)
    return min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)


def _break(
    piece: Polygon, grain: float, cell: float, elongation: float, turn: float, place: float
) -> tuple[Polygon, Polygon, Ends] | None:
    """Break a piece across its longer side, seen along the grain; None if it is small enough.

    Args:
        piece: A convex polygon.
        grain: Direction of the grain, radians.
        cell: Size that no longer breaks, pixels.
        elongation: How much longer than wide pieces may be along the grain.
        turn: By how much the crack deviates from along or across the grain, radians.
        place: How far from the middle it lies, as a part of the piece's length.
    """
    cos, sin = math.cos(grain), math.sin(grain)
    along = [x * cos + y * sin for x, y in piece]
    across = [y * cos - x * sin for x, y in piece]
    length, breadth = max(along) - min(along), max(across) - min(across)
    if max(length / elongation, breadth) < cell:
        return None
    longer = length / elongation > breadth
    angle = grain + turn + (math.pi / 2 if longer else 0)
    shift = max(-0.25, min(0.25, place)) * (length if longer else breadth)
    x, y = _centre(piece)
    return _cut(piece, x - shift * math.sin(angle), y + shift * math.cos(angle), angle)


def _cut(piece: Polygon, x: float, y: float, angle: float) -> tuple[Polygon, Polygon, Ends] | None:
    """Cut a convex polygon by the line through (x, y); None where the line misses it."""
    normal_x, normal_y = -math.sin(angle), math.cos(angle)
    sides = [(px - x) * normal_x + (py - y) * normal_y for px, py in piece]
    one: Polygon = []
    other: Polygon = []
    ends: list[float] = []
    for i, (corner, here) in enumerate(zip(piece, sides, strict=True)):
        (one if here >= 0 else other).append(corner)
        following, there = piece[(i + 1) % len(piece)], sides[(i + 1) % len(piece)]
        if (here >= 0) != (there >= 0):
            t = here / (here - there)
            met = (
                corner[0] + t * (following[0] - corner[0]),
                corner[1] + t * (following[1] - corner[1]),
            )
            one.append(met)
            other.append(met)
            ends += met
    if len(ends) != 4:
        return None
    return one, other, (ends[0], ends[1], ends[2], ends[3])
