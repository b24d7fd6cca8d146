"""Finish a restoration: layer, restored file, record; and only then a name that others see."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from heritage.errors import OutputInTheWay, StorageFailed
from heritage.restore.allocator import keep_memory_steady
from heritage.restore.canonical import digest
from heritage.restore.inpainters import card_of
from heritage.restore.job import Job, open_job
from heritage.restore.lock import RestorationLock, held_here
from heritage.restore.pictures import write_pictures
from heritage.restore.provenance import (
    EVIDENCE,
    describe_composed,
    describe_master,
    file_names,
    now,
    software,
    write_provenance,
)
from heritage.restore.restoration import Restoration, read_restoration
from heritage.restore.storage import remove_folder, storage, sync, sync_folder
from heritage.tiff import Composed, MasterInfo, sha256_file


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
    for kind in EVIDENCE if "proposal" in job.record["mask"] else ():
        file = job.record["mask"]["proposal"][kind]["file"]
        shutil.copyfile(job.folder / file, result / file)
        sync(result / file)
    info, note, composed = write_pictures(job, result, progress)
    _record(job, info, note, composed, devices, result)
    return _publish(job, result)


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
