"""What a restoration will be before it is begun: windows, pixels, seconds, memory and disk.

Everything that costs little is done as it would be done, in a temporary folder: the master is
inspected, its mask imported, the regions found, the windows planned. Nothing is written beside the
master or into the output folder.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heritage.damage.masks import MaskReader, find_mask, import_mask, open_mask
from heritage.damage.regions import find_regions
from heritage.errors import NothingToRestore
from heritage.restore import memory
from heritage.restore.canonical import digest
from heritage.restore.colour import WorkingSpace
from heritage.restore.devices import load_inpainters
from heritage.restore.inpainters import card_of
from heritage.restore.job import work_folder
from heritage.restore.names import restoration_name
from heritage.restore.options import Options
from heritage.restore.paces import (
    SECONDS,
    Work,
    byte_seconds,
    remembered,
    seconds_from,
    trial,
)
from heritage.restore.plan import BATCH, Plan, make_plan
from heritage.restore.prepare import DEFAULT_OUTPUT, disk_needed, identity_of, is_done, needs_of
from heritage.restore.sampling import Sampler
from heritage.restore.storage import require_space
from heritage.restore.workload import Load, loads
from heritage.tiff import MasterInfo, inspect, open_master, sha256_file

if TYPE_CHECKING:
    from models.inpainter import Inpainter

_BLOCK = 512  # pixels; the layer is blended and written in such blocks
_BLOCK_SECONDS = 0.02  # for one of them: read, blended, compressed, read again (measured)
_RANGE_SECONDS = 0.05  # a megapixel of a master whose range of values is looked for (measured)
_START_SECONDS = 0.2  # files, locks and folders, and waiting for the disk to have them (measured)


@dataclass(frozen=True)
class Forecast:
    """What is to be expected of one master.

    Attributes:
        source: The master.
        name: Of its restoration.
        model: The inpainter's name.
        regions: Damaged regions.
        damaged_pixels: Pixels of the mask.
        share: The same as a part of all pixels, 0..1.
        windows: That the model will see.
        megapixels: That it will compute, context and overlaps included.
        levels: Scales: more than one where a loss is larger than a window.
        batch: Windows computed together.
        seconds: From the first byte read to the finished folder.
        memory: Bytes of the process at its peak.
        disk: Bytes that the output folder's disk must have free.
        done: The restoration is there already; nothing would be done.
        begun: An interrupted run would be continued, and take less than is said here.
    """

    source: Path
    name: str
    model: str
    regions: int = 0
    damaged_pixels: int = 0
    share: float = 0.0
    windows: int = 0
    megapixels: float = 0.0
    levels: int = 0
    batch: int = 0
    seconds: float = 0.0
    memory: int = 0
    disk: int = 0
    done: bool = False
    begun: bool = False

    def to_json(self) -> dict[str, Any]:
        """Fields for a JSON answer."""
        return asdict(self) | {
            "source": str(self.source),
            "megapixels": round(self.megapixels, 3),
            "seconds": round(self.seconds, 2),
        }


class Forecaster:
    """Forecasts for many masters, with one model on one device.

    It fills a few windows of every master on trial until it has learnt enough.

    Args:
        model: Name of an inpainter; None: the default.
        device: ``auto`` or a torch device.
        options: Parameters of the restorations.
        learning: Seconds that all trials together may take.

    Raises:
        UnknownModel: If there is no such inpainter.
    """

    def __init__(
        self,
        model: str | None = None,
        device: str = "auto",
        options: Options | None = None,
        learning: float = 3 * SECONDS,
    ) -> None:
        self._card = card_of(model)
        self._device = device
        self._options = options or Options()
        self._left = learning
        self._learnt: list[Work] = []

    def forecast(
        self,
        source: Path | str,
        mask: Path | str | None = None,
        output: Path | str | None = None,
        name: str | None = None,
    ) -> Forecast:
        """Look at one master; write nothing that stays.

        Args:
            source: The master.
            mask: Its mask; None: the one beside it.
            output: Folder that would receive ``NAME/``.
            name: ``NAME``; None: from the master's file name.

        Raises:
            HeritageError: Whatever would keep ``restore`` from restoring it, with the reason.
        """
        started = time.perf_counter()
        master, folder = Path(source), Path(output) if output is not None else DEFAULT_OUTPUT
        name = name or restoration_name(master)
        info = inspect(master, self._options.page)
        found = Path(mask) if mask is not None else find_mask(master)
        if found is None:
            raise NothingToRestore(
                f"has no mask; put {name}.mask.tif beside it or give one", master
            )
        with tempfile.TemporaryDirectory(prefix="heritage-") as scratch:
            imported = Path(scratch) / "mask.tif"
            marked = import_mask(found, imported, info.height, info.width)
            if (folder / name).exists() and self._is_done(info, marked.sha256, folder / name):
                return Forecast(master, name, self._card.name, done=True)
            budget = self._budget(info, marked.pixels)
            disk = disk_needed(info, marked.pixels)
            require_space(_nearest(folder), disk)
            with open_mask(imported) as reader:
                regions = find_regions(reader)
                plan = make_plan(
                    regions, info.height, info.width, reader.read, batch=budget.batch,
                    **self._options.plan_arguments(),
                )  # fmt: skip
                # Before the trial, which leaves something behind in this process.
                predicted = self._memory(info, plan, marked.pixels, budget)
                looking = time.perf_counter() - started
                seconds = looking + self._fixed(info, reader, Path(scratch))
                seconds += self._computing(info, reader, plan, budget.cache)
        return Forecast(
            source=master,
            name=name,
            model=self._card.name,
            regions=len(regions),
            damaged_pixels=marked.pixels,
            share=marked.pixels / (info.height * info.width),
            windows=len(plan.windows),
            megapixels=sum(window.box.area for window in plan.windows) / 1e6,
            levels=plan.levels,
            batch=plan.batch,
            seconds=seconds,
            memory=predicted,
            disk=disk,
            begun=(work_folder(folder, name) / "job.json").exists(),
        )

    def _budget(self, info: MasterInfo, damaged: int) -> memory.Budget:
        options = self._options
        wanted = options.batch or BATCH
        return memory.fit(
            info, options.window, wanted, needs_of(self._card), options.memory, damaged
        )

    def _memory(self, info: MasterInfo, plan: Plan, damaged: int, budget: memory.Budget) -> int:
        """Bytes at the peak: less than what is set aside where no batch is full."""
        windows = plan.windows
        largest = max(
            (sum(windows[n].box.area for n in batch) for batch in plan.batches), default=0
        )
        return memory.predict_memory(
            info, plan.size, plan.batch, budget.cache, needs_of(self._card), damaged, largest
        )

    def _is_done(self, info: MasterInfo, mask: str, result: Path) -> bool:
        """Whether this very restoration is there; only then must the master be hashed."""
        master = sha256_file(info.path)
        identity = identity_of(info, master, mask, self._card, self._options)
        return is_done(result, digest(identity))

    def _fixed(self, info: MasterInfo, mask: MaskReader, scratch: Path) -> float:
        """Seconds for all that the model has no part in."""
        seconds = _START_SECONDS + info.bytes * byte_seconds(info.path, scratch)
        blocks = {(box.y0 // _BLOCK, box.x0 // _BLOCK) for box in mask.blocks()}
        seconds += _BLOCK_SECONDS * len(blocks) * info.samples / 3
        if WorkingSpace.of(info, (0.0, 1.0)).may_be_unusable:
            seconds += _RANGE_SECONDS * info.height * info.width / 1e6
        return seconds

    def _computing(self, info: MasterInfo, mask: MaskReader, plan: Plan, cache: int) -> float:
        """Seconds for the model's part."""
        inpainters = load_inpainters(self._card.name, self._device)
        whole = Work.of(sum(loads(plan, mask, 0), Load()))
        return self._on_one(inpainters[0], info, mask, plan, cache, whole) / len(inpainters)

    def _on_one(
        self,
        inpainter: Inpainter,
        info: MasterInfo,
        mask: MaskReader,
        plan: Plan,
        cache: int,
        whole: Work,
    ) -> float:
        """Seconds for all windows on one device."""
        if self._card.kind == "gan" and (before := remembered(inpainter)).tells_of(whole):
            return before.seconds_for(whole)
        if self._left > 0 or not self._learnt:
            with open_master(info.path, info.page, cache) as master:
                sampler = Sampler(inpainter, master, mask, self._options.grain)
                with sampler.at_work():
                    tried = trial(plan.windows, sampler, min(max(self._left, 0.0), SECONDS))
            self._left -= sum(one.seconds for one in tried)
            self._learnt += tried
            return seconds_from(tried, whole)
        # Masters enough have been tried; another one would only take time.
        return seconds_from(self._learnt, whole)


def forecast(
    source: Path | str,
    mask: Path | str | None = None,
    model: str | None = None,
    output: Path | str | None = None,
    device: str = "auto",
    *,
    options: Options | None = None,
) -> Forecast:
    """What ``heritage.restore`` would do and take, for the same arguments, writing nothing."""
    return Forecaster(model, device, options).forecast(source, mask, output)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    absolute = folder.absolute()
    return next(place for place in (absolute, *absolute.parents) if place.is_dir())
