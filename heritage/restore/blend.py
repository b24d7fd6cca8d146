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
    cut = _cut(window, mask)
    claimed = np.where(damage, np.uint8(WHOLE), np.uint8(NONE))
    claimed[cut[core]] = SHARED if window.shares else NONE
    return claimed


def _cut(window: Window, mask: Bool) -> Bool:
    """The damaged pixels, in ``window.box``, of pieces that go on outside the core."""
    import cv2

    # One pixel around the core shows what goes on; where the box ends there, the raster ends too.
    around = _ringed(window)
    part = np.ascontiguousarray(mask[around.within(window.box)]).view(np.uint8)
    count, label = cv2.connectedComponents(part, connectivity=8)
    ring = np.ones(part.shape, np.bool_)
    ring[window.core.within(around)] = False
    goes_on = np.zeros(count, np.bool_)
    goes_on[label[ring]] = True
    goes_on[0] = False
    cut = np.zeros(mask.shape, np.bool_)
    cut[around.within(window.box)] = goes_on[label]
    return cut


def _ringed(window: Window) -> Box:
    return window.core.grown(1).intersection(window.box)


def weights(window: Window, overlap: int) -> Floats:
    """A window's weight before normalising: raised cosine towards the edges where it fades.

    Half a cosine wave over ``overlap`` pixels, sampled at pixel centres, hence never zero; two
    windows that share exactly ``overlap`` pixels sum to one over them.

    Returns:
        (core height, core width) float32 in 0..1.
    """
    top, bottom, left, right = window.fade
    rows = _ramp(window.core.height, overlap, top, bottom)
    columns = _ramp(window.core.width, overlap, left, right)
    return (rows[:, None] * columns[None, :]).astype(np.float32)


def _ramp(length: int, overlap: int, at_start: bool, at_end: bool) -> npt.NDArray[np.float64]:
    into = (np.arange(length) + 0.5) / overlap
    rising = np.sin(np.pi / 2 * np.minimum(into, 1.0)) ** 2
    one = np.ones(length)
    return (rising if at_start else one) * (rising[::-1] if at_end else one)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one window says about its core.

    Attributes:
        window: Whose.
        claims: (core height, core width) uint8, from ``claims``.
        values: (core height, core width, c) float32; only claimed pixels count.
    """

    window: Window
    claims: npt.NDArray[np.uint8]
    values: Floats


def spread(values: Floats, damage: Bool) -> Floats:
    """Lay out the values of a core's damaged pixels, kept as a list, as a picture.

    Args:
        values: (n, c), in raster order.
        damage: (h, w) with n pixels set.

    Returns:
        (h, w, c), 0 where nothing is damaged.
    """
    picture = np.zeros((*damage.shape, values.shape[1]), np.float32)
    picture[damage] = values
    return picture


def normalised(
    pieces: Iterable[tuple[Window, npt.NDArray[np.uint8]]], block: Box, overlap: int
) -> list[tuple[Window, Box, npt.NDArray[np.float64]]]:
    """Every window's share of each pixel in ``block``.

    Args:
        pieces: Windows of one level with their claims, all that overlap the block.
        block: In pixels of that level.
        overlap: The plan's.

    Returns:
        By window number: the window, the rectangle it shares with the block, and its share there,
        (h, w) float64. Over each claimed pixel the shares sum to one.
    """
    found: list[tuple[Window, Box, npt.NDArray[np.float64]]] = []
    taken = np.zeros((block.height, block.width), np.bool_)
    for window, claimed in _in_order(pieces, block):
        part = window.core.intersection(block)
        whole = claimed[part.within(window.core)] == WHOLE
        whole &= ~taken[part.within(block)]
        taken[part.within(block)] |= whole
        found.append((window, part, whole.astype(np.float64)))
    total = taken.astype(np.float64)
    for (window, claimed), (_, part, share) in zip(_in_order(pieces, block), found, strict=True):
        if window.shares:
            shared = claimed[part.within(window.core)] == SHARED
            shared &= ~taken[part.within(block)]
            share += weights(window, overlap)[part.within(window.core)] * shared
            total[part.within(block)] += np.where(shared, share, 0.0)
    total[total == 0] = 1.0
    return [(window, part, share / total[part.within(block)]) for window, part, share in found]


def _in_order(
    pieces: Iterable[tuple[Window, npt.NDArray[np.uint8]]], block: Box
) -> list[tuple[Window, npt.NDArray[np.uint8]]]:
    near = [piece for piece in pieces if piece[0].core.overlaps(block)]
    return sorted(near, key=lambda piece: piece[0].number)


def blend(
    pieces: Sequence[Piece], block: Box, mask: Bool, overlap: int, channels: int = 3
) -> tuple[Floats, Bool]:
    """The blended answer in a block, inside the mask only.

    Args:
        pieces: Of all windows of one level whose core overlaps the block, in any order.
        block: In pixels of that level.
        mask: The damage in the block, (h, w).
        overlap: The plan's.
        channels: Samples of a pixel.

    Returns:
        (h, w, channels) float32, 0 where there is no answer, and (h, w) bool, where there is one:
        at full scale everywhere in the mask.
    """
    by_number = {piece.window.number: piece for piece in pieces}
    total = np.zeros((block.height, block.width, channels), np.float64)
    answered = np.zeros((block.height, block.width), np.bool_)
    shares = normalised([(p.window, p.claims) for p in pieces], block, overlap)
    for window, part, share in shares:
        values = by_number[window.number].values[part.within(window.core)]
        says = (share > 0) & mask[part.within(block)]
        here = part.within(block)
        # Where a window says nothing its values may be anything, even NaN.
        total[here] += np.where(says[..., None], values * share[..., None], 0.0)
        answered[here] |= says
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
