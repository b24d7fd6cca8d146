"""From patches to the layer: blend, add grain, and return to the master's own samples."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heritage.damage.masks import MaskReader
from heritage.geometry import Box
from heritage.restore.blend import Piece, WindowIndex, blend, spread
from heritage.restore.colour import WorkingSpace
from heritage.restore.grain import Grain, missing, noise, softness_of
from heritage.restore.layer import LayerReader, LayerWriter, Native
from heritage.restore.patches import PatchFolder
from heritage.restore.plan import Plan
from heritage.restore.storage import sync
from heritage.restore.windows import Window
from heritage.tiff import Master

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

_CELL = 64  # pixels; noise is made for cells of this side that hold damage


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
    places = np.array([_middle(plan.windows[number]) for number in measured])
    mixing = {}
    for number, grain in grains.items():
        around = grain.around
        if grain.weight == 0:
            away = ((places - _middle(plan.windows[number])) ** 2).sum(axis=1)
            around = grains[measured[int(np.argmin(away))]].around
        matrix = missing(around, grain.inside, softness)
        if matrix.any():
            mixing[number] = matrix
    return GrainToAdd(mixing, softness, seed)


def _middle(window: Window) -> tuple[float, float]:
    core = window.core
    return (core.y0 + core.y1) / 2, (core.x0 + core.x1) / 2


@dataclass(frozen=True)
class Assembler:
    """Turns the patches of a job into restored pixels of the master.

    Args:
        master: The open master.
        mask: Its open mask.
        space: Its working space.
        plan: The plan.
        patches: All of its patches.
        grain: What to add; None for nothing.
    """

    master: Master
    mask: MaskReader
    space: WorkingSpace
    plan: Plan
    patches: PatchFolder
    grain: GrainToAdd | None

    def write_layer(self, path: Path, progress: Callable[[int], None] | None = None) -> None:
        """Write the layer block by block, and read it back to see that the disk has it.

        Args:
            path: The file to create.
            progress: Called with the number of damaged pixels of each block that is done.

        Raises:
            OSError: If the disk does not hold what was written.
        """
        info, index = self.master.info, WindowIndex(self.plan.at(0))
        written: list[tuple[Box, int]] = []
        with LayerWriter(
            path, info.height, info.width, info.samples, info.dtype, info.icc
        ) as layer:
            for block in self.mask.blocks():
                damaged = self.mask.read(block)
                native = self._restored(block, damaged, index)
                layer.write(block, native, damaged)
                written.append((block, _checksum(native, damaged)))
                if progress is not None:
                    progress(int(np.count_nonzero(damaged)))
        sync(path)
        _read_back(path, info.dtype, written)

    def _restored(self, block: Box, damaged: NDArray[np.bool_], index: WindowIndex) -> Native:
        """(h, w, samples) of a block; zero where nothing is damaged."""
        pieces = [self._piece(window) for window in index.overlapping(block)]
        if self.grain is not None and self.grain.mixing:
            pieces = self._grained(pieces, block, damaged)
        colours, answered = blend(pieces, block, damaged, self.plan.overlap)
        assert not (damaged & ~answered).any(), f"no window answers for all of {block}"
        before = self.master.read(block)
        native = np.zeros_like(before)
        native[damaged] = self.space.from_rgb(colours[damaged], before[damaged])
        return native

    def _piece(self, window: Window) -> Piece:
        patch = self.patches.read(window.number)
        damaged = self.mask.read(window.core)
        claimed = np.zeros(damaged.shape, np.uint8)
        claimed[damaged] = patch.marks
        return Piece(window, claimed, spread(patch.values, damaged))

    def _noise(self, block: Box, damaged: NDArray[np.bool_]) -> Floats:
        """Noise for the parts of a block where something is damaged, which are mostly few."""
        assert self.grain is not None
        white = np.zeros((*damaged.shape, 3), np.float32)
        for y in range(block.y0, block.y1, _CELL):
            for x in range(block.x0, block.x1, _CELL):
                cell = Box(y, x, y + _CELL, x + _CELL).intersection(block)
                here = cell.within(block)
                if damaged[here].any():
                    white[here] = noise(cell, self.grain.seed, self.grain.softness)
        return white

    def _grained(self, pieces: list[Piece], block: Box, damaged: NDArray[np.bool_]) -> list[Piece]:
        """The same pieces with grain where they lie in the block; the noise is the same for all."""
        assert self.grain is not None
        white = self._noise(block, damaged)
        grained = []
        for piece in pieces:
            mixing = self.grain.mixing.get(piece.window.number)
            if mixing is not None:
                part = piece.window.core.intersection(block)
                added = white[part.within(block)] @ mixing.astype(np.float32)
                values = piece.values.copy()
                values[part.within(piece.window.core)] += added
                piece = replace(piece, values=values)
            grained.append(piece)
        return grained


def _read_back(path: Path, dtype: str, written: list[tuple[Box, int]]) -> None:
    """See that every block can be read again: GDAL does not report every write that failed."""
    with LayerReader(path, dtype) as layer:
        for block, checksum in written:
            native, alpha = layer.read(block)
            if _checksum(native, alpha != 0) != checksum:
                raise OSError("the disk did not keep what was written; is it full?")


def _checksum(native: Native, replaced: NDArray[np.bool_]) -> int:
    where = zlib.crc32(np.packbits(replaced).tobytes())
    return zlib.crc32(native[replaced].tobytes(), where)
