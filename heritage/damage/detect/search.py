"""Search a whole master for damage, window by window; what is found is proposed, never applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heritage.ahead import in_turn
from heritage.damage.detect.finding import Detector
from heritage.damage.detect.preview import Preview
from heritage.damage.detect.proposal import FoundRegion, Proposal
from heritage.damage.detect.reading import read_damage
from heritage.damage.detect.record import damage_json
from heritage.damage.detect.spool import Spool
from heritage.damage.detect.windows import WindowSearch, space_of, windows_of
from heritage.damage.mask_writing import TILE, Piece, write_mask
from heritage.errors import BadSetting, MasterRefused, NotEnoughMemory, OutputInTheWay
from heritage.geometry import Box
from heritage.restore.storage import (
    megabytes,
    partial_of,
    storage,
    sync,
    sync_folder,
    write_atomically,
)
from heritage.tiff import Master, MasterInfo, inspect, open_master, sha256_file

__all__ = ["FoundRegion", "Search", "search", "weights_of"]

THRESHOLD = 0.5
WINDOW = 1024
SMALLEST = 12
WORKERS = 2
MEMORY = 2 << 30
_LEAST_CACHE = 64 << 20
_FLOATS = 24  # planes of float32 of a window that detectors may have alive at once


@dataclass(frozen=True)
class Search:
    """What a search left.

    Attributes:
        mask: The proposed mask; empty where nothing was found.
        damage: The record of its regions.
        preview: A small picture of them, if asked for.
        regions: The regions.
        pixels: Damaged pixels.
        height: Rows of the master.
        width: Columns.
    """

    mask: Path
    damage: Path
    preview: Path | None
    regions: tuple[FoundRegion, ...]
    pixels: int
    height: int
    width: int


def search(
    master: Path,
    folder: Path,
    name: str,
    detectors: Sequence[Detector],
    threshold: float | None = None,
    preview: bool = False,
    page: int | None = None,
    memory: int = MEMORY,
    *,
    window: int = WINDOW,
    workers: int = WORKERS,
    smallest: int = SMALLEST,
    tell: Callable[[int, int], None] | None = None,
) -> Search:
    """Write ``NAME.mask.tif`` and ``NAME.damage.json`` of a master, and ``NAME.preview.jpg``.

    Results depend on neither ``window``, ``workers`` nor ``memory``. The record comes last: where
    it is, the rest is whole and belongs to it.

    Args:
        master: The file; only read.
        folder: Receives the files; made if missing, earlier files of that name are replaced.
        name: ``NAME``.
        detectors: What looks for damage.
        threshold: How sure one must be of a pixel, above 0 and at most 1; None: 0.5.
        preview: Whether to write the small picture.
        page: Which page, from 0; None: the largest.
        memory: Bytes the search may take; what it needs is proportional to a window and the damage.
        window: Side of the windows, a multiple of 512.
        workers: Windows that are searched at once.
        smallest: Regions of fewer pixels are taken for specks and left out.
        tell: Called with windows done and windows in all.

    Raises:
        BadSetting: No detector, two of one name, or a number that makes no sense.
        MasterRefused: It cannot be read faithfully, or changed meanwhile.
        NotEnoughMemory: A window does not fit.
        OutputInTheWay: The folder holds a restoration, or a mask that a search did not make.
        StorageFailed: The files cannot be written.
    """
    limit = THRESHOLD if threshold is None else float(threshold)
    names = [detector.name for detector in detectors]
    _check(names, limit, window, workers)
    _refuse_what_people_made(folder, name)
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
    context = max(detector.context for detector in detectors)
    info = inspect(master, page)
    cache = _cache(info, window + 2 * context, workers, memory)
    before = _state(master)
    with (
        ThreadPoolExecutor(1, "hash") as beside,
        storage(folder),
        Spool(folder) as spool,
        open_master(master, info.page, cache) as opened,
    ):
        hashed = beside.submit(sha256_file, master)
        small = Preview(info.height, info.width) if preview else None
        _detect(opened, detectors, limit, window, workers, spool, small, tell)
        proposal = Proposal(spool, smallest)
        regions = proposal.regions(names)
        sha256 = hashed.result()
        if _state(master) != before:
            raise MasterRefused("changed while it was being searched; run again", master)

        def record(mask: str) -> bytes:
            known = weights_of(detectors)
            return damage_json(info, sha256, mask, names, limit, regions, known)

        return _publish(folder, name, info, spool, proposal, regions, record, small)


def _detect(
    master: Master,
    detectors: Sequence[Detector],
    threshold: float,
    window: int,
    workers: int,
    spool: Spool,
    small: Preview | None,
    tell: Callable[[int, int], None] | None,
) -> None:
    look = WindowSearch(master, space_of(master), detectors, threshold)
    boxes: list[Box] = list(windows_of(master.info.height, master.info.width, window))
    with ThreadPoolExecutor(workers, "search") as pool:
        for done, found in enumerate(in_turn(pool, look.search, boxes, workers + 1), 1):
            for tile in found.tiles:
                spool.add(tile)
            if small is not None:
                small.add(found.core, found.picture)
            if tell is not None:
                tell(done, len(boxes))


def _publish(
    folder: Path,
    name: str,
    info: MasterInfo,
    spool: Spool,
    proposal: Proposal,
    regions: tuple[FoundRegion, ...],
    record: Callable[[str], bytes],
    small: Preview | None,
) -> Search:
    mask, damage = folder / f"{name}.mask.tif", folder / f"{name}.damage.json"
    picture = folder / f"{name}.preview.jpg"
    with partial_of(mask) as new_mask, partial_of(picture) as new_picture:
        pixels = write_mask(new_mask, info.height, info.width, _pieces(spool, proposal))
        sync(new_mask)
        said = record(sha256_file(new_mask))
        if small is not None:
            for tile in spool.tiles():
                stays, region = proposal.kept(tile)
                small.mark(tile.y, tile.x, stays, tile.classes[region > 0])
            small.save(new_picture, regions)
            sync(new_picture)
        damage.unlink(missing_ok=True)  # an earlier record does not speak of the new mask
        new_mask.replace(mask)
        picture.unlink(missing_ok=True)
        if small is not None:
            new_picture.replace(picture)
        sync_folder(folder)
    write_atomically(damage, said)
    shown = picture if small is not None else None
    return Search(mask, damage, shown, regions, pixels, info.height, info.width)


def _refuse_what_people_made(folder: Path, name: str) -> None:
    """A search replaces only what a search left: a mask with the record that names its hash."""
    if (folder / f"{name}.provenance.json").exists():
        raise OutputInTheWay("holds a restoration, whose mask stays; choose another output", folder)
    mask, damage = folder / f"{name}.mask.tif", folder / f"{name}.damage.json"
    if damage.exists() and mask.exists() and read_damage(damage).mask != sha256_file(mask):
        words = "was changed since it was proposed and stays; move it, or choose another output"
        raise OutputInTheWay(words, mask)


def _pieces(spool: Spool, proposal: Proposal) -> Iterator[Piece]:
    """The tiles of the mask, specks left out."""
    for tile in spool.tiles():
        stays, _ = proposal.kept(tile)
        yield tile.y, tile.x, stays.astype(np.uint8) * 255


def weights_of(detectors: Sequence[Detector]) -> dict[str, str]:
    """SHA-256 of the weights of those that have learned, by name."""
    return {each.name: each.weights for each in detectors if each.weights is not None}


def _check(names: list[str], threshold: float, window: int, workers: int) -> None:
    if not names:
        raise BadSetting("no detector was named; name at least one")
    if len(set(names)) < len(names):
        raise BadSetting("a detector was named twice; name each once")
    if not 0 < threshold <= 1:
        raise BadSetting(f"a threshold of {threshold:g} makes no sense; give one between 0 and 1")
    if window < TILE or window % TILE or workers < 1:
        raise BadSetting(f"windows must be multiples of {TILE} pixels, and one worker at least")


def _cache(info: MasterInfo, side: int, workers: int, memory: int) -> int:
    """Bytes for decoded tiles and strips: those under a row of windows, as far as memory goes."""
    pixels = side * min(side, info.width + side)
    working = (workers + 1) * pixels * (4 * _FLOATS + info.pixel_bytes)
    least = working + (workers + 1) * info.cell_bytes + _LEAST_CACHE
    if least > memory:
        raise NotEnoughMemory(
            f"needs {megabytes(least)} to be searched and may take {megabytes(memory)}; allow more",
            info.path,
        )
    rows = side + 2 * min(info.segment_height, info.height)
    return min(_LEAST_CACHE + rows * info.width * info.pixel_bytes, memory - least + _LEAST_CACHE)


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
