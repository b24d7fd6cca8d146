"""Begin a restoration, or find the one that was begun."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import heritage
from heritage.damage.masks import MaskInfo, MaskReader, find_mask, import_mask, open_mask
from heritage.damage.regions import find_regions
from heritage.errors import NotEnoughMemory, NothingToRestore, OutputInTheWay, StorageFailed
from heritage.restore import memory
from heritage.restore.allocator import keep_memory_steady
from heritage.restore.canonical import canonical_json, digest
from heritage.restore.colour import Native, needs_value_range, value_range
from heritage.restore.inpainters import card_of
from heritage.restore.job import FORMAT, Job, read_record, work_folder
from heritage.restore.lock import RestorationLock
from heritage.restore.names import restoration_name
from heritage.restore.options import Options
from heritage.restore.plan import BATCH, Plan, make_plan
from heritage.restore.provenance import EVIDENCE, describe_regions, file_names, now, read_provenance
from heritage.restore.scan import scan_boxes
from heritage.restore.storage import (
    megabytes,
    remove_folder,
    require_space,
    storage,
    sync,
    write_atomically,
)
from heritage.tiff import Master, MasterInfo, inspect, open_master, sha256_file

if TYPE_CHECKING:
    from models import InpainterCard

DEFAULT_OUTPUT = Path("restored")


def prepare(
    source: Path | str,
    mask: Path | str | None = None,
    model: str | None = None,
    output: Path | str | None = None,
    *,
    options: Options | None = None,
    name: str | None = None,
    proposal: Mapping[str, Any] | None = None,
) -> Job:
    """Hash, inspect, import the mask, plan; or continue what an interrupted run left.

    Args:
        source: The master.
        mask: Its mask; None: the one beside it.
        model: Name of an inpainter; None: the default.
        output: Folder that receives ``NAME/``; None: ``restored`` in the current folder.
        options: Parameters.
        name: ``NAME``; None: from the master's file name.
        proposal: What is to be told of a mask that a machine proposed; None: a person's. Its
            ``EVIDENCE`` lies beside the mask and is kept with the result.

    Returns:
        A job that holds its lock: close it.

    Raises:
        HeritageError: One of its kinds, if the master, the mask, the model or the place cannot be
            used, or somebody else is at it.
    """
    keep_memory_steady()
    master, folder = Path(source), Path(output) if output is not None else DEFAULT_OUTPUT
    options = options or Options()
    name = name or restoration_name(master)
    card = card_of(model)
    info = inspect(master, options.page)
    found = Path(mask) if mask is not None else find_mask(master)
    if found is None:
        raise NothingToRestore(f"has no mask; put {name}.mask.tif beside it or give one", master)
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = RestorationLock(folder, name)
    try:
        job = _prepare_locked(info, found, card, folder, name, options, proposal)
        return replace(job, lock=lock)
    except BaseException:
        _remove_unused(work_folder(folder, name))
        lock.release()
        raise


def _prepare_locked(
    info: MasterInfo,
    mask: Path,
    card: InpainterCard,
    output: Path,
    name: str,
    options: Options,
    proposal: Mapping[str, Any] | None,
) -> Job:
    work = work_folder(output, name)
    with storage(work):
        (work / "patches").mkdir(parents=True, exist_ok=True)
        imported = work / "incoming.tif"
        with ThreadPoolExecutor(1, "hash") as beside:
            hashed = beside.submit(sha256_file, info.path)
            mask_info = import_mask(mask, imported, info.height, info.width)
            sync(imported)
        identity = identity_of(info, hashed.result(), mask_info.sha256, card, options)
        if is_done(output / name, digest(identity)):
            remove_folder(work)
            record = _record(info, name, identity, mask_info, proposal)
            return Job(name, output, work, record, None, done=True)
        before = _continued(work, identity)
        if before is not None:
            imported.unlink()
            return _refitted(before, info, card, options)
        _clear(work, keep=imported)
        imported.replace(work / "mask.tif")
        _keep_evidence(mask.parent, work, proposal)
        record = _record(info, name, identity, mask_info, proposal)
        return _planned(info, mask_info, record, card, work, name, options)


def _keep_evidence(found: Path, work: Path, proposal: Mapping[str, Any] | None) -> None:
    """Copy what a search and a policy said, before another run of them says something else."""
    if proposal is None:
        return
    for kind in EVIDENCE:
        said = proposal[kind]
        kept = work / said["file"]
        shutil.copyfile(found / said["file"], kept)
        sync(kept)
        if sha256_file(kept) != said["sha256"]:
            raise StorageFailed("changed while it was being used; run again", found / said["file"])


def identity_of(
    info: MasterInfo, master: str, mask: str, card: InpainterCard, options: Options
) -> dict[str, Any]:
    """What makes a restoration this one and no other.

    Args:
        info: The master.
        master: SHA-256 of its file.
        mask: SHA-256 of the mask as it is kept.
        card: Of the inpainter.
        options: Parameters; only those that change pixels count.
    """
    return {
        "master": master,
        "page": info.page,
        "mask": mask,
        "model": card.name,
        "weights": card.sha256,
        "options": options.identity(),
    }


def _record(
    info: MasterInfo,
    name: str,
    identity: dict[str, Any],
    mask: MaskInfo,
    proposal: Mapping[str, Any] | None,
) -> dict[str, Any]:
    proposed = {} if proposal is None else {"proposal": dict(proposal)}
    return {
        "format": FORMAT,
        "heritage": heritage.__version__,
        "name": name,
        "identity": identity,
        "master": _place(info),
        "mask": {
            "sha256": mask.sha256,
            "pixels": mask.pixels,
            "source": Path(mask.source).name,
            "source_sha256": mask.source_sha256,
            **proposed,
        },
    }


def _planned(
    info: MasterInfo,
    mask_info: MaskInfo,
    known: dict[str, Any],
    card: InpainterCard,
    work: Path,
    name: str,
    options: Options,
) -> Job:
    """Look at the mask and the master once, and write down what is going to be done."""
    started = now()
    arguments = options.plan_arguments()
    wanted = options.batch or BATCH
    damaged = mask_info.pixels
    budget = memory.fit(info, options.window, wanted, needs_of(card), options.memory, damaged)
    require_space(work, disk_needed(info, damaged))
    with open_mask(work / "mask.tif") as reader:
        regions = find_regions(reader)
        plan = make_plan(
            regions, info.height, info.width, reader.read, batch=budget.batch, **arguments
        )
        limits = None
        if needs_value_range(info.dtype) and info.colour in ("grey", "rgb", "cmyk"):
            with open_master(info.path, info.page, budget.cache) as master:
                limits = value_range(_known_colours(master, reader))
    record = known | {
        "kind": card.kind,
        "plan": sha256(plan.to_json()).hexdigest(),
        "options": options.to_json(),
        "value_range": limits,
        "regions": len(regions),
        "cache": budget.cache,
        "memory": budget.predicted,
        "begun": started,
        "started": started,
    }
    write_atomically(work / "regions.json", canonical_json(describe_regions(regions)))
    write_atomically(work / "plan.json", plan.to_json())
    write_atomically(work / "job.json", canonical_json(record))
    return Job(name, work.parent, work, record, plan)


def _place(info: MasterInfo) -> dict[str, Any]:
    """Where the master lies and how to tell that it changed."""
    stat = info.path.stat()
    path = str(info.path.resolve())
    return {"path": path, "bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _known_colours(master: Master, mask: MaskReader) -> Iterator[Native]:
    colours = master.info.colour_samples
    for box in scan_boxes(master.info):
        yield master.read(box)[~mask.read(box)][:, :colours]


def is_done(result: Path, identity: str) -> bool:
    """Whether the result is there already.

    Raises:
        OutputInTheWay: If something else is.
    """
    if not result.exists():
        return False
    names = file_names(result.name)
    try:
        said = read_provenance(result / names["provenance"])
        missing = [name for name in names.values() if not (result / name).is_file()]
        if missing:
            raise ValueError(f"without {', '.join(missing)}")
    except (OSError, ValueError):
        raise OutputInTheWay(
            "is in the way and is not a finished restoration; move it or choose another output",
            result,
        ) from None
    if said["identity"] != identity:
        raise OutputInTheWay(
            "holds a restoration of another master, mask, model or parameters; "
            "move it or choose another output",
            result,
        )
    return True


def _continued(work: Path, identity: dict[str, Any]) -> Job | None:
    """The job in a work folder, if it is this one, begun by this version of the software."""
    record = read_record(work)
    if record is None or record.get("identity") != identity:
        return None
    if record.get("heritage") != heritage.__version__:
        return None
    try:
        plan = Plan.from_json((work / "plan.json").read_bytes())
        intact = sha256_file(work / "mask.tif") == identity["mask"]
    except (FileNotFoundError, StorageFailed, ValueError, KeyError):
        return None
    if not intact or not (work / "regions.json").is_file():
        return None
    return Job(record["name"], work.parent, work, record, plan, continued=True)


def needs_of(card: InpainterCard) -> memory.Appetite:
    """What an inpainter takes of the memory."""
    alive = card.details.get("memory")
    known = float(alive) if isinstance(alive, int | float) else None
    return memory.appetite(card.kind, card.parameters, known)


def _refitted(job: Job, info: MasterInfo, card: InpainterCard, options: Options) -> Job:
    """The job with what may change between runs: the master's place, the memory there is."""
    assert job.plan is not None
    batch = job.plan.batch
    needs, damaged = needs_of(card), job.damaged_pixels
    budget = memory.fit(info, options.window, batch, needs, options.memory, damaged)
    if budget.batch < batch:
        raise NotEnoughMemory(
            f"was begun with more memory than {megabytes(options.memory)}; "
            f"allow as much again, or remove {job.folder} to start anew",
            info.path,
        )
    record = job.record | {
        "master": _place(info),
        "cache": budget.cache,
        "memory": budget.predicted,
        "options": options.to_json(),
        "started": now(),
    }
    write_atomically(job.folder / "job.json", canonical_json(record))
    return replace(job, record=record)


def disk_needed(info: MasterInfo, damaged: int) -> int:
    """Bytes for the restored file, the layer, the mask and the unfinished work, roughly upwards."""
    raw = info.height * info.width * info.pixel_bytes
    restored = raw if info.lossy or not info.rewritable else info.bytes
    return restored + damaged * (2 * info.pixel_bytes + 16) + (16 << 20)


def _clear(work: Path, keep: Path) -> None:
    for entry in work.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry != keep:
            entry.unlink()
    (work / "patches").mkdir()


def _remove_unused(work: Path) -> None:
    """Leave nothing behind where nothing was begun."""
    if work.is_dir() and not (work / "job.json").exists():
        remove_folder(work)
    else:
        (work / "incoming.tif").unlink(missing_ok=True)
