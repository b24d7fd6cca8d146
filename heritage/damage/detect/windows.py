"""One window of a master as all detectors see it, and what they say of it together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heritage.damage.detect.finding import Detector, Picture
from heritage.damage.detect.spool import LEVELS, Tile
from heritage.damage.masks import TILE
from heritage.geometry import Box
from heritage.restore.colour import WorkingSpace, needs_value_range, value_range
from heritage.restore.scan import scan_boxes
from heritage.tiff import Master


@dataclass(frozen=True)
class Searched:
    """What came out of one window.

    Attributes:
        core: The window without its context.
        tiles: What was found, tile by tile; tiles without damage are left out.
        picture: The window without its context, float32 (h, w, 3).
    """

    core: Box
    tiles: list[Tile]
    picture: Picture


def windows_of(height: int, width: int, side: int) -> Iterator[Box]:
    """Cut a raster into windows of ``side`` pixels, row by row; the last ones are smaller."""
    for y in range(0, height, side):
        for x in range(0, width, side):
            yield Box(y, x, min(y + side, height), min(x + side, width))


def space_of(master: Master) -> WorkingSpace:
    """How a master's samples become RGB; those of unknown scale are looked through once."""
    info = master.info
    if not needs_value_range(info.dtype):
        return WorkingSpace.of(info)
    colours = (master.read(box)[..., : info.colour_samples] for box in scan_boxes(info))
    return WorkingSpace.of(info, value_range(colours))


@dataclass(frozen=True)
class WindowSearch:
    """Runs detectors over windows of a master; several threads may share one.

    Args:
        master: The open master.
        space: Its working space.
        detectors: What looks for damage; of those equally sure of a pixel, the first has it.
        threshold: A pixel is damaged where a detector is at least this sure, above 0.
    """

    master: Master
    space: WorkingSpace
    detectors: Sequence[Detector]
    threshold: float

    def search(self, core: Box) -> Searched:
        """Find the damage in ``core``, whose first row and column begin a tile of the mask."""
        context = max(detector.context for detector in self.detectors)
        picture, unusable = self._read(core, context)
        best = np.zeros((core.height, core.width), np.float32)
        classes = np.zeros(best.shape, np.uint8)
        voices = np.zeros(best.shape, np.uint8)
        inner = slice(context, context + core.height), slice(context, context + core.width)
        for voice, detector in enumerate(self.detectors):
            around = context - detector.context
            cut = slice(around, -around or None)
            found = detector.detect(np.ascontiguousarray(picture[cut, cut]))
            within = tuple(slice(s.start - around, s.stop - around) for s in inner)
            confidence, kinds = found.confidence[within], found.classes[within]
            surer = (confidence > best) & (kinds > 0)
            best[surer], classes[surer], voices[surer] = confidence[surer], kinds[surer], voice
        damaged = (best >= np.float32(self.threshold)) & (classes > 0) & ~unusable
        tiles = list(_tiles(core, damaged, best, classes, voices))
        return Searched(core, tiles, picture[inner])

    def _read(self, core: Box, context: int) -> tuple[Picture, npt.NDArray[np.bool_]]:
        """The window and its context, mirrored at the master's borders; pixels without a value."""
        import cv2

        info = self.master.info
        wanted = core.grown(context)
        box = wanted.clipped(info.height, info.width)
        native = self.master.read(box)
        rgb = np.ascontiguousarray(self.space.to_rgb(native), np.float32)
        if box != wanted:
            # Where there is less than the context, what was read reaches from border to border:
            # mirroring it again and again is mirroring the master.
            edges = box.y0 - wanted.y0, wanted.y1 - box.y1, box.x0 - wanted.x0, wanted.x1 - box.x1
            mirrored = cv2.copyMakeBorder(rgb, *edges, cv2.BORDER_REFLECT_101)
            rgb = np.asarray(mirrored, np.float32)
        return rgb, self.space.unusable(native[core.within(box)])


def _tiles(
    core: Box,
    damaged: npt.NDArray[np.bool_],
    confidence: npt.NDArray[np.float32],
    classes: npt.NDArray[np.uint8],
    voices: npt.NDArray[np.uint8],
) -> Iterator[Tile]:
    for y in range(0, core.height, TILE):
        for x in range(0, core.width, TILE):
            part = slice(y, y + TILE), slice(x, x + TILE)
            own = damaged[part]
            if own.any():
                sure = np.minimum(confidence[part][own], np.float32(1))
                yield Tile(
                    core.y0 + y,
                    core.x0 + x,
                    own,
                    classes[part][own],
                    voices[part][own],
                    np.rint(sure * LEVELS).astype(np.uint16),
                )
