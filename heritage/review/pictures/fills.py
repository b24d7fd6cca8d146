"""What a restoration's layer changes, pixel by pixel and summed for views from afar."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import rasterio

from heritage.ahead import in_turn
from heritage.damage.masks import TILE
from heritage.errors import MaskRefused, StorageFailed
from heritage.geometry import Box
from heritage.restore.layer import LayerReader, gdal_environment
from heritage.review.pictures.areas import Samples
from heritage.review.pictures.damage import Blocks, Bools, Damage, Floats
from heritage.review.pictures.keeping import load_blocks, save_blocks
from heritage.review.pictures.memory import ByteCache
from heritage.review.pictures.overview import THREADS, Stopped
from heritage.review.pictures.source import Source

AT_ONCE: Final = 4
"""Tiles with damage that are summed for a view while somebody waits for it."""


class Fills:
    """The layer over a master. Thread-safe.

    Sums over blocks are made tile by tile, once, whatever regions are undone: they are kept for
    each region apart.

    Args:
        path: The layer.
        source: The master.
        damage: The mask.
        cache: Keeps decoded tiles of the layer.
        owner: Under this number.
        kept: The file in which the sums are or will be kept; it may be deleted at any time.

    Raises:
        MaskRefused: If layer or mask do not have the master's size.
        StorageFailed: If the layer cannot be read.
    """

    def __init__(
        self,
        path: Path,
        source: Source,
        damage: Damage,
        cache: ByteCache,
        owner: int,
        kept: Path,
    ) -> None:
        self._path, self._kept, self._owner = path, kept, owner
        self._source, self._damage, self._cache = source, damage, cache
        self._lock = threading.Lock()
        self._summed: set[Box] = set()
        self._held = np.zeros((-(-damage.mask.height // TILE), -(-damage.mask.width // TILE)), bool)
        for block in damage.mask.blocks():
            self._held[block.y0 // TILE, block.x0 // TILE] = True
        try:
            with gdal_environment():
                self._layer = LayerReader(path, source.info.dtype)
        except rasterio.errors.RasterioError as error:
            raise StorageFailed(f"the layer cannot be opened ({error})", path) from error
        size = source.info.height, source.info.width
        for one in (self._layer, damage.mask):
            if (one.height, one.width) != size:
                self.close()
                raise MaskRefused("layer and mask are not of the size of this master", path)
        found = load_blocks(kept, source.info.width, source.form.channels)
        self._complete = found is not None
        self._chain: tuple[Blocks, ...] = () if found is None else (found,)

    def close(self) -> None:
        """Close the file."""
        self._layer.close()

    @property
    def ready(self) -> bool:
        """Whether it is known where regions are, seen from afar."""
        return bool(self._chain)

    def chosen(self, undone: frozenset[int]) -> Bools | None:
        """Which regions are undone, (regions + 1,); None if none is.

        Raises:
            ValueError: If there is no region of such a number.
        """
        if not undone:
            return None
        regions = self._chain[0].regions if self._chain else self._damage.regions
        if min(undone) < 1 or max(undone) > regions:
            raise ValueError(f"the mask has regions 1 to {regions} only")
        chosen = np.zeros(regions + 1, np.bool_)
        chosen[list(undone)] = True
        return chosen

    def over(self, box: Box, pixels: Samples, chosen: Bools | None) -> Bools:
        """Put the completion over the master's pixels, in place.

        Args:
            box: Where they lie.
            pixels: Their amounts, (h, w, channels).
            chosen: Which regions are undone, as ``chosen`` says.

        Returns:
            (h, w) where it was put.
        """
        filled = np.zeros((box.height, box.width), np.bool_)
        for tile in self._tiles(box):
            part = tile.intersection(box)
            amounts, there = self._tile(tile)
            put = there[part.within(tile)] & ~self._damage.undone(part, chosen)
            pixels[part.within(box)][put] = amounts[part.within(tile)][put]
            filled[part.within(box)] = put
        return filled

    def missing(self, box: Box) -> bool:
        """Whether what a view from afar shows in a box is not all summed as yet."""
        return not self._complete and any(tile not in self._summed for tile in self._tiles(box))

    def sums(self, scale: int, box: Box, chosen: Bools | None) -> tuple[Floats, ...]:
        """What the completion adds to blocks of the master, as ``Blocks.gathered`` gives it.

        Where it is not known as yet it is 0, but for a few tiles, which are then looked at.

        Args:
            scale: Side of the blocks, in pixels of the master.
            box: Which of them.
            chosen: Which regions are undone, as ``chosen`` says.
        """
        if not self.ready:
            shape, channels = (box.height, box.width), self._source.form.channels
            return np.zeros((*shape, 1), np.float32), np.zeros((*shape, channels), np.float32)
        if not self._complete:
            under = Box(*(edge * scale for edge in (box.y0, box.x0, box.y1, box.x1)))
            tiles = self._tiles(under.clipped(self._layer.height, self._layer.width))
            for tile in [tile for tile in tiles if tile not in self._summed][:AT_ONCE]:
                self._sum(tile)
        stands, _, added = self._blocks(scale).gathered(scale, box, chosen)
        return stands, added

    def marked(self, scale: int, box: Box, chosen: Bools | None) -> tuple[Floats, ...]:
        """Pixels of blocks that lie in regions that stand, and in such that are undone.

        The first time the whole mask is read.

        Args:
            scale: Side of the blocks, in pixels of the master.
            box: Which of them.
            chosen: Which regions are undone, as ``chosen`` says.
        """
        self.begin()
        return self._blocks(scale).gathered(scale, box, chosen)[:2]

    def begin(self) -> None:
        """Find out where regions are, unless that is known."""
        with self._lock:
            if not self._chain:
                blocks = self._damage.blocks()
                deltas = np.zeros((len(blocks.keys), self._source.form.channels), np.float32)
                self._chain = (replace(blocks, deltas=deltas),)

    def run(self, stopped: Callable[[], bool]) -> None:
        """Sum everything that is not summed, and keep it.

        Raises:
            Stopped: If told to.
            MasterRefused: If a tile or strip of the master is damaged.
            StorageFailed: If a file cannot be read, or the disk does not take the sums.
        """
        self.begin()
        if not self._complete:

            def work(tile: Box) -> None:
                if stopped():
                    raise Stopped
                if tile not in self._summed:
                    self._sum(tile)

            with ThreadPoolExecutor(THREADS, "fills") as pool:
                for _ in in_turn(pool, work, self._damage.mask.blocks(), THREADS):
                    pass
            self._complete = True
            save_blocks(self._kept, self._chain[0])
        chain = [self._chain[0]]
        while len(chain[-1].keys) and chain[-1].across > 1:
            chain.append(chain[-1].coarser())
        self._chain = tuple(chain)

    def _blocks(self, scale: int) -> Blocks:
        """The largest blocks that a scale can be gathered from."""
        return [one for one in self._chain if one.scale <= scale][-1]

    def _sum(self, tile: Box) -> None:
        blocks = self._chain[0]
        assert blocks.deltas is not None
        numbers = self._damage.numbers(tile)
        y, x = np.nonzero(numbers)
        row, column = (y + tile.y0) // blocks.scale, (x + tile.x0) // blocks.scale
        keys = (row.astype(np.int64) * blocks.across + column) * (blocks.regions + 1)
        keys += numbers[y, x]
        own, place = np.unique(keys, return_inverse=True)
        added = self._tile(tile)[0][y, x].astype(np.float64) - self._source.native(tile)[y, x]
        sums = [np.bincount(place, column, len(own)) for column in added.T]
        blocks.deltas[np.searchsorted(blocks.keys, own)] = np.column_stack(sums)
        self._summed.add(tile)

    def _tiles(self, box: Box) -> list[Box]:
        """The tiles of the mask that have damage in a box."""
        first = box.y0 // TILE, box.x0 // TILE
        held = self._held[first[0] : -(-box.y1 // TILE), first[1] : -(-box.x1 // TILE)]
        mask, found = self._damage.mask, []
        for row, column in (np.argwhere(held) + first).tolist():
            y, x = row * TILE, column * TILE
            found.append(Box(y, x, min(y + TILE, mask.height), min(x + TILE, mask.width)))
        return found

    def _tile(self, tile: Box) -> tuple[Samples, Bools]:
        """Amounts of the layer in a tile, and where they are."""

        def make() -> tuple[Samples, Bools]:
            try:
                with gdal_environment():
                    native, alpha = self._layer.read(tile)
            except rasterio.errors.RasterioError as error:
                raise StorageFailed(f"the layer cannot be read ({error})", self._path) from error
            return self._source.form.of(native), alpha != 0

        amounts, there = self._cache.get((self._owner, tile), make)
        return amounts, there
