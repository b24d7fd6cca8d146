"""Run batches of windows: read ahead, fill, measure the grain, put on disk; all at the same time.

Windows of coming batches are read by a few threads while each device fills one and another thread
puts the last one on disk. Only so many batches are under way at once, so memory is bounded. Which
device fills a batch, and when, makes no difference to what lies on disk in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heritage.ahead import in_turn
from heritage.damage.masks import open_mask
from heritage.resident import resident
from heritage.restore.allocator import give_back, keep_memory_steady, memory_reused
from heritage.restore.devices import load_inpainters
from heritage.restore.filling import Filler, repeatable
from heritage.restore.job import Job, open_job
from heritage.restore.leading import Leader
from heritage.restore.memory import READERS
from heritage.restore.patches import Patch, PatchFolder
from heritage.restore.patching import patch_of
from heritage.restore.plan import Plan
from heritage.restore.staging import Shown, Staged
from heritage.restore.storage import storage
from heritage.restore.views import ViewReader
from heritage.tiff import open_master

if TYPE_CHECKING:
    from models.inpainter import Inpainter

Floats = NDArray[np.float32]

_FULL = 0.7  # share of the predicted memory beyond which what is not in use is given back


def run_batches(
    job_folder: Path | str,
    batches: Sequence[int],
    device: str = "auto",
    progress: Callable[[int], None] | None = None,
) -> None:
    """Compute batches of a job and put each on disk before it is counted.

    Batches of finer scales need those of the coarser ones: see ``Job.stages``.

    Args:
        job_folder: The job's work folder.
        batches: Numbers of batches.
        device: ``auto``, a torch device, or several of this machine with commas between, which
            then share the batches; ``auto`` takes all GPUs.
        progress: Called from this thread with the number of each batch once it is on disk.

    Raises:
        HeritageError: One of its kinds, if the master, the model or the disk fails.
    """
    keep_memory_steady()
    job = open_job(Path(job_folder))
    job.require_unchanged_master()
    inpainters = load_inpainters(job.model, device, _begun(job))
    stages = job.stages(list(batches))
    if not stages:
        return
    with storage(job.folder), ExitStack() as stack:
        run = _open(job, inpainters, stack)
        for stage in stages:
            run.stage(stage, progress)


def _begun(job: Job) -> str | None:
    """The class of device that computed the first batch there is."""
    assert job.plan is not None
    patches = job.patches()
    known = (patches.device(number) for number in range(len(job.plan.batches)))
    return next((one for one in known if one is not None), None)


def _open(job: Job, inpainters: Sequence[Inpainter], stack: ExitStack) -> _Run:
    assert job.plan is not None
    cache = int(job.record["cache"])
    master = stack.enter_context(open_master(job.master, job.page, cache))
    mask = stack.enter_context(open_mask(job.mask))
    stack.enter_context(repeatable())
    stack.enter_context(memory_reused())
    space = job.space(master.info)
    idle: SimpleQueue[Filler] = SimpleQueue()
    for inpainter in inpainters:
        idle.put(Filler(inpainter))

    def pool(threads: int, name: str) -> ThreadPoolExecutor:
        made = ThreadPoolExecutor(threads, name)
        stack.callback(made.shutdown, cancel_futures=True)
        return made

    return _Run(
        plan=job.plan,
        patches=job.patches(cache),
        reader=ViewReader(master, mask, space),
        wants_grain=job.wants_grain(space),
        predicted=int(job.record["memory"]),
        idle=idle,
        pinned=any(inpainter.device.type == "cuda" for inpainter in inpainters),
        devices=len(inpainters),
        writers=pool(1 + len(inpainters), "write"),
        fillers=pool(len(inpainters), "fill"),
        readers=pool(READERS, "read"),
    )


@dataclass(frozen=True)
class _Run:
    """What all batches of a run share.

    Threads only ever wait for those further up: writers for fillers, fillers for readers.
    """

    plan: Plan
    patches: PatchFolder
    reader: ViewReader
    wants_grain: bool
    predicted: int
    idle: SimpleQueue[Filler]
    pinned: bool
    devices: int
    writers: ThreadPoolExecutor
    fillers: ThreadPoolExecutor
    readers: ThreadPoolExecutor

    def stage(self, batches: list[int], progress: Callable[[int], None] | None) -> None:
        """Batches of one scale, which do not need each other."""
        level = self.plan.windows[self.plan.batches[batches[0]][0]].level
        leader = Leader(self.plan, self.patches, level)
        begun = (self._begin(batch, leader) for batch in batches)
        # One is filled on each device, one is put on disk, one waits so that no device does.
        for batch in in_turn(self.writers, self._write, begun, self.devices + 2):
            if progress is not None:
                progress(batch)

    def _begin(self, batch: int, leader: Leader) -> _Begun:
        windows = [self.plan.windows[number] for number in self.plan.batches[batch]]
        staged = Staged(len(windows), windows[0].shape, self.pinned)

        def read(place: int) -> Shown:
            window = windows[place]
            return staged.put(place, window, self.reader.read(window), leader.lead(window))

        coming = [self.readers.submit(read, place) for place in range(len(windows))]
        return _Begun(batch, staged, coming, self.fillers.submit(self._fill, staged, coming))

    def _fill(self, staged: Staged, coming: list[Future[Shown]]) -> tuple[Floats, str]:
        for one in coming:
            one.result()
        filler = self.idle.get()
        try:
            return filler.fill(staged.images, staged.holes), filler.inpainter.device_class
        finally:
            self.idle.put(filler)

    def _write(self, begun: _Begun) -> int:
        filled, device = begun.filled.result()
        reach = min(64.0, float(self.plan.context))

        def patch(place: int) -> Patch:
            shown, image = begun.coming[place].result(), begun.staged.image(place)
            return patch_of(shown, image, filled[place], self.wants_grain, reach)

        numbers = self.plan.batches[begun.batch]
        made = dict(zip(numbers, map(patch, range(len(numbers))), strict=True))
        self.patches.write(begun.batch, made, device)
        if resident() > _FULL * self.predicted:
            give_back()
        return begun.batch


@dataclass(frozen=True)
class _Begun:
    """A batch under way."""

    batch: int
    staged: Staged
    coming: list[Future[Shown]]
    filled: Future[tuple[Floats, str]]
