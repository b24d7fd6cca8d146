"""What staff decided about regions becomes files: composed anew from master and layer.

No model runs. The fills that were taken back are gone from mask and layer, and the restored file is
the master's own there; everything else is, bit by bit, what was proposed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heritage.damage.mask_writing import Piece, write_mask
from heritage.damage.masks import MaskReader, open_mask
from heritage.damage.policy.numbering import Numbering
from heritage.damage.regions import find_regions
from heritage.errors import BadSetting, MasterRefused, OutputInTheWay, VerificationFailed
from heritage.geometry import Box
from heritage.restore.blocks import Native, RestoredBlocks
from heritage.restore.canonical import digest
from heritage.restore.layer import LayerReader, gdal_environment
from heritage.restore.lock import RestorationLock
from heritage.restore.pictures import compose_pictures
from heritage.restore.provenance import (
    EVIDENCE,
    describe_composed,
    describe_master,
    describe_regions,
    file_names,
    read_provenance,
    software,
    write_provenance,
)
from heritage.restore.restoration import Restoration, read_restoration
from heritage.restore.storage import (
    remove_folder,
    require_space,
    storage,
    sync,
    sync_folder,
)
from heritage.tiff import open_master, sha256_file

CACHE = 64 << 20
"""Bytes of decoded master, and of restored blocks, that are kept."""

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
        VerificationFailed: If the restoration is not what its record says.
        StorageFailed: If a file cannot be read or written.
    """
    folder, output = folder.resolve(), output.resolve()
    with storage(output):
        output.mkdir(parents=True, exist_ok=True)
    with RestorationLock(output, folder.name), storage(output), gdal_environment():
        record = _sound_record(folder)
        gone = sorted(rejected)
        review = {
            "of": sha256_file(folder / file_names(folder.name)["provenance"]),
            "rejected": gone,
            "decisions": dict(decisions),
        }
        identity = digest(review)
        result = output / folder.name
        if result.exists():
            return _already_there(result, master, identity)
        work = output / f".{folder.name}.signing"
        remove_folder(work)
        names = file_names(folder.name)
        restored = (folder / names["restored"]).stat().st_size
        require_space(output, restored + (folder / names["layer"]).stat().st_size)
        work.mkdir()
        facts = _write(folder, master, record, gone, work, result, progress)
        said = record | facts | {"identity": identity, "review": {**review, "software": software()}}
        for member in ("format", "version", "statement"):
            said.pop(member)
        write_provenance(work / names["provenance"], said)
        sync_folder(work)
        work.rename(result)
        sync_folder(output)
        return read_restoration(result, master)


def _sound_record(folder: Path) -> dict[str, Any]:
    """The record of a restoration whose mask and layer are what it says."""
    path = folder / file_names(folder.name)["provenance"]
    try:
        record = read_provenance(path)
    except (OSError, ValueError) as error:
        raise VerificationFailed(f"is unusable: {error}", path) from None
    for kind in ("mask", "layer"):
        file = folder / file_names(folder.name)[kind]
        if not file.is_file() or sha256_file(file) != record[kind]["sha256"]:
            raise VerificationFailed("is not the file of the record; restore again", file)
    return record


def _already_there(result: Path, master: Path, identity: str) -> Restoration:
    try:
        same = read_provenance(result / file_names(result.name)["provenance"])["identity"]
    except (OSError, ValueError):
        same = None
    if same != identity:
        raise OutputInTheWay("holds something else; move it, or choose another output", result)
    return read_restoration(result, master, skipped=True)


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
    names = file_names(folder.name)
    pixels = _reduce_mask(folder / names["mask"], rejected, work / names["mask"])
    for kind in EVIDENCE if "proposal" in record["mask"] else ():
        file = Path(record["mask"]["proposal"][kind]["file"]).name
        shutil.copyfile(folder / file, work / file)
        sync(work / file)
    with ExitStack() as opened:
        master = opened.enter_context(open_master(source, record["master"]["page"], CACHE))
        mask = opened.enter_context(open_mask(work / names["mask"]))
        layer = opened.enter_context(LayerReader(folder / names["layer"], master.info.dtype))

        def kept(block: Box) -> Native:
            return layer.read(block)[0][mask.read(block)]

        blocks = RestoredBlocks(kept, mask, CACHE)
        composed = compose_pictures(work, names, master, mask, blocks, pixels, progress)
        if composed.source_sha256 != record["master"]["sha256"]:
            raise MasterRefused("is not the master that was restored", source)
        regions = describe_regions(find_regions(mask))
        return {
            "master": describe_master(master.info, composed.source_sha256, result),
            "mask": record["mask"]
            | {"sha256": sha256_file(work / names["mask"]), "pixels": pixels},
            "layer": {"file": names["layer"], "sha256": sha256_file(work / names["layer"])},
            "restored": describe_composed(composed, names["restored"]),
            "regions": regions,
        }


def _reduce_mask(before: Path, rejected: list[int], after: Path) -> int:
    """Write the mask without the rejected regions; the same bytes where none is. Returns pixels."""
    with open_mask(before) as mask:
        numbering = Numbering(mask)
        keep = np.ones(len(numbering.areas), np.bool_)
        keep[0] = False
        unknown = [number for number in rejected if not 0 < number < len(keep)]
        if unknown:
            raise BadSetting(f"there is no region {unknown[0]} in this restoration", before)
        keep[rejected] = False
        if not keep.any():
            raise BadSetting("every fill was taken back: nothing is left to compose", before)
        pixels = int(numbering.areas[keep].sum())
        if rejected:
            write_mask(after, mask.height, mask.width, _pieces(mask, numbering, keep))
        else:
            shutil.copyfile(before, after)
    sync(after)
    return pixels


def _pieces(mask: MaskReader, numbering: Numbering, keep: NDArray[np.bool_]) -> Iterator[Piece]:
    for tile in mask.blocks():
        yield tile.y0, tile.x0, keep[numbering.read(tile)].astype(np.uint8) * 255
