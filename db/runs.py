"""Recording restorations: begun, finished, failed. Each call may be repeated.

All functions expect a session of ``Database.writing``, so that between looking and writing nobody
else writes.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from db.bulk import Row, write_regions
from db.chain import Happening, append
from db.columns import canonical
from db.errors import Contradiction
from db.ingest import Origin, resolve_refusal
from db.objects import Mask, Master, Model
from db.restorations import OUTPUTS, Region, Restoration
from db.vocabulary import OPEN, EventType, Outcome, Status


@dataclass(frozen=True)
class Request:
    """What is asked for: the same request is the same job."""

    master_id: int
    mask_id: int
    model_id: int
    parameters: dict[str, Any]
    output: str


@dataclass(frozen=True)
class Run:
    """A restoration on record.

    Attributes:
        id: Its row number.
        identifier: Its UUID, which events and other systems know it by.
        status: Where it stands.
        continued: It was begun before and never finished.
    """

    id: int
    identifier: str
    status: Status
    continued: bool

    @property
    def finished(self) -> bool:
        """Whether its files exist, so that there is nothing to do."""
        return self.status.finished


def begin(
    session: Session, request: Request, software: str, device: str, origin: Origin, again: bool
) -> Run:
    """Begin a restoration, or go on with the one that was begun for the same request.

    An unfinished one is continued, a failed one tried again, a finished one returned as it is.

    Args:
        session: Of ``Database.writing``.
        request: What is asked for.
        software: Program and version.
        device: What kind of device it runs on.
        origin: Who and when.
        again: Restore anew although there is a finished one (its files are gone, say).
    """
    job = _job_hash(session, request)
    last = select(Restoration).where(Restoration.job_sha256 == job).order_by(Restoration.id.desc())
    found = session.scalar(last.limit(1))
    if found is None or found.status is Status.ABANDONED or (found.status.finished and again):
        return _new(session, request, job, software, device, origin)
    if found.status.finished:
        return Run(found.id, found.identifier, found.status, continued=False)
    resolve_refusal(session, found.master.path, origin.at)
    found.status, found.reason, found.finished_at = Status.RUNNING, None, None
    found.started_at = found.started_at or origin.at
    return Run(found.id, found.identifier, Status.RUNNING, continued=True)


def _job_hash(session: Session, request: Request) -> str:
    """Hash of the request, in terms that are the same in every catalogue."""
    model = session.get_one(Model, request.model_id)
    job = {
        "master": session.get_one(Master, request.master_id).sha256,
        "mask": session.get_one(Mask, request.mask_id).sha256,
        "model": [model.name, model.weights_sha256],
        "parameters": request.parameters,
        "output": request.output,
    }
    return hashlib.sha256(canonical(job).encode()).hexdigest()


def _new(
    session: Session, request: Request, job: str, software: str, device: str, origin: Origin
) -> Run:
    resolve_refusal(session, session.get_one(Master, request.master_id).path, origin.at)
    row = Restoration(
        **vars(request),
        identifier=str(uuid.uuid4()),
        job_sha256=job,
        status=Status.RUNNING,
        operator=origin.agent.on_behalf_of or origin.agent.name,
        software=software,
        device=device,
        planned_at=origin.at,
        started_at=origin.at,
    )
    session.add(row)
    session.flush()
    return Run(row.id, row.identifier, row.status, continued=False)


def finish(
    session: Session,
    restoration_id: int,
    facts: dict[str, Any],
    regions: Iterable[Row],
    origin: Origin,
) -> None:
    """Record that a restoration has its files; from now on it awaits review.

    Args:
        session: Of ``Database.writing``.
        restoration_id: From ``begin``.
        facts: The hashes in ``OUTPUTS``, ``seconds``, ``damaged_pixels``, ``reencoded``.
        regions: As ``db.bulk`` writes them: in chunks, never all in memory.
        origin: Who and when.

    Raises:
        Contradiction: If it is finished already, with other files.
    """
    row = session.get_one(Restoration, restoration_id)
    if row.status.finished:
        if any(getattr(row, name) != facts[name] for name in OUTPUTS):
            raise Contradiction(f"restoration {row.identifier} is finished with other files")
        return
    session.execute(delete(Region).where(Region.restoration_id == row.id))
    written = write_regions(session, row.id, regions)
    row.status, row.reason, row.region_count = Status.AWAITING_REVIEW, None, written.count
    row.pending, row.risk, row.least_sure = written.count, written.risk, written.least_sure
    row.kinds = "".join(f",{kind}" for kind in sorted(written.kinds)) + "," * bool(written.kinds)
    row.finished_at = max(origin.at, row.started_at or origin.at)
    for name, value in facts.items():
        setattr(row, name, value)
    session.flush()
    digests = {name.removesuffix("_sha256"): facts[name] for name in OUTPUTS}
    detail = {
        "model": [row.model.name, row.model.weights_sha256],
        "output": row.output,
        "digests": digests,
        "regions": written.count,
        "damaged_pixels": row.damaged_pixels,
    }
    _append(session, row, EventType.MODIFICATION, Outcome.SUCCESS, detail, origin)


def fail(session: Session, restoration_id: int, fault: str, reason: str, origin: Origin) -> None:
    """Record that a restoration stopped, and why; it may be begun again."""
    row = session.get_one(Restoration, restoration_id)
    if row.status.finished:
        raise Contradiction(f"restoration {row.identifier} is finished and cannot fail")
    if row.status is Status.FAILED and row.reason == reason:
        return
    row.status, row.reason = Status.FAILED, reason
    row.finished_at = max(origin.at, row.started_at or origin.at)
    session.flush()
    detail = {"fault": fault, "reason": reason, "output": row.output}
    _append(session, row, EventType.MODIFICATION, Outcome.FAILURE, detail, origin)


def abandon(session: Session, restoration_id: int, reason: str, origin: Origin) -> None:
    """Record that nobody will go on with a restoration; the same job begins anew."""
    row = session.get_one(Restoration, restoration_id)
    if row.status not in (*OPEN, Status.FAILED):
        raise Contradiction(f"restoration {row.identifier} is {row.status}: too late to abandon")
    row.status, row.reason = Status.ABANDONED, reason
    row.started_at = row.started_at or origin.at
    session.flush()
    detail = {"abandoned": reason, "output": row.output}
    _append(session, row, EventType.MODIFICATION, Outcome.WARNING, detail, origin)


def record_fixity(
    session: Session, restoration_id: int, sound: bool, findings: list[str], origin: Origin
) -> None:
    """Record that the files of a restoration were verified, and what was found."""
    row = session.get_one(Restoration, restoration_id)
    outcome = Outcome.SUCCESS if sound else Outcome.FAILURE
    detail = {"findings": findings, "output": row.output}
    _append(session, row, EventType.FIXITY_CHECK, outcome, detail, origin)


def _append(
    session: Session,
    row: Restoration,
    kind: EventType,
    outcome: Outcome,
    detail: dict[str, Any],
    origin: Origin,
) -> None:
    happening = Happening(
        kind,
        outcome,
        origin.at,
        origin.agent,
        detail,
        master=row.master.sha256,
        mask=row.mask.sha256,
        restoration=row.identifier,
    )
    append(session, happening)
