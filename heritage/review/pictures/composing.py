"""Before and after of a piece of a picture, from near pixel by pixel, from afar by sums."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heritage.geometry import Box
from heritage.review.pictures.areas import Samples, in_type, shown
from heritage.review.pictures.damage import Bools, Damage, Floats
from heritage.review.pictures.fills import Fills
from heritage.review.pictures.frames import Frame
from heritage.review.pictures.overview import FINEST
from heritage.review.pictures.source import Source


@dataclass(frozen=True, eq=False)
class Composed:
    """A piece as it was and as it is now.

    Attributes:
        before: (h, w, channels) amounts of the master.
        after: The same with the completion.
        filled: (h, w) share of each pixel that the completion fills, 0..1.
    """

    before: Samples
    after: Samples
    filled: Floats


class Composer:
    """Makes pieces. Thread-safe.

    From near the layer is put over the master's own pixels, before anything is made smaller. From
    afar the sums of what it adds are put over the smaller version: as means of sums are sums of
    means, both are the same picture, but for rounding.

    Args:
        source: The master.
        damage: The restoration's mask.
        fills: Its layer.
    """

    def __init__(self, source: Source, damage: Damage, fills: Fills) -> None:
        self._source = source
        self._damage = damage
        self._fills = fills

    def compose(self, frame: Frame, chosen: Bools | None, look: Samples | None) -> Composed:
        """A piece, both ways.

        Args:
            frame: Which.
            chosen: Which regions are undone, as ``Fills.chosen`` says.
            look: The master's amounts there, if they were only sampled; otherwise they are read.
        """
        scale = self._source.scale(frame) if look is None else coarsest(frame)
        if scale == 1:
            return self._near(frame, chosen)
        assert scale is not None
        before = self._source.shown(frame) if look is None else look
        grid, box = self._grid(frame, scale)
        stands, added = self._fills.sums(scale, box, chosen)
        pixels = self._pixels(scale, box)
        own = grid.shifted(box.y0, box.x0)
        after = in_type(before + shown(added / pixels, own), before.dtype)
        return Composed(before, after, shown(stands / pixels, own)[..., 0])

    def shares(self, frame: Frame, chosen: Bools | None) -> tuple[Floats, Floats]:
        """How much of each pixel lies in regions that stand, and in such that are undone: (h, w).

        Args:
            frame: A piece.
            chosen: Which regions are undone.
        """
        if frame.ratio < FINEST:
            box = frame.box(self._source.info.height, self._source.info.width)
            undone = self._damage.undone(box, chosen)
            stands = self._damage.mask.read(box) & ~undone
            both = np.dstack([stands, undone]).astype(np.float32)
        else:
            scale = coarsest(frame)
            grid, box = self._grid(frame, scale)
            both = np.dstack(self._fills.marked(scale, box, chosen)) / self._pixels(scale, box)
            frame = grid
        seen = shown(both, frame.shifted(box.y0, box.x0))
        return seen[..., 0], seen[..., 1]

    def _near(self, frame: Frame, chosen: Bools | None) -> Composed:
        box = frame.box(self._source.info.height, self._source.info.width)
        own = frame.shifted(box.y0, box.x0)
        before = self._source.native(box)
        after = before.copy()
        filled = self._fills.over(box, after, chosen)
        share = shown(filled[..., None].astype(np.float32), own)[..., 0]
        return Composed(shown(before, own), shown(after, own), share)

    def _grid(self, frame: Frame, scale: int) -> tuple[Frame, Box]:
        """Where a frame lies among blocks, and which they are."""
        grid, info = frame.scaled(scale, scale), self._source.info
        return grid, grid.box(-(-info.height // scale), -(-info.width // scale))

    def _pixels(self, scale: int, box: Box) -> Floats:
        """Pixels of each block, (h, w, 1): fewer at the master's lower and right edge."""
        info = self._source.info
        rows = np.minimum(info.height - np.arange(box.y0, box.y1) * scale, scale)
        columns = np.minimum(info.width - np.arange(box.x0, box.x1) * scale, scale)
        return (rows[:, None, None] * columns[None, :, None]).astype(np.float32)


def coarsest(frame: Frame) -> int:
    """The largest blocks that still show all that is to be seen of a frame from afar."""
    return FINEST << max(int(math.log2(frame.ratio / FINEST)), 0)
