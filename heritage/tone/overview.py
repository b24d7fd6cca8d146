"""A look over a whole master, once, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heritage.errors import MasterRefused
from heritage.geometry import Box
from heritage.restore.colour import WorkingSpace, needs_value_range, value_range
from heritage.restore.scan import scan_boxes
from heritage.restore.storage import storage
from heritage.tiff import Master, MasterInfo, inspect, open_master, sha256_file
from heritage.tone.tone import ToneMaster

Floats = NDArray[np.float32]

LONGEST = 1024
"""Pixels of the longer side of the reduced picture, at most."""
LEVELS = 4096
"""Steps of the histograms."""
_PIECE = 1 << 20  # pixels at once


@dataclass(frozen=True)
class Overview:
    """What an estimate is made from.

    Args:
        master: The picture.
        picture: (h, w, 3) float32, means of blocks of ``step`` x ``step`` pixels, encoded values.
        step: Side of the blocks, in pixels of the master.
        counts: (3, LEVELS) pixels of the whole master by their encoded value.
        colour: Whether there can be colour: more than one channel.
        icc: The profile in which the values are colours; None: sRGB is taken.
    """

    master: ToneMaster
    picture: Floats
    step: int
    counts: NDArray[np.int64]
    colour: bool
    icc: bytes | None

    def quantiles(self, share: float) -> NDArray[np.float64]:
        """(3,) values below which ``share`` of all pixels lie, for each channel."""
        sums = np.cumsum(self.counts, axis=1)
        wanted = share * sums[:, -1]
        found = [np.searchsorted(line, level) for line, level in zip(sums, wanted, strict=True)]
        return np.asarray((np.array(found, np.float64) + 0.5) / LEVELS)


def look(
    path: Path, page: int | None = None, tell: Callable[[int, int], None] | None = None
) -> Overview:
    """Read a master once.

    Args:
        path: The file; only read.
        page: Which page, from 0; None: the largest.
        tell: Called with pixels seen and pixels in all.

    Raises:
        MasterRefused: It cannot be read faithfully, has no tones, or changed meanwhile.
        StorageFailed: It cannot be read.
    """
    info = inspect(path, page)
    require_tones(info)
    before = _state(path)
    with ThreadPoolExecutor(1, "hash") as beside, open_master(path, info.page) as master:
        hashed = beside.submit(sha256_file, path)
        limits = own_range(master)
        space = WorkingSpace.of(info, limits)
        picture, step, counts = _gathered(master, space, tell)
        sha256 = hashed.result()
    if _state(path) != before:
        raise MasterRefused("changed while it was being read; run again", path)
    known = ToneMaster(path.name, sha256, info.page, info.height, info.width, limits)
    return Overview(known, picture, step, counts, info.colour_samples > 1, profile_of(info))


def require_tones(info: MasterInfo) -> None:
    """Refuse what has no continuous tones.

    Raises:
        MasterRefused: It is a palette picture or has a few tones only.
    """
    if not WorkingSpace.of(info).has_grain:
        kind = "colour-table" if info.colour == "palette" else f"{info.bits}-bit"
        words = f"a {kind} picture has no tones to adjust; scan it in 8 or 16 bits a channel"
        raise MasterRefused(words, info.path)


def own_range(master: Master) -> tuple[float, float] | None:
    """The range of values of a master whose scale is its own; None where the data type says it."""
    info = master.info
    if not needs_value_range(info.dtype):
        return None
    return value_range(master.read(box)[..., : info.colour_samples] for box in scan_boxes(info))


def profile_of(info: MasterInfo) -> bytes | None:
    """The profile of the working RGB of a master; None for plain RGB without one, and for grey."""
    if info.colour in ("cmyk", "lab"):
        from heritage.restore.profiles import romm_rgb

        return romm_rgb()
    return info.icc if info.colour == "rgb" else None


def _gathered(
    master: Master, space: WorkingSpace, tell: Callable[[int, int], None] | None
) -> tuple[Floats, int, NDArray[np.int64]]:
    info = master.info
    step = max(1, -(-max(info.height, info.width) // LONGEST))
    shape = -(-info.height // step), -(-info.width // step)
    sums, seen = np.zeros((*shape, 3)), np.zeros(shape)
    counts = np.zeros((3, LEVELS), np.int64)
    done = 0
    for box in scan_boxes(info, _PIECE):
        native = master.read(box)
        known = ~space.unusable(native)
        rgb = space.to_rgb(native)
        level = np.minimum(rgb * np.float32(LEVELS), np.float32(LEVELS - 1)).astype(np.intp)
        for channel in range(3):
            counts[channel] += np.bincount(level[..., channel][known], minlength=LEVELS)
        there, values = _blocks(box, step, np.where(known[..., None], rgb, 0).astype(np.float64))
        sums[there] += values
        seen[there] += _blocks(box, step, known.astype(np.float64))[1]
        done += box.area
        if tell is not None:
            tell(done, info.height * info.width)
    if not counts.any():
        raise MasterRefused("has no pixel that holds a colour", info.path)
    middle = sums.sum(axis=(0, 1)) / seen.sum()  # for blocks in which nothing is known
    with np.errstate(invalid="ignore", divide="ignore"):
        picture = np.where(seen[..., None] > 0, sums / seen[..., None], middle)
    return picture.astype(np.float32), step, counts


def _blocks(
    box: Box, step: int, values: NDArray[np.float64]
) -> tuple[tuple[slice, slice], NDArray[np.float64]]:
    """Which blocks a rectangle touches, and sums of its pixels over them."""
    for axis, (first, last) in enumerate(((box.y0, box.y1), (box.x0, box.x1))):
        inner = np.arange(first // step + 1, -(-last // step)) * step - first
        values = np.add.reduceat(values, np.concatenate([[0], inner]), axis=axis)
    y, x = box.y0 // step, box.x0 // step
    return (slice(y, y + values.shape[0]), slice(x, x + values.shape[1])), values


def _state(path: Path) -> tuple[int, int]:
    with storage(path):
        found = path.stat()
    return found.st_size, found.st_mtime_ns
