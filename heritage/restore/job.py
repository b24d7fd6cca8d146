"""A restoration under way: what it is, where its work lies, and what is left to do.

Everything a run needs to go on lies in ``OUTPUT/.NAME.work``: ``job.json`` (what is being done,
written last), ``plan.json``, ``regions.json``, ``mask.tif`` and the finished batches.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heritage.closing import Closing
from heritage.errors import MasterRefused, StorageFailed
from heritage.restore.canonical import digest
from heritage.restore.colour import WorkingSpace
from heritage.restore.lock import RestorationLock
from heritage.restore.patches import PatchFolder
from heritage.restore.plan import Plan
from heritage.restore.storage import storage
from heritage.tiff import MasterInfo

FORMAT = 1


def work_folder(output: Path, name: str) -> Path:
    """Where the unfinished work of a restoration lies."""
    return output / f".{name}.work"


@dataclass(frozen=True)
class Job(Closing):
    """One restoration of one master; ``close`` it, or use it as a context, to let others in.

    Args:
        name: ``NAME`` of the restoration.
        output: The folder that receives ``NAME/``.
        folder: The work folder.
        record: What ``job.json`` holds.
        plan: The windows; None when there is nothing left to do.
        done: ``OUTPUT/NAME`` already holds the result of this very job.
        continued: An earlier, interrupted run is being continued.
        lock: Held while the job is open.
    """

    name: str
    output: Path
    folder: Path
    record: dict[str, Any] = field(repr=False)
    plan: Plan | None = field(repr=False)
    done: bool = False
    continued: bool = False
    lock: RestorationLock | None = field(default=None, repr=False, compare=False)

    @property
    def result(self) -> Path:
        """The folder that the finished restoration has."""
        return self.output / self.name

    @property
    def master(self) -> Path:
        """The master's path."""
        return Path(self.record["master"]["path"])

    @property
    def mask(self) -> Path:
        """The mask as imported."""
        return self.folder / "mask.tif"

    @property
    def model(self) -> str:
        """Name of the inpainter."""
        return str(self.record["identity"]["model"])

    @property
    def page(self) -> int:
        """Which page of the master is restored."""
        return int(self.record["identity"]["page"])

    @property
    def regions(self) -> int:
        """How many regions the mask has."""
        return int(self.record["regions"])

    @property
    def damaged_pixels(self) -> int:
        """How many pixels the mask has."""
        return int(self.record["mask"]["pixels"])

    def space(self, info: MasterInfo) -> WorkingSpace:
        """The working space of the master."""
        limits = self.record["value_range"]
        return WorkingSpace.of(info, None if limits is None else (limits[0], limits[1]))

    def wants_grain(self, space: WorkingSpace) -> bool:
        """Whether fills get grain: asked for, sensible here, and no tool of the tests."""
        asked = bool(self.record["options"]["grain"]) and self.record["kind"] != "test"
        return asked and space.has_grain

    def patches(self, cache: int = 0) -> PatchFolder:
        """The finished batches.

        Args:
            cache: Bytes of patches to keep in memory.
        """
        plan = self._planned()
        signature = digest({key: self.record[key] for key in ("identity", "heritage", "plan")})
        return PatchFolder(self.folder / "patches", plan.batches, signature, cache)

    def pending(self) -> list[int]:
        """Numbers of the batches not yet on disk, or no longer whole, in the order to run them."""
        if self.done:
            return []
        patches = self.patches()
        with storage(self.folder):
            return [n for n in range(len(self._planned().batches)) if patches.device(n) is None]

    def stages(self, batches: list[int] | None = None) -> list[list[int]]:
        """Pending batches, or those given, by scale: a stage needs all earlier ones.

        Batches of one stage may run side by side, in one process or in several.
        """
        plan = self._planned()
        stages: list[list[int]] = []
        last = None
        for number in sorted(self.pending() if batches is None else batches):
            level = plan.windows[plan.batches[number][0]].level
            if level != last:
                stages.append([])
            stages[-1].append(number)
            last = level
        return stages

    def require_unchanged_master(self) -> None:
        """Make sure that the master is still the file that was hashed.

        Raises:
            MasterRefused: If its size or time of change differ.
            StorageFailed: If it is gone.
        """
        said = self.record["master"]
        with storage(self.master):
            now = self.master.stat()
        if (now.st_size, now.st_mtime_ns) != (said["bytes"], said["mtime_ns"]):
            raise MasterRefused("changed while it was being restored; run again", self.master)

    def close(self) -> None:
        """Release the lock."""
        if self.lock is not None:
            self.lock.release()

    def _planned(self) -> Plan:
        if self.plan is None:
            raise StorageFailed("is finished; there is no plan left to follow", self.result)
        return self.plan


def open_job(folder: Path) -> Job:
    """The job whose work lies in a folder, without its lock: for those who run its batches.

    Raises:
        StorageFailed: If there is none, or it cannot be read.
    """
    record = read_record(folder)
    if record is None:
        raise StorageFailed("holds no restoration under way; run restore again", folder)
    with storage(folder):
        text = (folder / "plan.json").read_bytes()
    return Job(
        name=record["name"],
        output=folder.parent,
        folder=folder,
        record=record,
        plan=Plan.from_json(text),
        continued=True,
    )


def read_record(folder: Path) -> dict[str, Any] | None:
    """What ``job.json`` says, or None where there is no usable one."""
    try:
        record = json.loads((folder / "job.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    usable = isinstance(record, dict) and record.get("format") == FORMAT
    return record if usable else None
