"""Craquelure: networks of age cracks, cracks along the grain, and the spirals of a blow."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from heritage.damage.simulate.fields import Field, Mask, Points, orientation, sample, smooth_noise
from heritage.damage.simulate.fracture import Fracture, divide
from heritage.damage.simulate.lines import draw_pieces

Kind = Literal["net", "grain", "impact"]


@dataclass(frozen=True)
class Craquelure:
    """What a crack network is like.

    Attributes:
        kind: ``net``, pieces of any direction; ``grain``, long cracks along the grain of a panel or
            the brush strokes, joined by short ones; ``impact``, rings and rays around a blow.
        cell: Typical distance between cracks, pixels.
        width: Of the first cracks, pixels; later ones are narrower.
        connected: How complete the network is: at 0.5 about half of its later cracks have gone
            blind, at 1 a few; from 2 on none.
        direction: Of the grain, radians from the x axis.
        waviness: Standard deviation of the grain around its direction, radians.
        bend: How far cracks stray from straight lines, as a part of ``cell``.
        spurs: Short blind cracks beside the network, as a part of the number of its cracks.
    """

    kind: Kind = "net"
    cell: float = 40.0
    width: float = 2.2
    connected: float = 0.85
    direction: float = 0.0
    waviness: float = 0.25
    bend: float = 0.13
    spurs: float = 0.35

    @staticmethod
    def draw(rng: np.random.Generator, cell: float | None = None) -> "Craquelure":
        """A network as they occur: mostly nets and grain, now and then a blow."""
        cell = float(rng.uniform(20, 70)) if cell is None else cell
        kinds: list[Kind] = ["net", "grain", "impact"]
        kind = kinds[int(rng.choice(3, p=[0.55, 0.35, 0.1]))]
        upright = rng.random() < 0.6  # panels are mostly built of upright boards
        return Craquelure(
            kind=kind,
            cell=cell,
            width=float(rng.uniform(1.0, max(1.2, min(3.2, cell / 12)))),
            connected=float(rng.uniform(0.55, 1.0)),
            direction=float((np.pi / 2 if upright else 0.0) + rng.normal(0, 0.15)),
            waviness=float(rng.uniform(0.05, 0.4)),
            bend=float(rng.uniform(0.08, 0.18)),
        )


@dataclass(frozen=True)
class Network:
    """Cracks as short straight pieces with their widths in pixels, and the layer they divide."""

    starts: Points
    ends: Points
    widths: Field
    layer: Fracture

    def draw(self, height: int, width: int, enlarged: int = 1) -> Mask:
        """Draw it into a mask that is ``enlarged`` times as large as the picture."""
        shape = height * enlarged, width * enlarged
        return draw_pieces(
            shape, self.starts * enlarged, self.ends * enlarged, self.widths * enlarged
        )


def craquelure(
    rng: np.random.Generator,
    height: int,
    width: int,
    cell: float | None = None,
    like: Craquelure | None = None,
) -> Mask:
    """A network of age cracks: bent, tapering, branching and broken off.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        cell: Typical distance between cracks in pixels; random from 20 to 70 unless given.
        like: What the network is like; random unless given.
    """
    like = Craquelure.draw(rng, cell) if like is None else like
    return network(rng, height, width, like).draw(height, width)


def network(
    rng: np.random.Generator, height: int, width: int, like: Craquelure, along: Field | None = None
) -> Network:
    """The cracks of a network, not yet drawn.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        like: What it is like.
        along: Direction of the brush strokes or the grain at every pixel, radians (H, W); made
            from ``like`` unless given.
    """
    if along is None:
        along = orientation(rng, height, width, like.direction, like.waviness)
    if like.kind == "impact":
        layer = _blow(rng, height, width, like)
    elif like.kind == "grain":
        layer = divide(rng, along, like.cell, elongation=float(rng.uniform(2, 5)), disorder=0.1)
    else:
        layer = divide(rng, along, like.cell, disorder=float(rng.uniform(0.1, 0.35)))
    layer = _with_spurs(rng, layer, like)
    starts, ends, ages = _bent(rng, height, width, layer, like)
    middle = np.asarray((starts + ends) / 2, np.float32)
    strength = sample(smooth_noise(rng, height, width, 1.5 * like.cell), middle)
    fine = sample(smooth_noise(rng, height, width, max(3.0, like.cell / 6)), middle)
    # The first cracks go through the whole layer; later ones fade out between them.
    opening = like.width * (1 - 0.65 * ages) * (1 + 0.3 * strength + 0.15 * fine)
    present = strength + 0.35 * fine + 1.2 * (1 - ages) > -3.2 * like.connected + 2.2
    widths = np.where(present, np.maximum(opening, 0.5), 0)
    return Network(starts, ends, np.asarray(widths, np.float32), layer)


def _with_spurs(rng: np.random.Generator, layer: Fracture, like: Craquelure) -> Fracture:
    """Add short cracks that start at others and end blind."""
    count = int(len(layer.starts) * like.spurs)
    if not count:
        return layer
    host = rng.integers(len(layer.starts), size=count)
    t = rng.uniform(0.15, 0.85, (count, 1))
    starts = layer.starts[host] * (1 - t) + layer.ends[host] * t
    run = layer.ends[host] - layer.starts[host]
    angles = np.arctan2(run[:, 1], run[:, 0])
    angles += rng.choice([-1, 1], count) * rng.uniform(0.7, 1.6, count)
    lengths = like.cell * rng.uniform(0.1, 0.4, count)
    ends = starts + lengths[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return replace(
        layer,
        starts=np.concatenate([layer.starts, starts.astype(np.float32)]),
        ends=np.concatenate([layer.ends, ends.astype(np.float32)]),
        ages=np.concatenate([layer.ages, np.full(count, 0.95, np.float32)]),
    )


def _bent(
    rng: np.random.Generator, height: int, width: int, layer: Fracture, like: Craquelure
) -> tuple[Points, Points, Field]:
    """Cut cracks into short pieces and bend them all by one field, so that they stay joined."""
    runs = layer.ends - layer.starts
    step = max(3.0, like.cell / 10)
    counts = np.maximum(1, np.ceil(np.hypot(*runs.T) / step)).astype(np.intp)
    which = np.repeat(np.arange(len(counts)), counts)
    order = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    t = (order / counts[which])[:, None].astype(np.float32)
    starts = layer.starts[which] + t * runs[which]
    ends = starts + runs[which] / counts[which][:, None].astype(np.float32)
    far = like.bend * like.cell
    ragged = min(1.2, like.cell / 25)
    for axis in range(2):
        bend = far * smooth_noise(rng, height, width, 0.9 * like.cell)
        bend += np.float32(ragged) * smooth_noise(rng, height, width, 5)
        moved = sample(bend, starts), sample(bend, ends)
        starts[:, axis] += moved[0]
        ends[:, axis] += moved[1]
    return starts, ends, layer.ages[which]


def _blow(rng: np.random.Generator, height: int, width: int, like: Craquelure) -> Fracture:
    """Rings, slightly spiral, and rays around the place where something struck the canvas."""
    centre = rng.uniform(0.2, 0.8, 2) * (width, height)
    reach = rng.uniform(0.35, 0.8) * min(height, width)
    rays = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 9))))
    pieces: list[tuple[float, float, float, float, float]] = []
    for ray in rays:
        inner, outer = rng.uniform(0, 0.15) * reach, rng.uniform(0.4, 1.0) * reach
        cos, sin = np.cos(ray), np.sin(ray)
        pieces.append((inner * cos, inner * sin, outer * cos, outer * sin, 0.1))
    radius, pitch = rng.uniform(0.3, 0.6) * like.cell, rng.uniform(0.0, 0.12)
    while radius < reach:
        start = rng.uniform(0, 2 * np.pi)
        turns = np.linspace(start, start + rng.uniform(2.0, 2 * np.pi), 28)
        radii = radius * (1 + pitch * (turns - start))
        x, y = radii * np.cos(turns), radii * np.sin(turns)
        age = min(1.0, 0.2 + 0.7 * radius / reach)
        pieces += [(x[i], y[i], x[i + 1], y[i + 1], age) for i in range(27)]
        radius += like.cell * rng.uniform(0.35, 0.8)
    found = np.array(pieces, np.float32)
    moved = np.asarray(centre, np.float32)
    return Fracture(found[:, :2] + moved, found[:, 2:4] + moved, found[:, 4], ())
