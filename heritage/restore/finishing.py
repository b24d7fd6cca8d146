"""Finish a restoration: layer, restored file, record; and only then a name that others see."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from heritage.damage.masks import MaskReader, open_mask
from heritage.errors import MasterRefused, OutputInTheWay, StorageFailed
from heritage.geometry import Box
from heritage.restore.allocator import keep_memory_steady
from heritage.restore.assembling import Assembler, grain_to_add
from heritage.restore.canonical import digest
from heritage.restore.inpainters import card_of
from heritage.restore.job import Job, open_job
from heritage.restore.layer import BLOCK, LayerReader, Native, gdal_environment
from heritage.restore.lock import RestorationLock, held_here
from heritage.restore.provenance import (
    describe_composed,
    describe_master,
    file_names,
    now,
    software,
    write_provenance,
)
from heritage.restore.restoration import Restoration, read_restoration
from heritage.restore.storage import remove_folder, storage, sync, sync_folder
from heritage.tiff import Composed, MasterInfo, compose, open_master, sha256_file


def finish(
    job_folder: Path | str,
    progress: Callable[[int, int], None] | None = None,
    lock: bool = True,
) -> Restoration:
    """Blend, write the layer, compose the restored file, record everything, publish the folder.

    Args:
        job_folder: The job's work folder; all its batches must be on disk.
        progress: Called with pixels done and pixels in all, both steps together.
        lock: Take the lock unless this process has it. False where a coordinating process holds it.

    Returns:
        The restoration, at its final place.

    Raises:
        HeritageError: One of its kinds. The work folder stays as it was: run again.
    """
    keep_memory_steady()
    job = open_job(Path(job_folder))
    guard = RestorationLock(job.output, job.name) if _must_lock(job, lock) else nullcontext()
    with guard, storage(job.folder):
        return _finish_locked(job, progress)


def _must_lock(job: Job, lock: bool) -> bool:
    return lock and not held_here(job.output, job.name)


def _finish_locked(job: Job, progress: Callable[[int, int], None] | None) -> Restoration:
    job.require_unchanged_master()
    devices = _devices(job)
    result = job.folder / "result"
    remove_folder(result)
    result.mkdir()
    names = file_names(job.name)
    shutil.copyfile(job.mask, result / names["mask"])
    sync(result / names["mask"])
    tell = _Progress(job.damaged_pixels * 2, progress)
    with (
        gdal_environment(int(job.record["cache"])),
        open_mask(job.mask) as mask,
    ):
        info, note = _write_layer(job, mask, result / names["layer"], tell)
        composed = _compose(job, mask, info, result, tell)
    _record(job, info, note, composed, devices, result)
    return _publish(job, result)


class _Progress:
    """Adds up what is done."""

    def __init__(self, total: int, report: Callable[[int, int], None] | None) -> None:
        self._total, self._done, self._report = total, 0, report

    def add(self, pixels: int) -> None:
        self._done += pixels
        if self._report is not None:
            self._report(self._done, self._total)


def _devices(job: Job) -> list[str]:
    """Which kinds of device computed the patches, all of which must be there."""
    assert job.plan is not None
    patches = job.patches()
    devices = [patches.device(number) for number in range(len(job.plan.batches))]
    missing = devices.count(None)
    if missing:
        raise StorageFailed(
            f"{missing} of {len(devices)} batches are not on disk or damaged; run again", job.folder
        )
    return sorted({device for device in devices if device is not None})


def _write_layer(job: Job, mask: MaskReader, path: Path, tell: _Progress) -> tuple[MasterInfo, str]:
    assert job.plan is not None
    cache = int(job.record["cache"])
    patches = job.patches(cache)
    with open_master(job.master, job.page, cache) as master:
        space = job.space(master.info)
        grain = None
        if job.wants_grain(space):
            seed = int(job.record["options"]["seed"])
            grain = grain_to_add(job.plan, patches.grains(), seed)
        assembler = Assembler(master, mask, space, job.plan, patches, grain)
        assembler.write_layer(path, tell.add)
        return master.info, space.note


def _compose(
    job: Job, mask: MaskReader, info: MasterInfo, result: Path, tell: _Progress
) -> Composed:
    names = file_names(job.name)
    with LayerReader(result / names["layer"], info.dtype) as layer:

        def paint(box: Box, pixels: Native) -> None:
            for block in _blocks(box):
                if mask.any(block):
                    restored, alpha = layer.read(block)
                    replaced = alpha != 0
                    pixels[block.within(box)][replaced] = restored[replaced]
                    tell.add(int(np.count_nonzero(replaced)))

        composed = compose(job.master, result / names["restored"], paint, mask.any, job.page)
    if composed.source_sha256 != job.record["identity"]["master"]:
        raise MasterRefused("changed while it was being restored; run again", job.master)
    return composed


def _blocks(box: Box) -> list[Box]:
    """The layer's blocks under a box, so that empty ones are not read."""
    return [
        Box(y, x, y + BLOCK, x + BLOCK).intersection(box)
        for y in range(box.y0 // BLOCK * BLOCK, box.y1, BLOCK)
        for x in range(box.x0 // BLOCK * BLOCK, box.x1, BLOCK)
    ]


def _record(
    job: Job, info: MasterInfo, note: str, composed: Composed, devices: list[str], result: Path
) -> None:
    """Write the provenance; only its "times" differ between two runs of one job."""
    assert job.plan is not None
    names, record = file_names(job.name), job.record
    card = card_of(job.model)
    content: dict[str, Any] = {
        "name": job.name,
        "identity": digest(record["identity"]),
        "master": describe_master(info, record["identity"]["master"], job.result),
        "mask": {"file": names["mask"], **record["mask"]},
        "layer": {"file": names["layer"], "sha256": sha256_file(result / names["layer"])},
        "restored": describe_composed(composed, names["restored"]),
        "model": {
            "name": card.name,
            "kind": card.kind,
            "purpose": card.purpose,
            "licence": card.licence,
            "weights_sha256": record["identity"]["weights"],
        },
        "parameters": record["identity"]["options"],
        "working_space": {"note": note, "value_range": record["value_range"]},
        "windows": {"count": len(job.plan.windows), "levels": job.plan.levels},
        "regions": json.loads((job.folder / "regions.json").read_bytes()),
        "software": software(),
        "devices": devices,
        "times": _times(record),
    }
    write_provenance(result / names["provenance"], content)


def _times(record: dict[str, Any]) -> dict[str, Any]:
    finished = now()
    elapsed = datetime.fromisoformat(finished) - datetime.fromisoformat(record["started"])
    return {
        "begun": record["begun"],
        "started": record["started"],
        "finished": finished,
        "seconds": round(elapsed.total_seconds(), 3),
        "continued": record["begun"] != record["started"],
    }


def _publish(job: Job, result: Path) -> Restoration:
    """Give the finished folder its name in one step."""
    sync_folder(result)
    if job.result.exists():
        raise OutputInTheWay("appeared while this restoration was running; move it", job.result)
    result.rename(job.result)
    sync_folder(job.output)
    remove_folder(job.folder)
    return read_restoration(job.result, job.master)
