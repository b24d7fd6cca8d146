"""What must hold for any bytes whatsoever: refused in one line, or restored faithfully."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np

from heritage.errors import HeritageError, MasterRefused
from heritage.geometry import Box
from heritage.tiff import compose, level_differences, open_master, structure_differences
from heritage.tiff.codec import Pixels, same_bits
from heritage.tiff.info import MasterInfo
from heritage.tiff.inspection import examine

WHOLE = 1 << 21
"""Decoded bytes up to which every pixel is compared, else some rectangles."""
SECONDS = 25.0
"""Much more than the ten that a file may take, because the machine may be busy."""


class PromiseBroken(AssertionError):
    """Something that must never happen."""


def keep_promises(data: bytes, folder: Path) -> str:
    """Treat bytes as a master, from inspection to the restored file.

    Args:
        data: The whole file.
        folder: For the files that are written and removed again.

    Returns:
        How far it came: "refused", "not composed" or "restored".

    Raises:
        PromiseBroken: If something is not as it should be; any other exception is as bad.
    """
    master, target = folder / "m.tif", folder / "r.tif"
    target.unlink(missing_ok=True)
    master.write_bytes(data)
    began = time.monotonic()
    try:
        info = examine(master)
    except HeritageError as error:
        _in_one_line(error, master)
        return "refused"
    finally:
        if time.monotonic() - began > SECONDS:
            raise PromiseBroken(f"looking at it took {time.monotonic() - began:.0f} seconds")
    answer = _restore(info, master, target, data)
    if time.monotonic() - began > 2 * SECONDS:
        raise PromiseBroken(f"restoring it took {time.monotonic() - began:.0f} seconds")
    return answer


def _restore(info: MasterInfo, master: Path, target: Path, data: bytes) -> str:
    boxes, inside = _places(info, data)
    work = Flipped(info, inside)
    try:
        before = _read(master, info.page, boxes)
        done = compose(master, target, work.paint, work.touched, info.page)
    except HeritageError as error:
        _in_one_line(error, master)
        _must(not target.exists(), "a refused master left a file behind")
        return "not composed"
    _must(master.read_bytes() == data, "the master was changed")
    written = target.read_bytes()
    _must(done.sha256 == hashlib.sha256(written).hexdigest(), "the fixity of the result is wrong")
    _must(done.source_sha256 == hashlib.sha256(data).hexdigest(), "the master's fixity is wrong")
    _must(done.bytes == len(written), "its size is not what was said")
    differences = structure_differences(master, target, info.page, done.reencoded is not None)
    differences += level_differences(master, target, info.page, work.mask)
    _must(differences == [], f"{differences}")
    after = _read(target, info.page, boxes)
    for box, was, now in zip(boxes, before, after, strict=True):
        expected = was.copy()
        work.paint(box, expected)
        _must(same_bits(now, expected), f"pixels in {box} are not as painted, or left alone")
    return "restored"


class Flipped:
    """Paints every colour of the pixels of some rectangles with another value.

    Args:
        info: The master.
        boxes: The rectangles; they do not overlap.
    """

    def __init__(self, info: MasterInfo, boxes: list[Box]) -> None:
        self.info, self.boxes = info, boxes

    def touched(self, box: Box) -> bool:
        return any(box.overlaps(one) for one in self.boxes)

    def mask(self, box: Box) -> Any:
        """Which pixels of a box are painted."""
        mask = np.zeros((box.height, box.width), np.bool_)
        for one in self.boxes:
            if one.overlaps(box):
                mask[one.intersection(box).within(box)] = True
        return mask

    def paint(self, box: Box, pixels: Any) -> None:
        for one in self.boxes:
            if one.overlaps(box):
                part = pixels[one.intersection(box).within(box)][..., : self.info.colour_samples]
                part[...] = _other(part)


def _other(pixels: Pixels) -> Pixels:
    """A value that is different, and fits the same bits."""
    if pixels.dtype.kind == "f":
        return np.where(pixels == 0.25, 0.5, 0.25).astype(pixels.dtype)
    if pixels.dtype.kind == "b":
        return ~pixels
    return pixels ^ pixels.dtype.type(1)


def _places(info: MasterInfo, data: bytes) -> tuple[list[Box], list[Box]]:
    """Rectangles to compare, all of a small picture; and rectangles to paint, from its bytes."""
    rng = np.random.default_rng(list(hashlib.sha256(data).digest()[:8]))
    painted: list[Box] = []
    for _ in range(3):
        y, x = int(rng.integers(info.height)), int(rng.integers(info.width))
        box = Box(y, x, min(y + 5, info.height), min(x + 5, info.width))
        if not any(box.overlaps(one) for one in painted):
            painted.append(box)
    if info.width * info.height * info.pixel_bytes <= WHOLE:
        return [Box(0, 0, info.height, info.width)], painted
    around = [box.grown(9).clipped(info.height, info.width) for box in painted]
    return around, painted


def _read(path: Path, page: int, boxes: list[Box]) -> list[Pixels]:
    with open_master(path, page) as master:
        return [master.read(box) for box in boxes]


def _in_one_line(error: HeritageError, master: Path) -> None:
    _must(isinstance(error, MasterRefused), f"refused as {type(error).__name__}: {error}")
    _must("\n" not in str(error) and str(error).startswith(f"{master}: "), repr(str(error)))
    _must(len(error.reason) < 400, f"a reason of {len(error.reason)} letters: {error.reason}")


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise PromiseBroken(otherwise)
