"""Training pictures on the device, and windows cut from all of them at once.

All pictures lie end to end in one tensor of bytes: no padding, and any pixel of any picture is one
index away. Scale, turn, mirror and rotation of a window are one map from its pixels to the
picture's, so every window is read in a single pass, whatever happens to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor
from torch.nn import functional

from heritage.errors import HeritageError
from heritage.train.decoding import levels
from heritage.train.device_frames import Frames
from heritage.train.room import usable_cores
from heritage.train.sources import LOG, Source, Unreadable

_CUBIC = -0.75  # OpenCV's cubic convolution (Keys, 1981), which the CPU's windows are made with


class PictureCache:
    """Pictures on a device as uint8.

    Args:
        sources: The pictures; those that cannot be read are named in a warning and left out.
        device: Where to keep them.

    Attributes:
        readable: (N,) int64 on the CPU, numbers of the pictures that are there.
        heights: (P,) int64 on the CPU, rows of every picture.
        widths: (P,) int64, columns.

    Raises:
        HeritageError: If none can be read.
    """

    def __init__(self, sources: Sequence[Source], device: torch.device) -> None:
        self.device = device
        self.heights = torch.tensor([source.height for source in sources])
        self.widths = torch.tensor([source.width for source in sources])
        areas = self.heights * self.widths
        self._starts = areas.cumsum(0) - areas
        self._pixels = torch.empty((int(areas.sum()), 3), dtype=torch.uint8, device=device)
        with ThreadPoolExecutor(min(8, usable_cores())) as pool:
            there = list(pool.map(self._take, range(len(sources)), sources))
        self.readable = torch.tensor(there).nonzero()[:, 0]
        if not len(self.readable):
            raise HeritageError(f"none of the {len(sources)} training pictures can be read")

    def _take(self, number: int, source: Source) -> bool:
        start, height, width = (
            int(table[number]) for table in (self._starts, self.heights, self.widths)
        )
        place = self._pixels[start : start + height * width].view(height, width, 3)
        try:
            for box in source.pieces():
                place[box.slices] = torch.from_numpy(levels(source.read(box))).to(self.device)
        except HeritageError as error:
            LOG.warning("left out of the training: %s", error)
            return False
        return not isinstance(source, Unreadable)

    def windows(self, frames: Frames, side: int) -> Tensor:
        """The windows of a batch of frames: (B, 3, side, side) float32 in 0..1.

        Args:
            frames: Inside their pictures.
            side: Of the windows.
        """
        made = torch.empty((len(frames.chosen), 3, side, side), device=self.device)
        for way, items in frames.ways(side):
            points = max(1, way)  # where it is reduced, the mean of several points of a pixel
            y, x = _places(frames, items, side * points, self.device)
            view = _View(self, frames, items)
            if way == 0:
                window = view.nearest(y, x)
            elif way == 1:
                window = view.cubic(y, x)
            else:
                window = view.linear(y, x)
            window = window.permute(0, 3, 1, 2)
            if points > 1:
                window = functional.avg_pool2d(window, points)
            made[items.to(self.device)] = window.clamp(0, 255)
        return made.div_(255)


def _places(
    frames: Frames, items: Tensor, points: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Rows and columns (N, points, points) float32 that windows show, counted in their frames."""
    turn = frames.degrees[items].deg2rad()
    size = frames.size[items].double()
    middle = (frames.outer[items].double() - 1) / 2
    mirror = torch.where(frames.flip[items], -1.0, 1.0)
    rows = torch.stack([size * turn.sin() * mirror, size * turn.cos(), middle])
    columns = torch.stack([size * turn.cos() * mirror, -size * turn.sin(), middle])
    table = torch.stack([rows, columns]).float().to(device)[..., None, None]
    step = (torch.arange(points, device=device) + 0.5) / points - 0.5
    right, down = step[None, :], step[:, None]
    y, x = (along * right + across * down + centre for along, across, centre in table)
    return y, x


class _View:
    """Pixels of the pictures of some frames.

    Args:
        cache: Of the pictures.
        frames: Of a batch.
        items: Which of them.
    """

    def __init__(self, cache: PictureCache, frames: Frames, items: Tensor) -> None:
        chosen = frames.chosen[items]
        table = torch.stack(
            [cache._starts[chosen], cache.heights[chosen], cache.widths[chosen],
             frames.y[items], frames.x[items]]
        )  # fmt: skip
        self._pixels = cache._pixels
        self._start, self._height, self._width, self._y, self._x = table.to(cache.device)[
            ..., None, None
        ]

    def _rows(self, y: Tensor, count: int) -> list[Tensor]:
        """Indices of the beginnings of ``count`` rows from ``y`` on; beyond the edge, the edge."""
        first = y.long() + self._y
        rows = (first if n == 0 else first + n for n in range(count))
        return [
            row.clamp_min(0).minimum(self._height - 1) * self._width + self._start for row in rows
        ]

    def _columns(self, x: Tensor, count: int) -> list[Tensor]:
        """Columns from ``x`` on, in the same way."""
        first = x.long() + self._x
        columns = (first if n == 0 else first + n for n in range(count))
        return [column.clamp_min(0).minimum(self._width - 1) for column in columns]

    def _at(self, row: Tensor, column: Tensor) -> Tensor:
        """Pixels (N, h, w, 3) float32."""
        place = row + column
        return self._pixels.index_select(0, place.flatten()).view(*place.shape, 3).float()

    def nearest(self, y: Tensor, x: Tensor) -> Tensor:
        """The nearest pixels."""
        (row,), (column,) = self._rows(y.round(), 1), self._columns(x.round(), 1)
        return self._at(row, column)

    def linear(self, y: Tensor, x: Tensor) -> Tensor:
        """Between the four nearest pixels."""
        top, left = y.floor(), x.floor()
        down, right = (y - top)[..., None], (x - left)[..., None]
        columns = self._columns(left, 2)
        upper, lower = (
            self._at(row, columns[0]).lerp_(self._at(row, columns[1]), right)
            for row in self._rows(top, 2)
        )
        return upper.lerp_(lower, down)

    def cubic(self, y: Tensor, x: Tensor) -> Tensor:
        """Between the sixteen nearest pixels."""
        top, left = y.floor(), x.floor()
        columns, rights = self._columns(left - 1, 4), _weights(x - left)
        total = torch.zeros((*y.shape, 3), device=y.device)
        for row, down in zip(self._rows(top - 1, 4), _weights(y - top), strict=True):
            line = torch.zeros_like(total)
            for column, right in zip(columns, rights, strict=True):
                line.addcmul_(self._at(row, column), right)
            total.addcmul_(line, down)
        return total


def _weights(part: Tensor) -> list[Tensor]:
    """Shares (N, h, w, 1) of four neighbours; ``part``: how far from the second to the third."""
    near = [part, 1 - part]
    far = [part + 1, 2 - part]
    inner = [((_CUBIC + 2) * d - (_CUBIC + 3)) * d * d + 1 for d in near]
    outer = [((_CUBIC * d - 5 * _CUBIC) * d + 8 * _CUBIC) * d - 4 * _CUBIC for d in far]
    return [share[..., None] for share in (outer[0], inner[0], inner[1], outer[1])]
