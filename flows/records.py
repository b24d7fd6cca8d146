"""What flows put on record of a restoration: begun, finished, failed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heritage.accession import Finding
from heritage.catalogue import Catalogue, open_catalogue
from heritage.damage.policy.protect import find_protected, open_protected
from heritage.damage.regions import Region
from heritage.errors import HeritageError
from heritage.geometry import Box
from heritage.logs import identified, say
from heritage.remote.origin import address_of
from heritage.settings import load_settings
from heritage.tiff import open_master

if TYPE_CHECKING:
    from heritage.restore.job import Job
    from heritage.restore.restoration import Restoration


BESIDE = 32
"""Pixels within which a region counts as beside a protected area."""

PART = 2048
"""Side of what is read of such areas at once."""


def catalogue() -> Catalogue:
    """The site's catalogue, to be closed."""
    return open_catalogue(load_settings())


def record_begin(
    open_: Catalogue, job: Job, mask: Path | None, device: str, detected: bool = False
) -> tuple[int, bool]:
    """Record master, mask and model, and that a restoration begins or goes on.

    Args:
        open_: The catalogue.
        job: From ``heritage.restore.prepare``.
        mask: The mask a person gave; ``None`` if it was found beside the master.
        device: What it is to run on.
        detected: Whether the mask is a machine's proposal.

    Returns:
        The restoration's number, and whether it is on record as finished.
    """
    from heritage.restore.inpainters import card_of

    identity, said = job.record["identity"], job.record["mask"]
    with open_master(job.master, job.page) as master:
        info = master.info
    number = open_.record_master(info, identity["master"])
    facts = {"sha256": said["sha256"], "pixels": said["pixels"]}
    if detected:
        mask_number = open_.record_mask(number, **facts, origin="detected")
    else:
        mask_number = open_.record_mask(
            number,
            **facts,
            origin="found" if mask is None else "given",
            source=said["source"] if mask is None else address_of(mask) or mask,
            source_sha256=said["source_sha256"],
        )
    card = card_of(job.model)
    model = open_.record_model(
        card.name, card.kind, weights_sha256=identity["weights"], licence=card.licence
    )
    run = open_.begin_restoration(
        number,
        mask_number,
        model,
        parameters={"page": identity["page"], "options": identity["options"]},
        output=job.result,
        device=device,
        again=not job.done,
    )
    identified(master_sha256=identity["master"], restoration=run.identifier)
    if not run.finished:
        say(f"restoration.{'continued' if run.continued else 'begun'}", model=card.name)
    return run.id, run.finished


def record_finish(open_: Catalogue, number: int, restoration: Restoration) -> None:
    """Record that the files are there; their hashes are taken from their provenance."""
    from heritage.restore.provenance import read_provenance

    record = read_provenance(restoration.provenance)
    hashes = {part: str(record[part]["sha256"]) for part in ("restored", "mask", "layer")}
    found = _findings(record, restoration.folder)
    regions = _regions(record)
    beside = beside_protected(restoration.master, record["master"], regions)
    open_.finish_restoration(number, restoration, regions, hashes, found, beside)
    say(
        "restoration.finished", folder=str(restoration.folder), regions=restoration.regions,
        pixels=restoration.damaged_pixels, seconds=round(restoration.seconds, 3),
    )  # fmt: skip


def recorded(error: HeritageError, source: Path, number: int | None = None) -> HeritageError:
    """Put a failure on record, and return it.

    Args:
        error: What went wrong.
        source: With which master.
        number: In which restoration; ``None`` if none was begun.

    Returns:
        The same error, or one that says as well that it could not be recorded.
    """
    try:
        with catalogue() as open_:
            if number is None:
                open_.record_refusal(source, error)
            else:
                open_.fail_restoration(number, error)
                say("restoration.failed", "error", kind=type(error).__name__, reason=error.reason)
    except HeritageError as second:
        return type(error)(f"{error.reason}; nor could that be recorded: {second}", error.path)
    return error


def _regions(record: dict[str, Any]) -> list[Region]:
    """The regions as the provenance lists them."""
    rows = record["regions"]["rows"]
    return [
        Region(number, Box(top, left, bottom, right), area, radius)
        for number, top, left, bottom, right, area, radius in rows
    ]


def _findings(record: dict[str, Any], folder: Path) -> dict[Box, Finding]:
    """What detectors said, where a machine proposed the mask."""
    proposal = record["mask"].get("proposal")
    if proposal is None:
        return {}
    from heritage.damage.detect.reading import read_damage

    found = read_damage(folder / proposal["damage"]["file"]).regions
    return {r.box: Finding(r.kind.name, r.confidence, r.detector) for r in found}


def beside_protected(master: Path, said: dict[str, Any], regions: list[Region]) -> set[int]:
    """Numbers of regions that lie beside protected areas; none where such areas cannot be read."""
    areas = find_protected(master)
    if areas is None:
        return set()
    height, width = said["height"], said["width"]
    beside = set()
    with (
        suppress(HeritageError),
        tempfile.TemporaryDirectory() as folder,
        open_protected(areas, Path(folder), height, width) as protected,
    ):
        for region in regions:
            around = region.box.grown(BESIDE).clipped(height, width)
            if any(protected.read(part).any() for part in _parts(around)):
                beside.add(region.number)
    return beside


def _parts(box: Box) -> Iterator[Box]:
    """A box in parts that fit memory."""
    for y in range(box.y0, box.y1, PART):
        for x in range(box.x0, box.x1, PART):
            yield Box(y, x, min(y + PART, box.y1), min(x + PART, box.x1))
