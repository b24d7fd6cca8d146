"""From patches to restored pixels: blend, add grain, and return to the master's own samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from heritage.damage.masks import MaskReader
from heritage.geometry import Box
from heritage.restore.blend import Piece, WindowIndex, blend
from heritage.restore.colour import WorkingSpace
from heritage.restore.grain import Grain, missing, noise_at, softness_of
from heritage.restore.patches import PatchFolder
from heritage.restore.plan import Plan
from heritage.restore.windows import Window
from heritage.tiff import Master

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]
Native = NDArray[Any]


@dataclass(frozen=True)
class GrainToAdd:
    """The grain of a restoration.

    Args:
        mixing: By window number: the (3, 3) matrix that mixes white noise into what its fill lacks.
        softness: How far the grain spreads, in pixels.
        seed: Of the noise.
    """

    mixing: dict[int, Matrix]
    softness: float
    seed: int


def grain_to_add(plan: Plan, grains: dict[int, Grain], seed: int) -> GrainToAdd:
    """Decide on the grain of every window.

    Where a window saw too few known pixels, in the middle of a large loss, its surroundings are
    those of the nearest window that saw enough.
    """
    softness = softness_of(grains.values())
    measured = [number for number, grain in grains.items() if grain.weight > 0]
    if not measured:
        return GrainToAdd({}, softness, seed)
    places = cKDTree([_middle(plan.windows[number]) for number in measured])
    mixing = {}
    for number, grain in grains.items():
        around = grain.around
        if grain.weight == 0:
            _, nearest = places.query(_middle(plan.windows[number]))
            around = grains[measured[int(nearest)]].around
        matrix = missing(around, grain.inside, softness)
        if matrix.any():
            mixing[number] = matrix
    return GrainToAdd(mixing, softness, seed)


def _middle(window: Window) -> tuple[float, float]:
    core = window.core
    return (core.y0 + core.y1) / 2, (core.x0 + core.x1) / 2


@dataclass(frozen=True)
class Assembler:
    """Turns the patches of a job into restored pixels of the master; threads may share one.

    Args:
        master: The open master.
        mask: Its open mask.
        space: Its working space.
        plan: The plan.
        patches: All of its patches.
        grain: What to add; None for nothing.
        index: Finds the plan's windows of full scale.
    """

    master: Master
    mask: MaskReader
    space: WorkingSpace
    plan: Plan
    patches: PatchFolder
    grain: GrainToAdd | None
    index: WindowIndex

    def restored(self, block: Box) -> Native:
        """(n, samples): the restored samples of a block's n damaged pixels, in raster order."""
        damaged = self.mask.read(block)
        pieces = [self._piece(window) for window in self.index.overlapping(block)]
        if self.grain is not None and self.grain.mixing:
            pieces = self._grained(pieces, block, damaged)
        colours, answered = blend(pieces, block, damaged, self.plan.overlap)
        assert answered.all(), f"no window answers for all of {block}"
        return self.space.from_rgb(colours, self.master.read(block)[damaged])

    def _piece(self, window: Window) -> Piece:
        patch = self.patches.read(window.number)
        return Piece.of(window, self.mask.read(window.core), patch.marks, patch.values)

    def _grained(self, pieces: list[Piece], block: Box, damaged: NDArray[np.bool_]) -> list[Piece]:
        """The same pieces with grain where they lie in the block; the noise is the same for all."""
        assert self.grain is not None
        mixing = self.grain.mixing
        if not any(piece.window.number in mixing for piece in pieces):
            return pieces
        white = np.zeros((*damaged.shape, 3), np.float32)
        white[damaged] = noise_at(damaged, block, self.grain.seed, self.grain.softness)
        return [
            _with_grain(piece, block, white, mixing[piece.window.number])
            if piece.window.number in mixing
            else piece
            for piece in pieces
        ]


def _with_grain(piece: Piece, block: Box, white: Floats, mixing: Matrix) -> Piece:
    """A piece whose pixels in the block have the noise that its fill lacks."""
    core = piece.window.core
    row, column = np.divmod(piece.places, core.width)
    row, column = row + (core.y0 - block.y0), column + (core.x0 - block.x0)
    here = np.flatnonzero(
        (row >= 0) & (row < block.height) & (column >= 0) & (column < block.width)
    )
    noise = white[row[here], column[here]]
    values = piece.values.copy()
    # Written out: the sums of a matrix product depend on how many pixels it has.
    for channel, (red, green, blue) in enumerate(mixing.T.astype(np.float32)):
        values[here, channel] += noise[:, 0] * red + noise[:, 1] * green + noise[:, 2] * blue
    return replace(piece, values=values)
