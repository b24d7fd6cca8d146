"""The two pictures of a restoration, layer and restored file, from blocks blended once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from heritage.ahead import in_turn
from heritage.damage.masks import MaskReader, open_mask
from heritage.errors import MasterRefused
from heritage.geometry import Box
from heritage.restore.assembling import Assembler, Native, grain_to_add
from heritage.restore.blend import WindowIndex
from heritage.restore.blocks import RestoredBlocks
from heritage.restore.job import Job
from heritage.restore.layer import BlockEncoder, LayerFormat, write_layer
from heritage.restore.provenance import file_names
from heritage.tiff import Composed, Master, MasterInfo, compose, open_master

THREADS = min(4, os.cpu_count() or 1)


def write_pictures(
    job: Job, result: Path, progress: Callable[[int, int], None] | None = None
) -> tuple[MasterInfo, str, Composed]:
    """Write the layer in one thread and, beside it, the restored file.

    Args:
        job: Its batches must be on disk.
        result: The folder that receives both.
        progress: Called with pixels done and pixels in all, both files together.

    Returns:
        What the master is, what to know about its colours, what was composed.

    Raises:
        HeritageError: One of its kinds.
        OSError: If the disk does not take or keep them.
    """
    names, cache = file_names(job.name), int(job.record["cache"]) // 2
    with open_master(job.master, job.page, cache) as master, open_mask(job.mask) as mask:
        assembler = _assembler(job, master, mask, cache)
        blocks = RestoredBlocks(assembler.restored, mask, cache)
        total = job.damaged_pixels
        composed = compose_pictures(result, names, master, mask, blocks, total, progress)
        note = assembler.space.note
        info = master.info
    if composed.source_sha256 != job.record["identity"]["master"]:
        raise MasterRefused("changed while it was being restored; run again", job.master)
    return info, note, composed


def compose_pictures(
    result: Path,
    names: Mapping[str, str],
    master: Master,
    mask: MaskReader,
    blocks: RestoredBlocks,
    total: int,
    progress: Callable[[int, int], None] | None = None,
) -> Composed:
    """Write a layer in one thread and, beside it, the restored file.

    Args:
        result: The folder that receives both.
        names: What they are called.
        master: Open.
        mask: Open.
        blocks: The restored pixels.
        total: How many there are.
        progress: Called with pixels done and pixels in all, both files together.

    Returns:
        What was composed; whether of the right master is the caller's to say.

    Raises:
        HeritageError: One of its kinds.
        OSError: If the disk does not take or keep them.
    """
    tell = _Progress(total * 2, progress)
    format_ = _layer_format(master.info)
    with ThreadPoolExecutor(1, "layer") as beside:
        layer = beside.submit(_write_layer, result / names["layer"], format_, mask, blocks, tell)

        def paint(box: Box, pixels: Native) -> None:
            if layer.done():
                layer.result()  # there is no use in going on without a layer
            tell.add(blocks.paint(box, pixels))

        try:
            target = result / names["restored"]
            composed = compose(master.info.path, target, paint, mask.any, master.info.page)
            layer.result()
        except BaseException:
            tell.stop()
            raise
    return composed


def _assembler(job: Job, master: Master, mask: MaskReader, cache: int) -> Assembler:
    assert job.plan is not None
    plan, patches, space = job.plan, job.patches(cache), job.space(master.info)
    grain = None
    if job.wants_grain(space):
        seed = int(job.record["options"]["seed"])
        grain = grain_to_add(plan, patches.grains(), seed)
    return Assembler(master, mask, space, plan, patches, grain, WindowIndex(plan.at(0)))


def _layer_format(info: MasterInfo) -> LayerFormat:
    return LayerFormat(info.height, info.width, info.samples, info.dtype, info.icc)


def _write_layer(
    path: Path, layer: LayerFormat, mask: MaskReader, blocks: RestoredBlocks, tell: _Progress
) -> None:
    encoder = BlockEncoder(layer)

    def work(block: Box) -> tuple[Box, bytes, int]:
        restored = blocks.restored(block)
        data = encoder.encode(restored, mask.read(block))
        blocks.used(block, len(restored))
        return block, data, len(restored)

    def tiles(pool: Executor) -> Iterator[tuple[Box, bytes]]:
        for block, data, pixels in in_turn(pool, work, mask.blocks(), 2 * THREADS):
            tell.add(pixels)
            yield block, data

    with ThreadPoolExecutor(THREADS, "blend") as pool:
        write_layer(path, layer, tiles(pool))


class _Progress:
    """Adds up what is done, in several threads; and calls all off where one has failed."""

    def __init__(self, total: int, report: Callable[[int, int], None] | None) -> None:
        self._total, self._done, self._report = total, 0, report
        self._stopped = False
        self._guard = Lock()

    def add(self, pixels: int) -> None:
        with self._guard:
            if self._stopped:
                raise CancelledError
            # A page that must be written anew is painted twice.
            self._done = min(self._done + pixels, self._total)
            if self._report is not None:
                self._report(self._done, self._total)

    def stop(self) -> None:
        with self._guard:
            self._stopped = True
