"""Whole pictures and real damage masks in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from heritage.damage.simulate import Mask
from heritage.train.decoding import Picture, PictureUnreadable, decode_grey, levels
from heritage.train.sources import LOG, Held, Source, Unreadable, open_sources

_EVERYTHING = 1 << 62  # bytes: a caller who asks for whole pictures has room for them


def load_pictures(folder: Path, smallest: int = 0) -> list[Picture]:
    """All pictures under a folder as uint8 (H, W, 3), in the order of ``sources.picture_paths``.

    Those that cannot be read are named in a warning and missing here.

    Args:
        folder: Searched recursively.
        smallest: Pictures with a shorter side below this many pixels are enlarged to it.

    Raises:
        HeritageError: If there is none, or none can be read.
    """
    sources = open_sources(folder, smallest, _EVERYTHING)
    return [_whole(source) for source in sources if not isinstance(source, Unreadable)]


def _whole(source: Source) -> Picture:
    if isinstance(source, Held):
        return source.pixels
    whole = np.empty((source.height, source.width, 3), np.uint8)
    for box in source.pieces():
        whole[box.slices] = levels(source.read(box))
    return whole


def load_masks(folder: Path | None) -> list[Mask]:
    """Real damage masks (PNG, at least 64 pixels a side) as uint8 of 0 and 1.

    Those that cannot be read are named in a warning and missing here.
    """
    masks = []
    for path in sorted(folder.rglob("*.png")) if folder else []:
        try:
            mask = (decode_grey(path) > 127).astype(np.uint8)
        except PictureUnreadable as error:
            LOG.warning("left out of the training: %s", error)
            continue
        if min(mask.shape) >= 64:
            masks.append(mask)
    return masks
