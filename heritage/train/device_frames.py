"""Which squares of which pictures become windows, for a whole batch at once.

The same choice as ``heritage.train.frames`` makes for one window, in other random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from heritage.train.augment import Augmentation
from heritage.train.device_draws import Draws
from heritage.train.frames import SMALLEST


@dataclass(frozen=True)
class Frames:
    """Squares of pictures; every tensor is (B,), on the CPU.

    Attributes:
        chosen: Numbers of the pictures, int64.
        y: First row of what is read, int64.
        x: First column, int64.
        outer: Side of what is read, int64; more than ``size`` where it is rotated.
        size: Side of what is kept, int64.
        degrees: Rotation around the middle, float64: quarter turns and small angles together.
        small: Whether there is a small angle, bool.
        flip: Whether the window is mirrored, bool.
    """

    chosen: Tensor
    y: Tensor
    x: Tensor
    outer: Tensor
    size: Tensor
    degrees: Tensor
    small: Tensor
    flip: Tensor

    def ways(self, side: int) -> Iterator[tuple[int, Tensor]]:
        """How the windows are to be sampled, and the numbers of those that are.

        Args:
            side: Of the windows.

        Yields:
            0 for those whose pixels are taken as they are, 1 for those that are enlarged or only
            rotated, n from 2 on for those reduced up to n times; and their numbers.
        """
        ratio = (self.size.double() / side).ceil().long().clamp_min(1)
        exact = (self.size == side) & ~self.small
        way = torch.where(exact, 0, ratio)
        for kind in way.unique().tolist():
            yield int(kind), (way == kind).nonzero()[:, 0]


def choose_frames(
    draws: Draws, chosen: Tensor, heights: Tensor, widths: Tensor, side: int, native: float,
    how: Augmentation,
) -> Frames:  # fmt: skip
    """Random squares of pictures.

    Args:
        draws: Source of randomness.
        chosen: (B,) int64, numbers of the pictures.
        heights: (B,) int64, of these.
        widths: (B,) int64.
        side: Of the windows.
        native: Share of frames that are as large as the window.
        how: Range of the other scales; chances of rotations, turns and mirrors.
    """
    reach = torch.minimum(heights, widths)
    scaled = (draws.uniform(0, 1) >= native) | (reach < side)
    low, high = (math.log(scale) for scale in how.scales)
    wanted = (side * draws.uniform(low, high).exp()).long().clamp_min(SMALLEST)
    size = torch.minimum(torch.where(scaled, wanted, side), reach)
    small, angle = draws.happens(how.rotation), torch.zeros(draws.batch, dtype=torch.float64)
    outer = size
    if how.rotation > 0:
        angle = draws.uniform(-how.degrees, how.degrees)
        turn = angle.deg2rad()
        around = (size * (turn.cos().abs() + turn.sin().abs())).ceil().long()
        small &= around <= reach
        outer = torch.where(small, around, size)
        angle = torch.where(small, angle, 0.0)
    y, x = draws.below(heights - outer + 1), draws.below(widths - outer + 1)
    quarters = draws.below(4) if how.turns else torch.zeros_like(chosen)
    return Frames(
        chosen, y, x, outer, size, angle + 90 * quarters, small, draws.happens(how.flip)
    )  # fmt: skip
