"""What people changed about a proposed mask, on record."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import heritage
from heritage.damage.masks import MaskReader, open_mask
from heritage.damage.policy.numbering import Numbering
from heritage.errors import MaskRefused
from heritage.geometry import Box
from heritage.restore.canonical import canonical_json
from heritage.restore.storage import write_atomically
from heritage.tiff import sha256_file


@dataclass(frozen=True)
class Difference:
    """How a corrected mask differs from a proposed one; regions by their number in their mask.

    Attributes:
        added: Pixels that only the corrected one has.
        removed: Pixels that only the proposed one has.
        kept: Pixels of both.
        regions_added: Regions of the corrected mask that touch nothing proposed.
        regions_removed: Proposed regions of which nothing is left.
        regions_changed: Proposed regions of which something is left, but not all, or that grew.
        regions_kept: How many are as they were proposed.
    """

    added: int
    removed: int
    kept: int
    regions_added: tuple[int, ...]
    regions_removed: tuple[int, ...]
    regions_changed: tuple[int, ...]
    regions_kept: int


def difference(proposed: Path, corrected: Path) -> Difference:
    """Compare two masks, tile by tile; memory is proportional to the damage.

    Args:
        proposed: A mask as it is kept.
        corrected: Likewise.

    Raises:
        MaskRefused: If they differ in size, or one cannot be read.
    """
    with open_mask(proposed) as before, open_mask(corrected) as after:
        if (before.height, before.width) != (after.height, after.width):
            raise MaskRefused(f"differs in size from {proposed.name}", corrected)
        return _compared(before, after, Numbering(before), Numbering(after))


def _compared(before: MaskReader, after: MaskReader, old: Numbering, new: Numbering) -> Difference:
    left = np.zeros(len(old.areas), np.int64)  # pixels of old regions that are still there
    known = np.zeros(len(new.areas), np.int64)  # pixels of new regions that were there
    grown = np.zeros(len(old.areas), np.bool_)
    tiles = {*_boxes(before), *_boxes(after)}
    for box in sorted(tiles, key=lambda each: (each.y0, each.x0)):
        one, two = old.read(box), new.read(box)
        np.add.at(left, one[two > 0], 1)
        np.add.at(known, two[one > 0], 1)
    whole = known < new.areas  # new regions with pixels that were not proposed
    for box in tiles:
        one, two = old.read(box), new.read(box)
        grown[one[(one > 0) & whole[two]]] = True
    left[0] = known[0] = 0
    numbers = np.arange(1, len(old.areas))
    same = (left[1:] == old.areas[1:]) & ~grown[1:]
    gone = left[1:] == 0
    kept = int(left.sum())
    return Difference(
        int(new.areas.sum()) - kept,
        int(old.areas.sum()) - kept,
        kept,
        tuple((np.flatnonzero(known[1:] == 0) + 1).tolist()),
        tuple(numbers[gone].tolist()),
        tuple(numbers[~same & ~gone].tolist()),
        int(same.sum()),
    )


def _boxes(mask: MaskReader) -> list[Box]:
    return list(mask.blocks())


def write_difference(
    path: Path, found: Difference, proposed: Path, corrected: Path, by: str | None = None
) -> None:
    """Write ``NAME.difference.json``, whole.

    Args:
        path: The file.
        found: Of ``difference``.
        proposed: The mask that was proposed.
        corrected: The mask that people made of it.
        by: Who did, if known.
    """
    said: dict[str, Any] = {
        "format": 1,
        "heritage": heritage.__version__,
        "proposed": {"file": proposed.name, "sha256": sha256_file(proposed)},
        "corrected": {"file": corrected.name, "sha256": sha256_file(corrected)},
        "by": by,
        **asdict(found),
    }
    write_atomically(path, canonical_json(said))
