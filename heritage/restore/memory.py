"""Predict what a run will need before it starts, and cut the batch and the caches to fit."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heritage.errors import NotEnoughMemory
from heritage.resident import resident
from heritage.restore.storage import megabytes

if TYPE_CHECKING:
    from heritage.tiff import MasterInfo

MIB = 1 << 20
# Python with torch, OpenCV, SciPy, rasterio and tifffile imported: 290 MiB measured on Linux. A
# process that holds more already is taken as it is.
IMPORTS = 320 * MIB
READERS = 2  # threads that read windows ahead
_READ = 60  # bytes per pixel of a window while it is read and converted
_WAITING = 13  # bytes per pixel of a window that was read: image and hole
_MEASURED = 150  # bytes per pixel of the one window whose grain is measured
_MASK = 40 * MIB  # decoded tiles that the mask keeps, at most
_BLOCK = 180  # bytes per pixel of the 512-pixel block that is blended
# Bytes per pixel that filling takes, measured: for each window of a batch (its copies on the way,
# and the batches before and after it), and once.
_FILLING = {"gan": 110, "exemplar": 70, "diffusion": 70, "test": 60}
_WORKING = {"gan": 0, "exemplar": 600, "diffusion": 250, "test": 0}
# Bytes per pixel of a network's live tensors, where its card does not say (``models.footprint``);
# libraries add work space (measured: up to half). However large the batch, a CPU computes only so
# many pixels at once (``models.network_inpainter``), but never less than a window. What a network
# leaves lying for the other windows of a batch is a part of it (measured).
_ALIVE = 300
_LIBRARIES = 1.5
_LEFT_LYING = 0.05
_AT_ONCE = 1 << 18
_LOADING = 2  # copies of the weights while they are checked and put in place
_CACHES = (128 * MIB, 64 * MIB, 32 * MIB, 8 * MIB)


@dataclass(frozen=True)
class Budget:
    """How a run will use its memory.

    Args:
        batch: Windows computed together.
        cache: Bytes of decoded segments and of patches kept.
        predicted: Bytes the process will need at its peak.
    """

    batch: int
    cache: int
    predicted: int


@dataclass(frozen=True)
class Appetite:
    """What filling takes.

    Args:
        each: Bytes per pixel, for each window of a batch.
        once: Bytes per pixel, once.
        alive: Bytes per pixel of what is computed at once.
        weights: Bytes of the model itself.
    """

    each: float
    once: float = 0
    alive: float = 0
    weights: int = 0


def appetite(kind: str, parameters: int = 0, alive: float | None = None) -> Appetite:
    """What a model takes.

    Args:
        kind: Kind of the inpainter.
        parameters: Learned values.
        alive: Bytes per pixel of its live tensors where its card says.
    """
    each = float(_FILLING.get(kind, _FILLING["gan"]))
    once = _WORKING.get(kind, 0)
    if kind != "gan":
        return Appetite(each, once)
    living = _ALIVE if alive is None else alive
    each += _LEFT_LYING * living
    return Appetite(each, once, _LIBRARIES * living, 4 * _LOADING * parameters)


def predict_memory(
    info: MasterInfo,
    window: int,
    batch: int,
    cache: int,
    needs: Appetite,
    damaged_pixels: int = 0,
    largest: int | None = None,
) -> int:
    """Bytes the process will need at its peak.

    Args:
        info: The master.
        window: Side of a window in pixels.
        batch: Windows computed together.
        cache: Bytes of decoded segments kept.
        needs: What the model takes.
        damaged_pixels: Of the whole master; planning keeps some bytes for each run of them.
        largest: Pixels of the plan's largest batch, where the plan is known already; None: as if
            it were full.
    """
    pixels = window * window
    segment = _segment_bytes(info)
    # While one batch is computed, the next is read and waits.
    each = 2 * _WAITING + needs.each
    together = pixels * batch if largest is None else min(pixels * batch, largest)
    filling = int(together * each + pixels * (needs.once + _MEASURED)) + needs.weights
    filling += int(needs.alive * max(pixels, _AT_ONCE))
    reading = READERS * (pixels * _READ + 3 * segment)
    # A small picture fills no cache: all its samples once, and all of its mask.
    kept = min(cache, info.height * info.width * info.pixel_bytes + 2 * segment)
    inpainting = filling + reading + kept + min(_MASK, info.height * info.width)
    workers = min(8, os.cpu_count() or 1)
    block = 512 * 512
    finishing = block * (_BLOCK + 3 * info.samples * 8) + 2 * kept
    finishing += workers * 4 * segment + 64 * MIB
    planning = 48 * damaged_pixels // 4 + 64 * MIB
    return max(IMPORTS, resident()) + max(inpainting, finishing, planning)


def fit(
    info: MasterInfo, window: int, batch: int, needs: Appetite, memory: int, damaged_pixels: int
) -> Budget:
    """The largest batch, then the largest cache, that stay within ``memory``.

    Raises:
        NotEnoughMemory: If even one window at a time does not fit.
    """
    for cache in _CACHES[1:]:
        for size in _halvings(batch):
            predicted = predict_memory(info, window, size, cache, needs, damaged_pixels)
            if predicted <= memory:
                return _widened(info, window, size, cache, needs, memory, damaged_pixels)
    least = predict_memory(info, window, 1, _CACHES[-1], needs, damaged_pixels)
    raise NotEnoughMemory(
        f"needs at least {megabytes(least)} of memory with windows of {window} pixels and is "
        f"allowed {megabytes(memory)}; allow more or choose a smaller window",
        info.path,
    )


def _widened(
    info: MasterInfo,
    window: int,
    batch: int,
    cache: int,
    needs: Appetite,
    memory: int,
    damaged: int,
) -> Budget:
    for larger in _CACHES:
        predicted = predict_memory(info, window, batch, larger, needs, damaged)
        if larger >= cache and predicted <= memory:
            return Budget(batch, larger, predicted)
    raise AssertionError("the cache that fitted no longer does")


def _halvings(batch: int) -> list[int]:
    sizes = [batch]
    while sizes[-1] > 1:
        sizes.append(sizes[-1] // 2)
    return sizes


def _segment_bytes(info: MasterInfo) -> int:
    """Bytes of one decoded tile or strip with all its samples."""
    height = min(info.segment_height, info.height) if not info.tiled else info.segment_height
    return int(height * info.segment_width * info.samples * np.dtype(info.dtype).itemsize)
