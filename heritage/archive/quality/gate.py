"""Prove that a signed restoration lost nothing of its master, and say what was never claimed.

The quality of a scan cannot be raised afterwards; a restoration can only spoil it. So the gate
asks: is everything that the master had still there, to the bit, outside the mask? What the fill is
like inside is measured and told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from heritage.archive.quality.fills import Clipping, around, ends_of, noise_of
from heritage.archive.quality.standards import Item, claims
from heritage.damage.masks import MaskReader, open_mask
from heritage.errors import MaskRefused
from heritage.restore.comparison import Difference, different
from heritage.restore.scan import scan_boxes
from heritage.tiff import (
    Master,
    MasterInfo,
    inspect,
    level_differences,
    open_master,
    structure_differences,
)

__all__ = ["FILL", "UNCHANGED", "Item", "QualityReport", "gate"]

FORMAT: Final = 1
UNCHANGED: Final = "Unchanged from the master"
FILL: Final = "Fill"
CLIPPED: Final = 0.001
"""Part of a fill that may lie at an end of the scale without example: grain has tails."""
TOLD: Final = 20
"""Differences of tags that are told one by one."""


@dataclass(frozen=True)
class QualityReport:
    """What the files of a restoration prove.

    Args:
        master: Name of the master's file.
        restored: Name of the restored one.
        page: That was restored, from 0.
        items: All that was asked.
    """

    master: str
    restored: str
    page: int
    items: tuple[Item, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing that must hold was disproven; what is not claimed does not count."""
        return all(item.proven is not False for item in self.items)

    def to_json(self) -> dict[str, Any]:
        """What is written as ``quality.json``."""
        return {
            "format": FORMAT,
            "master": self.master,
            "restored": self.restored,
            "page": self.page,
            "ok": self.ok,
            "items": [item.to_json() for item in self.items],
        }


def gate(master: Path, restored: Path, mask: Path, page: int = 0) -> QualityReport:
    """Hold a restored file against its master.

    Every pixel of both is read once. Only what lies in the mask may differ.

    Args:
        master: The original scan.
        restored: The signed file that was composed from it.
        mask: What was filled, as it is kept beside the restoration.
        page: The page that was restored, from 0.

    Raises:
        MasterRefused: If one of the two is no TIFF that can be judged.
        MaskRefused: If the mask is none, or not of the master's size.
        StorageFailed: If a file cannot be read.
    """
    before, after = inspect(master, page), inspect(restored, page)
    with open_mask(mask) as damage:
        if (damage.height, damage.width) != (before.height, before.width):
            raise MaskRefused("is not of the master's size; give the mask that was filled", mask)
        items = [*_properties(before, after), *_structure(before, after, damage)]
        with open_master(master, page) as old, open_master(restored, page) as new:
            items += _pixels(old, new, damage)
    return QualityReport(master.name, restored.name, page, (*items, *claims(after)))


def _properties(before: MasterInfo, after: MasterInfo) -> Iterator[Item]:
    """What the two files say about themselves."""
    asked: list[tuple[str, Any, Any]] = [
        ("size", [before.width, before.height], [after.width, after.height]),
        ("samples", before.samples, after.samples),
        ("bit depth", [before.bits, before.dtype], [after.bits, after.dtype]),
        ("colour interpretation", _colour(before), _colour(after)),
        ("ICC profile", _digest(before.icc), _digest(after.icc)),
        ("resolution", _listed(before.resolution), _listed(after.resolution)),
        ("orientation", before.orientation, after.orientation),
        ("pages", before.pages, after.pages),
    ]
    for item, was, now in asked:
        words = f"{item}: {_words(now)}, as in the master"
        if was != now:
            words = f"{item} changed from {_words(was)} to {_words(now)}"
        yield Item(UNCHANGED, item, was == now, now, words)
    yield _compression(before, after)


def _compression(before: MasterInfo, after: MasterInfo) -> Item:
    was, now = before.compression, after.compression
    sentence = f"compression: {now}, as in the master"
    kept = was == now and after.lossy == before.lossy
    if not kept and not after.lossy and (before.lossy or not before.rewritable):
        # Decoded pixels are what was compared: nothing was lost by storing them without loss.
        kept = True
        sentence = f"compression: {was} cannot be written back, so {now}, which loses nothing"
    elif not kept:
        loss = ", which loses detail" if after.lossy else ""
        sentence = f"compression changed from {was} to {now}{loss}"
    return Item(UNCHANGED, "compression", kept, now, sentence)


def _structure(before: MasterInfo, after: MasterInfo, mask: MaskReader) -> Iterator[Item]:
    """Tags, other pages and smaller versions."""
    anew = before.compression != after.compression
    words = structure_differences(before.path, after.path, before.page, anew)
    said = "every other tag, page, sub-image and private block is that of the master"
    item = "tags, other pages and sub-images"
    yield Item(UNCHANGED, item, not words, words[:TOLD], "; ".join(words[:TOLD]) or said)
    if _shape(before) != _shape(after):
        return
    words = level_differences(before.path, after.path, before.page, mask.read)
    said = "smaller versions in the file differ only where they are made from filled pixels"
    yield Item(UNCHANGED, "smaller versions", not words, words[:TOLD], "; ".join(words) or said)


def _pixels(master: Master, restored: Master, mask: MaskReader) -> Iterator[Item]:
    """Every pixel outside the mask, and what the fill is like."""
    if _shape(master.info) != _shape(restored.info):
        words = "pixels outside the mask cannot be those of the master: size or samples changed"
        yield Item(UNCHANGED, "pixels outside the mask", False, None, words)
        return
    outside, clipping = _walk(master, restored, mask)
    same = not outside.count
    words = "every pixel outside the mask has the bits of the master"
    if not same:
        many = f"{outside.count} pixels" if outside.count > 1 else "1 pixel"
        row, column = outside.first
        words = f"{many} outside the mask differ from the master, first row {row}, column {column}"
    yield Item(UNCHANGED, "pixels outside the mask", same, outside.count, words)
    colour = same and master.info.icc == restored.info.icc
    for item, holds in (("colour", colour), ("noise", same), ("sharpness", same)):
        sentence = f"{item} outside the mask is the master's: the bits are the same"
        if not holds:
            sentence = f"{item} outside the mask is not proven: bits or profile differ"
        yield Item(UNCHANGED, f"{item} outside the mask", holds, None, sentence)
    yield _clipped(clipping)
    yield _noise(restored, mask)


def _walk(master: Master, restored: Master, mask: MaskReader) -> tuple[Difference, Clipping | None]:
    outside, ends = Difference(), ends_of(restored.info)
    clipping = None if ends is None else Clipping(ends, restored.info.colour_samples)
    for box in scan_boxes(master.info):
        new, damaged = restored.read(box), mask.read(box)
        outside.add(different(master.read(box), new) & ~damaged, box)
        if clipping is not None:
            clipping.know(new, damaged)
    if clipping is not None:
        for tile in mask.blocks():
            box = around(tile, restored.info)
            clipping.judge(restored.read(box), mask.read(box), tile.within(box))
    return outside, clipping


def _clipped(clipping: Clipping | None) -> Item:
    item = "clipping inside the mask"
    if clipping is None:
        return Item(FILL, item, None, None, "such samples have no end at which they clip")
    measured = {
        "filled": clipping.filled,
        "at an end of the scale": clipping.clipped,
        "without example around": clipping.introduced,
    }
    if clipping.share <= CLIPPED:
        words = "no clipping was introduced: values at an end of the scale have examples around"
        return Item(FILL, item, True, measured, words)
    words = (
        f"{clipping.introduced} of {clipping.filled} filled pixels lie at an end of the scale that "
        "no known pixel around them reaches"
    )
    return Item(FILL, item, False, measured, words)


def _noise(restored: Master, mask: MaskReader) -> Item:
    """As information: what is right depends on the picture."""
    found, item = noise_of(restored, mask), "noise inside the mask"
    if found is None:
        return Item(FILL, item, None, None, "noise of the fill could not be measured here")
    measured = {"fill": found.fill, "surround": found.surround, "places": found.places}
    words = (
        f"finest detail of the fill has a standard deviation of {found.fill:.3%} of full scale, "
        f"its surroundings {found.surround:.3%}; for information"
    )
    return Item(FILL, item, None, measured, words)


def _shape(info: MasterInfo) -> tuple[int, int, int, str]:
    return info.height, info.width, info.samples, info.dtype


def _colour(info: MasterInfo) -> str:
    return "grey, white is zero" if info.white_is_zero else info.colour


def _digest(icc: bytes | None) -> str | None:
    return None if icc is None else hashlib.sha256(icc).hexdigest()


def _listed(value: tuple[float, float, str] | None) -> list[Any] | None:
    return None if value is None else list(value)


def _words(value: object) -> str:
    if value is None:
        return "none"
    return " x ".join(map(str, value)) if isinstance(value, list) else str(value)
