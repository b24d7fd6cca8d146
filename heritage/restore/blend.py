"""Put the windows' answers together: who has a say over which pixel, and how much.

A piece of damage that lies whole in some window's core comes from that window alone (from the
first, by number), so no seam runs through it. Pixels of larger damage are shared by all windows
whose core covers them, with raised-cosine weights that fall off where a core's damage goes on in
the next window's. Sums run in the order of window numbers, pixel by pixel, so the bytes do not
depend on how the raster is cut into blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heritage.geometry import Box
from heritage.restore.windows import Window

Bool = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

NONE, SHARED, WHOLE = 0, 1, 2
"""What a window claims of a pixel: nothing, a share, all of the piece it belongs to."""

_BUCKET = 512


def claims(window: Window, mask: Bool) -> npt.NDArray[np.uint8]:
    """What a window claims of each pixel of its core: ``NONE``, ``SHARED`` or ``WHOLE``.

    Args:
        window: Of any level.
        mask: The damage in ``window.box`` at the window's level, (h, w).

    Returns:
        (core height, core width) uint8. On coarser levels, which are only a guide, every damaged
        pixel is shared.
    """
    core = window.core.within(window.box)
    damage = mask[core]
    if window.level > 0:
        return np.where(damage, np.uint8(SHARED), np.uint8(NONE))
    claimed = damage * np.uint8(WHOLE)
    cut = _cut(window, mask)
    if cut is not None:
        claimed[cut] = SHARED if window.shares else NONE
    return claimed


def _cut(window: Window, mask: Bool) -> Bool | None:
    """The damaged pixels of the core whose pieces go on outside it; None where there are none."""
    import cv2

    # One pixel around the core shows what goes on; where the box ends there, the raster ends too.
    around = _ringed(window)
    part = mask[around.within(window.box)]
    core = window.core.within(around)
    ring = np.ones(part.shape, np.bool_)
    ring[core] = False
    reaching = part[ring]
    if not reaching.any():
        return None
    count, label = cv2.connectedComponents(
        np.ascontiguousarray(part).view(np.uint8), connectivity=8
    )
    goes_on = np.zeros(count, np.bool_)
    goes_on[label[ring]] = True
    goes_on[0] = False
    return np.asarray(goes_on[label[core]], np.bool_)


def _ringed(window: Window) -> Box:
    return window.core.grown(1).intersection(window.box)


def weights(window: Window, overlap: int) -> Floats:
    """A window's weight before normalising: raised cosine towards the edges where it fades.

    Half a cosine wave over ``overlap`` pixels, sampled at pixel centres, hence never zero; two
    windows that share exactly ``overlap`` pixels sum to one over them.

    Returns:
        (core height, core width) float32 in 0..1.
    """
    rows, columns = _ramps(window, overlap)
    return (rows[:, None] * columns[None, :]).astype(np.float32)


def _ramps(window: Window, overlap: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    top, bottom, left, right = window.fade
    rows = _ramp(window.core.height, overlap, top, bottom)
    return rows, _ramp(window.core.width, overlap, left, right)


def _ramp(length: int, overlap: int, at_start: bool, at_end: bool) -> npt.NDArray[np.float64]:
    into = (np.arange(length) + 0.5) / overlap
    rising = np.sin(np.pi / 2 * np.minimum(into, 1.0)) ** 2
    one = np.ones(length)
    return (rising if at_start else one) * (rising[::-1] if at_end else one)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one window says about its core: its damaged pixels as a list.

    Attributes:
        window: Whose.
        places: (n,) int, ascending: positions in the core, counted row by row.
        claims: (n,) uint8, of ``claims`` there.
        values: (n, c) float32; only claimed pixels count.
    """

    window: Window
    places: Places
    claims: npt.NDArray[np.uint8]
    values: Floats

    @classmethod
    def of(
        cls, window: Window, damage: Bool, claimed: npt.NDArray[np.uint8], values: Floats
    ) -> Piece:
        """From what a core's damaged pixels claim and are.

        Args:
            window: Whose.
            damage: (core height, core width) with n pixels set.
            claimed: (n,) in raster order.
            values: (n, c).
        """
        return cls(window, np.flatnonzero(damage), claimed, values)


@dataclass(frozen=True, slots=True)
class Share:
    """One window's share of the damaged pixels of a block.

    Attributes:
        piece: What the window says.
        own: (m,) which of the piece's pixels lie in the block, as positions in its lists.
        there: (m,) where they are in the block's list of damaged pixels.
        share: (m,) float64.
    """

    piece: Piece
    own: Places
    there: Places
    share: npt.NDArray[np.float64]


def shares(pieces: Iterable[Piece], block: Box, mask: Bool, overlap: int) -> list[Share]:
    """Every window's share of each damaged pixel in ``block``.

    Args:
        pieces: Of windows of one level, all whose core overlaps the block, in any order.
        block: In pixels of that level.
        mask: The damage in the block, (h, w), n pixels of it.
        overlap: The plan's.

    Returns:
        By window number. Over each claimed pixel the shares sum to one.
    """
    damaged = np.flatnonzero(mask)
    # Only where the mask is set is this ever read.
    listed = np.empty(mask.size, np.intp)
    listed[damaged] = np.arange(len(damaged))
    taken = np.zeros(len(damaged), np.bool_)
    total = np.zeros(len(damaged), np.float64)
    found: list[Share] = []
    near = [piece for piece in pieces if piece.window.core.overlaps(block)]
    for piece in sorted(near, key=lambda one: one.window.number):
        own, place = _inside(piece, block, mask)
        there = listed[place]
        whole = piece.claims[own] == WHOLE
        whole &= ~taken[there]
        taken[there] |= whole
        found.append(Share(piece, own, there, whole.astype(np.float64)))
    total[taken] = 1.0
    for one in found:
        if one.piece.window.shares:
            shared = (one.piece.claims[one.own] == SHARED) & ~taken[one.there]
            weight = _weights_at(one.piece.window, one.piece.places[one.own], overlap)
            one.share[shared] = weight[shared]
            total[one.there] += one.share * shared
    total[total == 0] = 1.0
    return [Share(s.piece, s.own, s.there, s.share / total[s.there]) for s in found]


def _inside(piece: Piece, block: Box, mask: Bool) -> tuple[Places, Places]:
    """Which of a piece's pixels are damaged pixels of the block, and where in it they lie."""
    core = piece.window.core
    row, column = np.divmod(piece.places, core.width)
    row += core.y0 - block.y0
    column += core.x0 - block.x0
    own = np.arange(len(row))
    if not block.contains(core):
        within = (row >= 0) & (row < block.height) & (column >= 0) & (column < block.width)
        own = np.flatnonzero(within)
        row, column = row[own], column[own]
    place = row * block.width + column
    known = mask.ravel()[place]
    return (own, place) if known.all() else (own[known], place[known])


def _weights_at(window: Window, places: Places, overlap: int) -> Floats:
    """``weights`` at some positions of the core."""
    rows, columns = _ramps(window, overlap)
    row, column = np.divmod(places, window.core.width)
    return (rows[row] * columns[column]).astype(np.float32)


def blend(
    pieces: Sequence[Piece], block: Box, mask: Bool, overlap: int, channels: int = 3
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The blended answer for the damaged pixels of a block: costs what the damage costs.

    Args:
        pieces: Of all windows of one level whose core overlaps the block, in any order.
        block: In pixels of that level.
        mask: The damage in the block, (h, w), n pixels of it.
        overlap: The plan's.
        channels: Samples of a pixel.

    Returns:
        (n, channels) float32 in raster order, 0 where there is no answer, and (n,) bool, where
        there is one: at full scale everywhere.
    """
    count = int(np.count_nonzero(mask))
    total = np.zeros((count, channels), np.float64)
    answered = np.zeros(count, np.bool_)
    for one in shares(pieces, block, mask, overlap):
        says = one.share > 0
        # Where a window says nothing its values may be anything, even NaN.
        there, share = one.there[says], one.share[says]
        total[there] += one.piece.values[one.own[says]] * share[:, None]
        answered[there] = True
    return total.astype(np.float32), answered


class WindowIndex:
    """Which windows' cores overlap a block, without looking at all of them.

    Args:
        windows: Of one level.
    """

    def __init__(self, windows: Iterable[Window]) -> None:
        self._buckets: dict[tuple[int, int], list[Window]] = {}
        for window in windows:
            for key in _keys(window.core):
                self._buckets.setdefault(key, []).append(window)

    def overlapping(self, block: Box) -> list[Window]:
        """The windows whose core shares a pixel with ``block``, by number."""
        found = {
            window.number: window
            for key in _keys(block)
            for window in self._buckets.get(key, ())
            if window.core.overlaps(block)
        }
        return [found[number] for number in sorted(found)]


def _keys(box: Box) -> Iterable[tuple[int, int]]:
    for y in range(box.y0 // _BUCKET, (box.y1 - 1) // _BUCKET + 1):
        for x in range(box.x0 // _BUCKET, (box.x1 - 1) // _BUCKET + 1):
            yield y, x
