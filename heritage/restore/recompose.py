"""What staff decided about regions becomes files: composed anew from master and layer.

No model runs. The fills that were taken back are gone from mask and layer, and the restored file is
the master's own there; everything else is, bit by bit, what was proposed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from heritage.damage.masks import open_mask
from heritage.damage.regions import find_regions
from heritage.errors import MasterRefused, VerificationFailed
from heritage.restore.blocks import RestoredBlocks
from heritage.restore.findings import evidence, evidence_findings, hash_findings, record_findings
from heritage.restore.layer import gdal_environment
from heritage.restore.lock import RestorationLock
from heritage.restore.pictures import compose_pictures
from heritage.restore.provenance import (
    describe_composed,
    describe_master,
    describe_regions,
    file_names,
    identity_of_review,
    read_provenance,
    software,
    write_provenance,
)
from heritage.restore.restoration import Restoration, is_done, read_restoration
from heritage.restore.storage import remove_folder, require_space, storage, sync, sync_folder
from heritage.restore.taking_back import KeptFills, reduce_mask
from heritage.tiff import inspect, open_master, sha256_file

CACHE = 64 << 20
"""Bytes of restored blocks that are kept."""

Progress = Callable[[int, int], None]


def recompose(
    folder: Path,
    master: Path,
    rejected: Collection[int],
    output: Path,
    decisions: Mapping[str, Any],
    progress: Progress | None = None,
) -> Restoration:
    """Write a restoration as staff decided it; killed at any moment, the same call succeeds.

    Args:
        folder: The finished restoration, ``OUTPUT/NAME``.
        master: Where its master lies now.
        rejected: Numbers of the regions whose fill is taken back, as ``heritage.damage.regions``
            numbers those of its mask.
        output: Another folder; it receives ``NAME`` with the same set of files.
        decisions: JSON values that the record is to tell: who, when, what the picture shows.
        progress: Called with pixels done and pixels in all.

    Returns:
        What lies in ``output/NAME``; ``skipped`` if it lay there before.

    Raises:
        BadSetting: If a region is not there, or no fill would be left.
        MasterRefused: If it is not the recorded master, or changed meanwhile.
        OutputInTheWay: If something else lies there.
        RestorationBusy: If somebody else is composing it.
        VerificationFailed: If the restoration is not what its record says.
        StorageFailed: If a file cannot be read or written.
    """
    folder, output = folder.resolve(), output.resolve()
    with storage(output):
        output.mkdir(parents=True, exist_ok=True)
        with RestorationLock(output, folder.name), gdal_environment():
            record = _sound_record(folder)
            review = _review(folder, record, rejected, decisions)
            result = output / folder.name
            if is_done(result, identity_of_review(review), "something else, or other decisions"):
                _require_recorded(master, "sha256", sha256_file(master), record)
                return read_restoration(result, master, skipped=True)
            with _work_folder(output, folder) as work:
                facts = _write(folder, master, record, review["rejected"], work, result, progress)
                _record(work, folder.name, {**record, **facts}, review)
                work.rename(result)
            sync_folder(output)
            return read_restoration(result, master)


def _sound_record(folder: Path) -> dict[str, Any]:
    """The record of a restoration whose mask, layer and evidence are what it says."""
    names = file_names(folder.name)
    path = folder / names["provenance"]
    if not path.is_file():
        raise VerificationFailed("is missing; say where the finished restoration lies", path)
    try:
        record = read_provenance(path)
    except ValueError as error:
        raise VerificationFailed(f"is unusable: {error}; restore again", path) from None
    files = {kind: folder / names[kind] for kind in ("mask", "layer")}
    for check in (
        record_findings(folder, record),
        hash_findings(files, record),
        evidence_findings(folder, record),
    ):
        for finding in check:
            raise VerificationFailed(f"{finding.sentence}; restore again", finding.file)
    return record


def _review(
    folder: Path,
    record: Mapping[str, Any],
    rejected: Collection[int],
    decisions: Mapping[str, Any],
) -> dict[str, Any]:
    """What the record is to say of the decisions."""
    review: dict[str, Any] = {
        "of": sha256_file(folder / file_names(folder.name)["provenance"]),
        "rejected": sorted({int(number) for number in rejected}),
        "decisions": dict(decisions),
    }
    earlier = record.get("review")
    return review if earlier is None else {**review, "earlier": earlier}


@contextmanager
def _work_folder(output: Path, folder: Path) -> Iterator[Path]:
    """A new folder that nobody looks at; nothing of it is left where something fails."""
    names = file_names(folder.name)
    work = output / f".{folder.name}.signing"
    remove_folder(work)
    sizes = ((folder / names[kind]).stat().st_size for kind in ("restored", "layer", "mask"))
    require_space(output, sum(sizes))
    work.mkdir()
    try:
        yield work
    except BaseException:
        remove_folder(work)
        raise


def _write(
    folder: Path,
    source: Path,
    record: Mapping[str, Any],
    rejected: list[int],
    work: Path,
    result: Path,
    progress: Progress | None,
) -> dict[str, Any]:
    """Write all files but the record, and return the parts of it that they change."""
    names, page = file_names(folder.name), record["master"]["page"]
    info = inspect(source, page)
    for member in ("bytes", "height", "width", "samples", "dtype"):
        _require_recorded(source, member, getattr(info, member), record)
    for file, _ in evidence(folder, record):
        shutil.copyfile(file, work / file.name)
        sync(work / file.name)
    pixels = reduce_mask(folder / names["mask"], rejected, work / names["mask"], record)
    with (
        open_master(source, page, 0) as master,
        open_mask(work / names["mask"]) as mask,
        closing(KeptFills(folder / names["layer"], mask, info)) as fills,
    ):
        blocks = RestoredBlocks(fills.read, mask, CACHE)
        composed = compose_pictures(work, names, master, mask, blocks, pixels, progress)
        _require_recorded(source, "sha256", composed.source_sha256, record)
        regions = describe_regions(find_regions(mask))
    hashes = {kind: sha256_file(work / names[kind]) for kind in ("mask", "layer")}
    return {
        "master": {
            **record["master"],
            **describe_master(info, composed.source_sha256, result),
        },
        "mask": {**record["mask"], "sha256": hashes["mask"], "pixels": pixels},
        "layer": {**record["layer"], "sha256": hashes["layer"]},
        "restored": describe_composed(composed, names["restored"]),
        "regions": regions,
    }


def _require_recorded(source: Path, member: str, found: object, record: Mapping[str, Any]) -> None:
    """Refuse another master than the one that was restored."""
    said = record["master"].get(member)
    if found != said:
        raise MasterRefused(
            f"is not the master that was restored: its {member} is {found}, recorded is {said}; "
            "say where that one lies now",
            source,
        )


def _record(work: Path, name: str, record: dict[str, Any], review: dict[str, Any]) -> None:
    """Write the provenance: nothing in it depends on when it was written."""
    for member in ("format", "version", "statement"):
        record.pop(member)
    told = {"identity": identity_of_review(review), "review": {**review, "software": software()}}
    write_provenance(work / file_names(name)["provenance"], {**record, **told})
    sync_folder(work)
