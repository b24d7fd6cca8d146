"""The dossier of a signed restoration, from the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from db.events import Event
from db.restorations import Region, Restoration
from db.reviews import SignOff
from heritage.archive.dossier import (
    Dossier,
    Judged,
    Method,
    Occurrence,
    Original,
    Signing,
    Work,
)
from heritage.errors import CatalogueRefused, VerificationFailed
from heritage.geometry import Box
from heritage.restore.provenance import file_names, read_provenance
from heritage.review.desk import Desk
from heritage.settings import Settings


def gather(desk: Desk, identifier: str, settings: Settings) -> Dossier:
    """All that is to be told of a signed restoration.

    Args:
        desk: The open catalogue.
        identifier: The restoration's.
        settings: Of the site: who keeps the collection, and its rights.

    Raises:
        NotThere: If it is not on record.
        CatalogueRefused: If it is not signed, or its files were not composed.
        VerificationFailed: If the record of its files cannot be read.
    """
    row, sign_off = desk.restoration(identifier)
    if sign_off is None or sign_off.composed is None:
        raise CatalogueRefused(f"restoration {identifier} is not signed and composed yet")
    folder = Path(sign_off.composed)
    path = folder / file_names(folder.name)["provenance"]
    try:
        record = read_provenance(path)
    except (OSError, ValueError) as error:
        raise VerificationFailed(f"is unusable: {error}", path) from None
    assert row.started_at is not None
    assert row.finished_at is not None
    return Dossier(
        name=folder.name,
        identifier=identifier,
        work=_work(row, settings),
        original=_original(row),
        method=_method(row, record),
        operator=row.operator,
        started_at=row.started_at,
        finished_at=row.finished_at,
        filled=record["mask"]["pixels"],
        regions=tuple(map(_judged, desk.regions(identifier))),
        signing=_signing(sign_off),
        events=tuple(map(_occurrence, desk.events(row.master.sha256))),
    )


def _work(row: Restoration, settings: Settings) -> Work:
    artefact = row.master.artefact
    return Work(
        artefact.accession,
        artefact.title,
        artefact.maker,
        artefact.date,
        settings.institution,
        settings.rights,
    )


def _original(row: Restoration) -> Original:
    master = row.master
    return Original(
        file=Path(master.path).name,
        place=master.path,
        sha256=master.sha256,
        bytes=master.bytes,
        page=master.page,
        width=master.width,
        height=master.height,
        samples=master.samples,
        bits=master.bits,
        dtype=master.dtype,
        colour=master.colour,
        compression=master.compression,
        icc_sha256=master.icc_sha256,
        recorded_at=master.recorded_at,
    )


def _method(row: Restoration, record: dict[str, Any]) -> Method:
    return Method(
        name=row.model.name,
        kind=row.model.kind,
        weights_sha256=row.model.weights_sha256,
        licence=row.model.licence,
        parameters=record.get("parameters", {}),
        device=row.device,
        software=record.get("software", {"heritage": row.software}),
    )


def _judged(region: Region) -> Judged:
    return Judged(
        number=region.number,
        box=Box(region.y0, region.x0, region.y1, region.x1),
        area=region.area,
        kind=region.kind,
        confidence=region.confidence,
        detector=region.detector,
        kept=region.decision.keeps_fill,
        decision=region.decision.value,
        by=region.decided_by,
        at=region.decided_at,
        note=region.note,
    )


def _signing(sign_off: SignOff) -> Signing:
    assert sign_off.approver is not None
    assert sign_off.approved_at is not None
    return Signing(
        statement=sign_off.statement.value,
        remark=sign_off.remark,
        author=sign_off.author,
        authored_at=sign_off.authored_at,
        approver=sign_off.approver,
        approved_at=sign_off.approved_at,
    )


def _occurrence(event: Event) -> Occurrence:
    return Occurrence(
        sequence=event.sequence,
        at=event.at,
        type=event.type.value,
        type_uri=event.type.uri,
        outcome=event.outcome.value,
        outcome_uri=event.outcome.uri,
        agent=event.agent,
        agent_kind=event.agent_kind.value,
        agent_version=event.agent_version,
        on_behalf_of=event.on_behalf_of,
        master_sha256=event.master_sha256,
        mask_sha256=event.mask_sha256,
        restoration=event.restoration,
        detail=event.detail,
        previous_hash=event.previous_hash,
        hash=event.hash,
    )
