"""Propose a mask for a master that has none: search it, then decide what of it is to be filled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import heritage
from heritage.damage.detect import DEFAULT, DETECTORS, Detector
from heritage.damage.detect.reading import DamageRecord, read_damage
from heritage.damage.detect.search import MEMORY, THRESHOLD, Search, search, weights_of
from heritage.damage.policy import Policy
from heritage.damage.policy.apply import apply_policy
from heritage.damage.policy.protect import find_protected
from heritage.errors import BadSetting, HeritageError, NotEnoughMemory
from heritage.tiff import inspect, sha256_file


@dataclass(frozen=True)
class Proposed:
    """A mask that a machine proposes.

    Attributes:
        mask: What is to be filled, and nothing else; empty where nothing is.
        damage: The record of everything that was found.
        decisions: The record of what was decided about it, and why.
        found: Regions of damage.
        filled: Of these, to be filled.
        facts: What a provenance says of it.
    """

    mask: Path
    damage: Path
    decisions: Path
    found: int
    filled: int
    facts: Mapping[str, Any]


def named_detectors(names: Sequence[str] | None = None) -> list[Detector]:
    """Detectors by their names; ``DEFAULT`` for None.

    Raises:
        BadSetting: If there is none of that name.
    """
    unknown = [name for name in names or () if name not in DETECTORS]
    if unknown:
        raise BadSetting(f"there is no detector {unknown[0]!r}; there are {', '.join(DETECTORS)}")
    return [DETECTORS[name]() for name in (DEFAULT if names is None else names)]


def propose(
    master: Path,
    folder: Path,
    name: str,
    policy: Policy,
    detectors: Sequence[Detector] | None = None,
    threshold: float = THRESHOLD,
    protect: Path | None = None,
    page: int | None = None,
    memory: int = MEMORY,
    tell: Callable[[int, int], None] | None = None,
) -> Proposed:
    """Search a master and apply a policy; a search that was made already is not made again.

    Args:
        master: The file; only read.
        folder: Receives ``NAME.mask.tif``, ``NAME.damage.json``, ``NAME.fill.tif`` and
            ``NAME.policy.json``.
        name: ``NAME``.
        policy: What is filled.
        detectors: What looks for damage; None: ``DEFAULT``.
        threshold: How sure one must be of a pixel.
        protect: Areas that are never filled: a mask, or GeoJSON polygons; None: those beside the
            master.
        page: Which page, from 0; None: the largest.
        memory: Bytes it may take.
        tell: Called with windows done and windows in all.

    Raises:
        HeritageError: One of its kinds, if the master, the protected areas or the place cannot be
            used.
    """
    looking = named_detectors() if detectors is None else list(detectors)
    mask, damage = folder / f"{name}.mask.tif", folder / f"{name}.damage.json"
    record = _made_before(master, page, mask, damage, looking, threshold)
    if record is None:
        search_within(memory, master, folder, name, looking, threshold, page=page, tell=tell)
        record = read_damage(damage)
    kept = protect or find_protected(master)
    applied = apply_policy(master, (mask, damage), policy, folder, name, kept, page)
    facts = {
        "status": "proposed",
        "detectors": list(record.detectors),
        "weights": weights_of(looking),
        "threshold": record.threshold,
        "policy": policy.name,
        "damage": {"file": damage.name, "sha256": sha256_file(damage)},
        "decisions": {"file": applied.record.name, "sha256": sha256_file(applied.record)},
    }
    found = len(record.regions)
    return Proposed(applied.mask, damage, applied.record, found, applied.filled, facts)


def search_within(
    memory: int,
    master: Path,
    folder: Path,
    name: str,
    detectors: Sequence[Detector],
    threshold: float | None = None,
    **how: Any,  # noqa: ANN401 - passed on
) -> Search:
    """``search`` in large windows, or in small ones where memory is short: the result is the same.

    Args:
        memory: Bytes it may take.
        master: The file.
        folder: Receives the files.
        name: ``NAME``.
        detectors: What looks for damage.
        threshold: How sure one must be of a pixel.
        how: Further arguments of ``search``.
    """
    try:
        return search(master, folder, name, detectors, threshold, memory=memory, **how)
    except NotEnoughMemory:
        small = {"window": 512, "workers": 1, "memory": memory, **how}
        return search(master, folder, name, detectors, threshold, **small)


def _made_before(
    master: Path,
    page: int | None,
    mask: Path,
    damage: Path,
    detectors: Sequence[Detector],
    threshold: float,
) -> DamageRecord | None:
    """The record of the very same search, if it lies there."""
    try:
        record = read_damage(damage)
    except (HeritageError, OSError):
        return None
    same = (
        mask.is_file()
        and list(record.detectors) == [each.name for each in detectors]
        and dict(record.weights) == weights_of(detectors)
        and record.threshold == threshold
        and record.heritage == heritage.__version__
        and record.page == inspect(master, page).page
        and record.sha256 == sha256_file(master)
    )
    return record if same else None
