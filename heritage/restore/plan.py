"""The plan: which windows cover a mask, and in which batches they are computed.

Small regions share windows, each whole in one core. Larger ones are tiled in overlapping windows;
if one is too deep for the context to reach its middle, it is first solved on coarser levels, the
coarsest of which sees all of it at once. The plan depends on the damage alone: neither on how the
mask is stored nor on the machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from heritage.damage.regions import Region, Regions
from heritage.damage.runs import Ints
from heritage.geometry import Box
from heritage.restore.grouping import Room, group
from heritage.restore.levels import Bool, ReadMask, level_mask, level_size
from heritage.restore.tiling import Field, Raster, fields, tile
from heritage.restore.windows import Window, window_box

__all__ = ["Plan", "Window", "make_plan"]

SIZE = 512
CONTEXT = 64
OVERLAP = 64
BATCH = 8

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """The windows that cover a mask, nothing more.

    Attributes:
        height: Rows of the master.
        width: Columns of the master.
        size: Largest side of a window, in pixels.
        context: What a window sees around its core where the raster allows, in pixels.
        overlap: Over which neighbouring windows fade into each other, in pixels.
        batch: Windows of ``size`` x ``size`` in a batch; of smaller ones as many as have no more
            pixels.
        windows: ``windows[n].number == n``; coarser levels first, then by place.
        batches: Window numbers; one level and one shape each, coarser levels first.
    """

    height: int
    width: int
    size: int
    context: int
    overlap: int
    batch: int
    windows: tuple[Window, ...]
    batches: tuple[tuple[int, ...], ...]

    @property
    def levels(self) -> int:
        """Levels in use: 1 where nothing needs a coarse pass."""
        return 1 + max((window.level for window in self.windows), default=0)

    def level_size(self, level: int) -> tuple[int, int]:
        """Rows and columns of a level's raster."""
        return level_size(self.height, self.width, level)

    def level_mask(self, read: ReadMask, level: int, box: Box) -> Bool:
        """The damage of a level in ``box`` (of that level), from the full-scale mask."""
        return level_mask(read, level, box, self.height, self.width)

    def at(self, level: int) -> tuple[Window, ...]:
        """The windows of one level, by number."""
        return tuple(window for window in self.windows if window.level == level)

    def to_json(self) -> bytes:
        """The plan as canonical JSON: the same plan gives the same bytes.

        Batches are not written: they follow from the windows.
        """
        columns: dict[str, Any] = {
            "format": _FORMAT,
            **{name: getattr(self, name) for name in _MEASURES},
            "level": [w.level for w in self.windows],
            "box": [n for w in self.windows for n in _corners(w.box)],
            "core": [n for w in self.windows for n in _relative(w.core, w.box)],
            "guided": [int(w.guided) for w in self.windows],
            "fade": [sum(on << i for i, on in enumerate(w.fade)) for w in self.windows],
            "regions": [list(w.regions) for w in self.windows],
        }
        return json.dumps(columns, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes | str) -> Plan:
        """The plan that ``to_json`` wrote.

        Raises:
            ValueError: If it is not one.
        """
        columns = json.loads(data)
        if not isinstance(columns, dict) or columns.get("format") != _FORMAT:
            raise ValueError("not a plan of this version")
        try:
            windows = tuple(_windows(columns))
            measures = {name: int(columns[name]) for name in _MEASURES}
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a whole plan: {error}") from error
        batches = _batches(windows, measures["size"], measures["batch"])
        return cls(**measures, windows=windows, batches=batches)


_MEASURES = ("height", "width", "size", "context", "overlap", "batch")


def _corners(box: Box) -> tuple[int, int, int, int]:
    return box.y0, box.x0, box.y1, box.x1


def _relative(core: Box, box: Box) -> tuple[int, int, int, int]:
    return core.y0 - box.y0, core.x0 - box.x0, core.y1 - box.y0, core.x1 - box.x0


def _windows(columns: dict[str, Any]) -> Iterable[Window]:
    for number, level in enumerate(columns["level"]):
        y0, x0, y1, x1 = columns["box"][4 * number : 4 * number + 4]
        top, left, bottom, right = columns["core"][4 * number : 4 * number + 4]
        bits = columns["fade"][number]
        yield Window(
            number,
            level,
            Box(y0, x0, y1, x1),
            Box(y0 + top, x0 + left, y0 + bottom, x0 + right),
            tuple(columns["regions"][number]),
            bool(columns["guided"][number]),
            (bool(bits & 1), bool(bits & 2), bool(bits & 4), bool(bits & 8)),
        )


def make_plan(
    regions: Iterable[Region],
    height: int,
    width: int,
    mask_read: ReadMask,
    size: int = SIZE,
    context: int = CONTEXT,
    overlap: int = OVERLAP,
    batch: int = BATCH,
) -> Plan:
    """Plan the windows over a mask.

    Args:
        regions: Of the mask, from ``find_regions``.
        height: Rows of the master.
        width: Columns of the master.
        mask_read: The mask in a box, (h, w) bool.
        size: Largest side of a window.
        context: What a window must see around its core, where the raster has it.
        overlap: Over which neighbouring windows fade.
        batch: Windows of full size in a batch.

    Raises:
        ValueError: If the measures leave no room for a core of twice the overlap.
    """
    if min(size, context, overlap, batch) < 1 or size - 2 * context < 2 * overlap:
        raise ValueError(f"windows of {size} leave no core with context {context}, {overlap=}")
    table = Regions.of(regions)
    raster = Raster(mask_read, height, width, size, context, overlap)
    large = _too_large(table, raster)
    tiles = [window for field in _fields(table, large, context) for window in tile(field, raster)]
    alone = table.boxes[~large]
    cores = [w.core for w in tiles if w.level == 0]
    room = Room(height, width, size, context)
    grouped = [
        Window(0, 0, window_box(core, height, width, size, context), core)
        for core in group(alone[~_inside_any(alone, cores)], room)
    ]
    windows = _owning(_ordered(tiles + grouped), table, large)
    return Plan(
        height, width, size, context, overlap, batch, windows, _batches(windows, size, batch)
    )


def _too_large(table: Regions, raster: Raster) -> Bool:
    y0, x0, y1, x1 = table.boxes.T
    rows = np.minimum(y1 + raster.context, raster.height) - np.maximum(y0 - raster.context, 0)
    columns = np.minimum(x1 + raster.context, raster.width) - np.maximum(x0 - raster.context, 0)
    large: Bool = (rows > raster.size) | (columns > raster.size)
    return large


def _fields(table: Regions, large: Bool, context: int) -> list[Field]:
    if not large.any():
        return []
    return fields(table.boxes[large], table.radii[large] > context)


def _ordered(windows: list[Window]) -> list[Window]:
    return sorted(windows, key=lambda w: (-w.level, w.box, w.core, not w.shares))


def _inside_any(boxes: Ints, cores: list[Box]) -> Bool:
    """Which boxes lie whole in one of the cores."""
    inside = np.zeros(len(boxes), np.bool_)
    order, tops = _by_top(boxes)
    for core in cores:
        inside[_inside(boxes, order, tops, core)] = True
    return inside


def _by_top(
    boxes: Ints,
) -> tuple[Ints, Ints]:
    order = np.argsort(boxes[:, 0], kind="stable").astype(np.int32)
    return order, boxes[order, 0]


def _inside(
    boxes: Ints,
    order: Ints,
    tops: Ints,
    core: Box,
) -> Ints:
    first, last = np.searchsorted(tops, np.array([core.y0, core.y1], tops.dtype)).tolist()
    near = order[first:last]
    found = boxes[near]
    held = (found[:, 1] >= core.x0) & (found[:, 2] <= core.y1) & (found[:, 3] <= core.x1)
    return near[held]


def _owning(windows: list[Window], table: Regions, large: Bool) -> tuple[Window, ...]:
    """Number the windows and say which regions are whole in each, and in none before it.

    The same rule as ``blend.claims`` follows pixel by pixel. A window left without any say is
    dropped.
    """
    boxes, numbers = table.boxes[~large], table.numbers[~large]
    order, tops = _by_top(boxes)
    free = np.ones(len(boxes), np.bool_)
    kept: list[Window] = []
    for window in windows:
        own: tuple[int, ...] = ()
        if window.level == 0:
            whole = _inside(boxes, order, tops, window.core)
            whole = whole[free[whole]]
            free[whole] = False
            own = tuple(np.sort(numbers[whole]).tolist())
        if own or window.shares:
            kept.append(replace(window, number=len(kept), regions=own))
    return tuple(kept)


def _batches(windows: tuple[Window, ...], size: int, batch: int) -> tuple[tuple[int, ...], ...]:
    """Windows of one level and shape together, in about the order in which they lie.

    A batch is closed as soon as it is full, so that reading walks through the master once.
    """
    closed: list[tuple[int, ...]] = []
    filling: dict[tuple[int, int, int], list[int]] = {}
    level = windows[0].level if windows else 0
    for window in windows:
        if window.level != level:
            closed += [tuple(rest) for rest in filling.values()]
            filling, level = {}, window.level
        begun = filling.setdefault((window.level, *window.shape), [])
        begun.append(window.number)
        if (len(begun) + 1) * window.box.area > batch * size * size:
            closed.append(tuple(begun))
            del filling[window.level, *window.shape]
    return tuple(closed + [tuple(rest) for rest in filling.values()])
