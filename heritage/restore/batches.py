"""Run batches of windows: read ahead, fill, measure the grain, put on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heritage.damage.masks import open_mask
from heritage.restore.allocator import keep_memory_steady, memory_reused
from heritage.restore.blend import claims
from heritage.restore.grain import measure
from heritage.restore.guide import merge_guide
from heritage.restore.inpainters import fill, load_inpainter
from heritage.restore.job import Job, open_job
from heritage.restore.leading import Lead, Leader
from heritage.restore.memory import READERS
from heritage.restore.patches import Patch
from heritage.restore.storage import storage
from heritage.restore.views import View, ViewReader
from heritage.restore.windows import Window
from heritage.tiff import open_master

if TYPE_CHECKING:
    from models.inpainter import Inpainter

Floats = NDArray[np.float32]
Read = tuple[Window, View, Lead | None]


def run_batches(
    job_folder: Path | str,
    batches: Sequence[int],
    device: str = "auto",
    progress: Callable[[int], None] | None = None,
) -> None:
    """Compute batches of a job and put each on disk before the next is counted.

    Batches of finer scales need those of the coarser ones: see ``Job.stages``.

    Args:
        job_folder: The job's work folder.
        batches: Numbers of batches.
        device: ``auto`` or a torch device.
        progress: Called with the number of each batch once it is on disk.

    Raises:
        HeritageError: One of its kinds, if the master, the model or the disk fails.
    """
    keep_memory_steady()
    job = open_job(Path(job_folder))
    job.require_unchanged_master()
    inpainter = load_inpainter(job.model, device)
    for stage in job.stages(list(batches)):
        with storage(job.folder):
            _run_stage(job, stage, inpainter, progress)


def _run_stage(
    job: Job, batches: list[int], inpainter: Inpainter, progress: Callable[[int], None] | None
) -> None:
    """Batches of one scale, which do not need each other."""
    assert job.plan is not None
    plan, cache = job.plan, int(job.record["cache"])
    patches = job.patches(cache)
    leader = Leader(plan, patches, plan.windows[plan.batches[batches[0]][0]].level)
    with (
        open_master(job.master, job.page, cache) as master,
        open_mask(job.mask) as mask,
        ThreadPoolExecutor(READERS, "read-ahead") as threads,
    ):
        space = job.space(master.info)
        wants_grain = job.wants_grain(space)
        reader = ViewReader(master, mask, space)

        def read(number: int) -> Read:
            window = plan.windows[number]
            return window, reader.read(window), leader.lead(window)

        wanted = [plan.batches[batch] for batch in batches]
        for batch, views in zip(batches, _read_ahead(threads, read, wanted), strict=True):
            finished = _fill_batch(inpainter, views, plan.context, wants_grain)
            patches.write(batch, finished, inpainter.device_class)
            if progress is not None:
                progress(batch)


def _read_ahead(
    threads: ThreadPoolExecutor, read: Callable[[int], Read], batches: list[tuple[int, ...]]
) -> Iterator[list[Read]]:
    """The windows of each batch; those of the next are read while this one is computed."""
    coming: list[Future[Read]] = []
    try:
        for batch in [*batches, ()]:
            ready, coming = coming, [threads.submit(read, number) for number in batch]
            if ready:
                yield [future.result() for future in ready]
    finally:
        for future in coming:
            future.cancel()


def _fill_batch(
    inpainter: Inpainter, views: list[Read], context: int, wants_grain: bool
) -> dict[int, Patch]:
    shown = [_shown(*one) for one in views]
    with memory_reused():
        filled = fill(inpainter, [image for image, _ in shown], [hole for _, hole in shown])
    finished = {}
    for (window, view, lead), result in zip(views, filled, strict=True):
        if lead is not None:
            reach = min(64.0, float(context))
            result = merge_guide(result, lead.picture, view.hole, lead.covered, reach)
        finished[window.number] = _patch(window, view, result, wants_grain)
    return finished


def _shown(window: Window, view: View, lead: Lead | None) -> tuple[Floats, NDArray[np.bool_]]:
    """What the model is given: image and hole.

    In a guided window the hole outside the core is shown as known, as the coarser scale solved it:
    that is what brings context to the middle of a hole larger than the window.
    """
    if lead is None:
        return view.image, view.hole
    core = np.zeros_like(view.hole)
    core[window.core.within(window.box)] = True
    lent = view.hole & ~core & lead.covered
    return np.where(lent[..., None], lead.picture, view.image), view.hole & ~lent


def _patch(window: Window, view: View, result: Floats, wants_grain: bool) -> Patch:
    if window.level > 0:
        return Patch(result, view.hole.astype(np.uint8))
    core = window.core.within(window.box)
    damaged = view.damaged[core]
    inside = np.zeros_like(view.damaged)
    inside[core] = damaged
    grain = measure(view.image, result, view.hole, inside) if wants_grain else None
    return Patch(result[core][damaged], claims(window, view.damaged)[damaged], grain)
