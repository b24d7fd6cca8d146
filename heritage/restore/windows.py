"""Windows: the rectangles an inpainter sees, and how large they must be."""

from __future__ import annotations

from dataclasses import dataclass

from heritage.geometry import Box

STEP = 64
"""Sides of windows are multiples of this where the raster allows: few shapes, so batches stack."""


@dataclass(frozen=True, slots=True)
class Window:
    """One rectangle that an inpainter sees at once: core plus context.

    Attributes:
        number: Its place in the plan, from 0; coarser levels come first.
        level: 0 at full scale, k where the raster is reduced by 2**k.
        box: What it sees, in pixels of its level's raster.
        core: Where it has a say, inside ``box``.
        regions: Numbers of the regions that are its alone, whole (level 0 only).
        guided: Whether a coarser level holds a solution for its damage.
        fade: Whether damage goes on beyond the core's top, bottom, left and right edge, in a
            neighbouring window's core, so that the two must fade into each other there.
    """

    number: int
    level: int
    box: Box
    core: Box
    regions: tuple[int, ...] = ()
    guided: bool = False
    fade: tuple[bool, bool, bool, bool] = (False, False, False, False)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of what it sees."""
        return self.box.height, self.box.width

    @property
    def shares(self) -> bool:
        """Whether it has a say over pieces of damage that are not whole in its core."""
        return self.level > 0 or any(self.fade)


def fits(lo: int, hi: int, limit: int, size: int, context: int) -> bool:
    """Whether ``lo <= x < hi`` and its context (what there is of it) go into ``size`` pixels."""
    return min(hi + context, limit) - max(lo - context, 0) <= size


def box_fits(box: Box, height: int, width: int, size: int, context: int) -> bool:
    """Whether a box and its context go into one window of a (height, width) raster."""
    return fits(box.y0, box.y1, height, size, context) and fits(
        box.x0, box.x1, width, size, context
    )


def side(lo: int, hi: int, limit: int, size: int, context: int) -> int:
    """The side of the smallest window around ``lo <= x < hi`` and its context, in pixels."""
    needed = min(hi + context, limit) - max(lo - context, 0)
    return min(-(-needed // STEP) * STEP, max(size, needed), limit)


def window_box(core: Box, height: int, width: int, size: int, context: int) -> Box:
    """The smallest window around ``core``, shifted inward at the raster's edges, never shrunk."""
    y0, y1 = _placed(core.y0, core.y1, height, size, context)
    x0, x1 = _placed(core.x0, core.x1, width, size, context)
    return Box(y0, x0, y1, x1)


def _placed(lo: int, hi: int, limit: int, size: int, context: int) -> tuple[int, int]:
    length = side(lo, hi, limit, size, context)
    start = (lo + hi - length) // 2
    first, last = max(hi + context, 0) - length, lo - context
    start = min(max(start, first), last) if first <= last else start
    start = min(max(start, 0), limit - length)
    return start, start + length


def cuts(
    lo: int, hi: int, limit: int, size: int, context: int, overlap: int
) -> list[tuple[int, int]]:
    """Cut ``lo <= x < hi`` into equal stretches that overlap, each fitting into a window.

    Returns:
        One stretch if it fits whole, else the fewest; neighbours share at least ``overlap`` pixels.
    """
    if fits(lo, hi, limit, size, context):
        return [(lo, hi)]
    longest = size - 2 * context
    count = max(2, -(-(hi - lo - overlap) // (longest - overlap)))
    length = -(-(hi - lo + (count - 1) * overlap) // count)
    last = hi - lo - length
    starts = [lo + i * last // (count - 1) for i in range(count)]
    return [(start, start + length) for start in starts]
