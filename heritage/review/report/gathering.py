"""What a condition report tells, put together from the catalogue and the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.restorations import Region, Restoration
from db.reviews import SignOff
from heritage.geometry import Box
from heritage.restore.provenance import STATEMENT, file_names
from heritage.review.desk import Desk
from heritage.review.pictures import Scene, View
from heritage.review.report.diagram import diagram_of
from heritage.review.report.facts import Alternative, Facts, Fate, Signature
from heritage.tiff import inspect

SIDE = 1600
WAIT = 120.0
MM = {"inch": 1 / 25.4, "centimetre": 1 / 10}


def facts_of(desk: Desk, identifier: str, scene: Scene) -> Facts:
    """What the report of a restoration tells.

    Args:
        desk: The open catalogue.
        identifier: The restoration's.
        scene: Its pictures.

    Raises:
        HeritageError: If it is not on record, or its files are gone.
    """
    row, sign_off = desk.restoration(identifier)
    pictures = _pictures(scene, desk.taken_back(identifier))
    names = file_names(Path(row.output).name)
    hashes = {names[kind]: getattr(row, f"{kind}_sha256") for kind in names}
    return Facts(
        title=row.master.artefact.title,
        identification=_identification(row),
        methods=_methods(row),
        identifier=row.identifier,
        statement=STATEMENT,
        filled_share=(row.damaged_pixels or 0) / (row.master.width * row.master.height),
        fates=_fates(desk.regions(identifier)),
        signature=_signature(sign_off),
        alternatives=[
            Alternative(
                other.model.name,
                other.identifier,
                other.status.value,
                other.finished_at,
                other.verdict or "",
            )
            for other in desk.alternatives(identifier)
        ],
        files={name: sha256 for name, sha256 in hashes.items() if sha256},
        before=pictures[0],
        after=pictures[1],
        diagram=diagram_of(Path(row.output) / names["mask"], SIDE),
        pixels_per_mm=_pixels_per_mm(Path(row.master.path), row.master.page),
        at=desk.now(),
    )


def _pictures(scene: Scene, gone: frozenset[int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Before, and after all decisions, at the size of a page, once neither is provisional."""
    scene.prepare(WAIT)
    whole = Box(0, 0, scene.height, scene.width)
    scale = min(1.0, SIDE / max(scene.height, scene.width))
    size = max(1, round(scene.width * scale)), max(1, round(scene.height * scale))
    before = scene.render(View.BEFORE, whole, *size)
    return before, scene.render(View.AFTER, whole, *size, None, gone)


def _identification(row: Restoration) -> dict[str, str]:
    master, artefact = row.master, row.master.artefact
    said = {
        "Accession number": artefact.accession,
        "Maker": artefact.maker,
        "Date": artefact.date,
        "File": Path(master.path).name,
        "SHA-256": master.sha256,
        "Picture": f"{master.width} × {master.height}, {master.bits} bit {master.colour}",
    }
    return {name: value for name, value in said.items() if value}


def _methods(row: Restoration) -> dict[str, str]:
    said = {
        "Model": f"{row.model.name} ({row.model.kind})",
        "Weights, SHA-256": row.model.weights_sha256,
        "Licence of the model": row.model.licence,
        "Mask": f"{row.mask.origin.value}, {row.mask.status.value}",
        "Mask, SHA-256": row.mask.sha256,
        "Software": row.software,
        "Device": row.device,
        "Made by": row.operator,
        "Finished": f"{row.finished_at:%Y-%m-%d %H:%M} UTC",
    }
    return {name: value for name, value in said.items() if value}


def _fates(regions: Sequence[Region]) -> list[Fate]:
    return [
        Fate(
            region.number,
            Box(region.y0, region.x0, region.y1, region.x1),
            region.area,
            region.kind,
            region.confidence,
            region.decision.value,
            region.decided_by,
            region.decided_at,
            region.note,
        )
        for region in regions
    ]


def _signature(sign_off: SignOff | None) -> Signature | None:
    if sign_off is None:
        return None
    return Signature(
        sign_off.statement.value,
        sign_off.remark,
        sign_off.author,
        sign_off.authored_at,
        sign_off.approver,
        sign_off.approved_at,
    )


def _pixels_per_mm(master: Path, page: int) -> float | None:
    """As the master's file says; None where it does not, or contradicts itself."""
    resolution = inspect(master, page).resolution
    if resolution is None or resolution[0] != resolution[1] or resolution[2] not in MM:
        return None
    return float(resolution[0]) * MM[resolution[2]] or None
