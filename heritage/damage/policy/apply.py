"""Apply a policy to what was found: the mask of what is to be filled, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import heritage
from heritage.damage.detect.reading import DamageRecord, read_damage
from heritage.damage.detect.windows import space_of
from heritage.damage.mask_writing import Piece, write_mask
from heritage.damage.masks import MaskReader, open_mask
from heritage.damage.policy.decide import Decision, decide
from heritage.damage.policy.ink import touching_ink
from heritage.damage.policy.numbering import Numbering
from heritage.damage.policy.protect import Protected, open_protected
from heritage.damage.policy.rules import Action, Policy
from heritage.errors import MaskRefused
from heritage.restore.canonical import canonical_json
from heritage.restore.storage import partial_of, storage, sync, sync_folder, write_atomically
from heritage.tiff import inspect, open_master, sha256_file

if TYPE_CHECKING:
    from heritage.damage.detect.search import Search

FORMAT = 1
"""Of the records of applied policies."""

_MASTER_CACHE = 256 << 20


@dataclass(frozen=True)
class Applied:
    """What applying a policy left.

    Attributes:
        mask: Only what is to be filled; empty where nothing is.
        record: Which policy was applied, and what was decided about each region.
        decisions: One for each region, in their order.
        filled: Regions that are filled, wholly or in part.
        documented: Regions that are only documented.
    """

    mask: Path
    record: Path
    decisions: tuple[Decision, ...]
    filled: int
    documented: int


def apply_policy(
    master: Path,
    found: Search | tuple[Path, Path],
    policy: Policy,
    folder: Path,
    name: str,
    protect: Path | None = None,
    page: int | None = None,
) -> Applied:
    """Write ``NAME.fill.tif`` and ``NAME.policy.json``; the record last.

    Of a region that lies partly in a protected area, only the protected pixels are left out.
    Memory is proportional to the damage, not to the raster.

    Args:
        master: The file; only read.
        found: A search, or its mask and the record of its damage.
        policy: What is filled.
        folder: Receives the files; made if missing, earlier files of that name are replaced.
        name: ``NAME``.
        protect: Areas that are never filled: a mask of the master's size, or GeoJSON polygons.
        page: Which page was searched, from 0; None: the largest.

    Raises:
        MasterRefused: It cannot be read.
        MaskRefused: Mask, record, master and protected areas do not belong together.
        StorageFailed: The files cannot be written.
    """
    path, damage = found if isinstance(found, tuple) else (found.mask, found.damage)
    record = read_damage(damage)
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened, storage(folder):
        mask = opened.enter_context(open_mask(path))
        _require_same(master, page, mask, record, damage)
        numbering = Numbering(mask)
        _require_regions(mask, numbering, record, damage)
        areas: Protected | None = None
        if protect is not None:
            areas = opened.enter_context(open_protected(protect, folder, mask.height, mask.width))
        protected = _protected(mask, numbering, areas)
        decisions = [
            decide(policy, region, int(protected[region.number])) for region in record.regions
        ]
        if policy.spares_ink:
            wanted = [d.region.number for d in decisions if d.action is Action.FILL]
            inked = _inked(master, page, mask, numbering, wanted)
            decisions = [
                decide(policy, d.region, int(protected[d.region.number]), d.region.number in inked)
                for d in decisions
            ]
        said = _record(record, path, damage, policy, protect, decisions)
        target, why = folder / f"{name}.fill.tif", folder / f"{name}.policy.json"
        with partial_of(target) as partial:
            pieces = _pieces(mask, numbering, areas, decisions)
            write_mask(partial, mask.height, mask.width, pieces)
            sync(partial)
            why.unlink(missing_ok=True)  # an earlier record does not speak of the new mask
            partial.replace(target)
            sync_folder(folder)
        write_atomically(why, canonical_json(said))
    filled = sum(d.action is Action.FILL for d in decisions)
    return Applied(target, why, tuple(decisions), filled, len(decisions) - filled)


def _require_same(
    master: Path, page: int | None, mask: MaskReader, record: DamageRecord, damage: Path
) -> None:
    info = inspect(master, page)
    if sha256_file(master) != record.sha256:
        words = f"was made from another file than {master.name} as it is now; search it again"
        raise MaskRefused(words, damage)
    if (info.page, sha256_file(mask.path)) != (record.page, record.mask):
        words = "was changed since it was proposed, or is of another page; give it as the mask"
        raise MaskRefused(words, mask.path)
    sizes = {(n.width, n.height) for n in (info, mask, record)}
    if len(sizes) > 1:
        words = "the mask, its record and the master differ in size; search the master again"
        raise MaskRefused(words, mask.path)


def _require_regions(
    mask: MaskReader, numbering: Numbering, record: DamageRecord, damage: Path
) -> None:
    """The record must speak of the very regions in the mask."""
    areas = [region.area for region in record.regions]
    corners = numbering.corners()[1:].tolist()
    same = numbering.areas[1:].tolist() == areas and corners == [
        [region.box.y0, region.box.x0] for region in record.regions
    ]
    if not same:
        words = f"does not describe the regions in {mask.path.name}; search the master again"
        raise MaskRefused(words, damage)


def _protected(
    mask: MaskReader, numbering: Numbering, areas: Protected | None
) -> npt.NDArray[np.int64]:
    """How many pixels of each region are protected."""
    counts = np.zeros(len(numbering.areas), np.int64)
    if areas is not None:
        for tile in mask.blocks():
            within = numbering.read(tile)[areas.read(tile)]
            counts += np.bincount(within, minlength=len(counts))
    return counts


def _inked(
    master: Path, page: int | None, mask: MaskReader, numbering: Numbering, wanted: list[int]
) -> frozenset[int]:
    if not wanted:
        return frozenset()
    with open_master(master, page, _MASTER_CACHE) as opened:
        return touching_ink(opened, space_of(opened), mask, numbering, wanted)


def _pieces(
    mask: MaskReader,
    numbering: Numbering,
    areas: Protected | None,
    decisions: Sequence[Decision],
) -> Iterator[Piece]:
    """The mask of what is to be filled, tile by tile."""
    chosen = np.zeros(len(numbering.areas), np.bool_)
    chosen[[d.region.number for d in decisions if d.action is Action.FILL]] = True
    for tile in mask.blocks():
        stays = chosen[numbering.read(tile)]
        if areas is not None and stays.any():
            stays &= ~areas.read(tile)
        yield tile.y0, tile.x0, stays.astype(np.uint8) * 255


def _record(
    record: DamageRecord,
    mask: Path,
    damage: Path,
    policy: Policy,
    protect: Path | None,
    decisions: Sequence[Decision],
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "heritage": heritage.__version__,
        "master": {
            "file": record.file,
            "sha256": record.sha256,
            "width": record.width,
            "height": record.height,
        },
        "mask": _named(mask),
        "damage": _named(damage),
        "protect": None if protect is None else _named(protect),
        "policy": {
            "name": policy.name,
            "spares_ink": policy.spares_ink,
            "rules": {
                kind.name: {
                    "action": str(rule.action),
                    "largest": rule.largest,
                    "confidence": rule.confidence,
                }
                for kind, rule in policy.rules.items()
            },
        },
        "regions": [
            {
                "number": d.region.number,
                "class": d.region.kind.name,
                "area": d.region.area,
                "action": str(d.action),
                "filled": d.filled,
                "reason": d.reason,
            }
            for d in decisions
        ],
    }


def _named(path: Path) -> dict[str, str]:
    return {"file": path.name, "sha256": sha256_file(path)}
