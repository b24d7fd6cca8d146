"""Covering holes of any shape and place by windows of which only the centre is filled.

A network that predicts the centre of a fixed window reaches every hole if windows are laid so that
the centres cover it. Centres stand on a grid, only where there is damage, and overlap by a feather
in which one fades into the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor


@dataclass(frozen=True)
class Target:
    """Top left pixel of one centre, and the item of the batch it lies in; may be negative."""

    item: int
    y: int
    x: int


@dataclass(frozen=True)
class CentreWindows:
    """How windows are laid.

    Attributes:
        side: Height and width of a window in pixels.
        core: Height and width of the part in its middle that is filled.
        feather: Pixels by which neighbouring cores overlap.
    """

    side: int
    core: int
    feather: int

    def __post_init__(self) -> None:
        if not 0 <= self.feather < self.core <= self.side or (self.side - self.core) % 2:
            raise ValueError(f"no core of {self.core} with such a feather in {self.side}")

    @property
    def margin(self) -> int:
        """Context around the core, in pixels."""
        return (self.side - self.core) // 2

    def targets(self, holes: Tensor) -> list[Target]:
        """The cores that contain damage; every damaged pixel lies in one.

        Args:
            holes: (B, 1, H, W) bool.
        """
        ys, xs = (self._starts(length) for length in holes.shape[-2:])
        around = [
            end
            for starts, length in ((xs, holes.shape[-1]), (ys, holes.shape[-2]))
            for end in (-starts[0], starts[-1] + self.core - length)
        ]
        padded = F.pad(holes.float(), around)
        touched = F.max_pool2d(padded, self.core, self.core - self.feather)[:, 0]
        return [Target(b, ys[i], xs[j]) for b, i, j in touched.nonzero().tolist()]

    def _starts(self, length: int) -> range:
        """Positions of the cores along one axis, centred on the picture."""
        stride = self.core - self.feather
        count = max(1, math.ceil((length - self.feather) / stride))
        first = -((count * stride + self.feather - length) // 2)
        return range(first, first + count * stride, stride)

    def cut(self, image: Tensor, targets: Sequence[Target]) -> Tensor:
        """The windows around those targets, mirrored at the picture's borders.

        Args:
            image: (B, C, H, W).
            targets: N of them.

        Returns:
            (N, C, side, side).
        """
        height, width = image.shape[-2:]
        windows = []
        for target in targets:
            rows = _mirrored(target.y - self.margin, self.side, height, image.device)
            columns = _mirrored(target.x - self.margin, self.side, width, image.device)
            windows.append(image[target.item].index_select(1, rows).index_select(2, columns))
        return torch.stack(windows)

    def fade(self) -> Tensor:
        """Weights (core, core) of one filled core: a raised cosine over the feather, never zero."""
        ramp = torch.arange(1, self.feather + 1) / (self.feather + 1)
        rise = (1 - torch.cos(math.pi * ramp)) / 2
        line = torch.ones(self.core)
        line[: self.feather] *= rise
        line[self.core - self.feather :] *= rise.flip(0)
        return line[:, None] * line

    def blend(self, image: Tensor, targets: Sequence[Target], cores: Tensor) -> Tensor:
        """The picture with the filled cores in it, weighted by ``fade`` where they overlap.

        Args:
            image: (B, C, H, W).
            targets: N of them.
            cores: (N, C, core, core).

        Returns:
            (B, C, H, W); pixels outside every core are those of ``image``.
        """
        height, width = image.shape[-2:]
        total, weight = torch.zeros_like(image), torch.zeros_like(image[:, :1])
        fade = self.fade().to(image)
        for target, core in zip(targets, cores, strict=True):
            rows, their_rows = _overlap(target.y, self.core, height)
            columns, their_columns = _overlap(target.x, self.core, width)
            share = fade[their_rows, their_columns]
            total[target.item, :, rows, columns] += core[:, their_rows, their_columns] * share
            weight[target.item, :, rows, columns] += share
        return torch.where(weight > 0, total / weight.clamp_min(1e-12), image)


def _mirrored(start: int, count: int, length: int, device: torch.device) -> Tensor:
    """Indices start ... start + count - 1, those outside 0 ... length - 1 reflected into it."""
    period = max(1, 2 * (length - 1))
    index = torch.arange(start, start + count, device=device).remainder(period)
    return torch.minimum(index, period - index).clamp_max(length - 1)


def _overlap(start: int, count: int, length: int) -> tuple[slice, slice]:
    """The part of a run that lies in 0 ... length - 1: there, and within the run."""
    low, high = max(0, start), min(length, start + count)
    return slice(low, high), slice(low - start, high - start)
