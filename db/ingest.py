"""Recording what there is. Each call may be repeated: what is on record stays as it is.

All functions expect a session of ``Database.writing`` and return row numbers; those that change
anything append the events that say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.chain import Agent, Happening, append
from db.objects import Artefact, Mask, Master, Model, Refusal
from db.vocabulary import EventType, MaskOrigin, MaskStatus, Outcome


@dataclass(frozen=True)
class Origin:
    """Who records something, and when."""

    agent: Agent
    at: datetime


@dataclass(frozen=True)
class ArtefactFacts:
    """What is known of the physical object; ``provisional`` if taken from a file's name."""

    accession: str
    title: str
    maker: str | None = None
    date: str | None = None
    provisional: bool = True


def record_artefact(session: Session, facts: ArtefactFacts, origin: Origin) -> int:
    """Record an artefact; facts given by a person replace provisional ones."""
    found = session.scalar(select(Artefact).where(Artefact.accession == facts.accession))
    if found is None:
        found = Artefact(**vars(facts), recorded_at=origin.at)
        session.add(found)
    elif not facts.provisional:
        before = {name: getattr(found, name) for name in ("title", "maker", "date")}
        for name, value in vars(facts).items():
            setattr(found, name, value)
        after = {name: getattr(found, name) for name in before}
        if before != after:
            _changed(session, facts.accession, before, after, origin)
    session.flush()
    return found.id


def _changed(
    session: Session,
    accession: str,
    before: dict[str, Any],
    after: dict[str, Any],
    origin: Origin,
) -> None:
    detail = {"accession": accession, "before": before, "after": after}
    _append(session, EventType.METADATA_MODIFICATION, origin, detail)


def is_known(session: Session, sha256: str) -> bool:
    """Whether a master is on record."""
    return session.scalar(select(Master.id).where(Master.sha256 == sha256)) is not None


def is_unchanged(session: Session, path: str, size: int, modified: datetime) -> bool:
    """Whether the file at a path is on record and was not written since it was last hashed."""
    asked = select(Master.id).where(
        Master.path == path, Master.bytes == size, Master.seen_at > modified
    )
    return session.scalar(asked.limit(1)) is not None


def record_master(
    session: Session, artefact: ArtefactFacts, facts: dict[str, Any], origin: Origin
) -> int:
    """Record a master, or that it was seen again, perhaps elsewhere.

    Args:
        session: Of ``Database.writing``.
        artefact: What the master shows.
        facts: The columns of ``Master`` that its file says.
        origin: Who and when.
    """
    found = session.scalar(select(Master).where(Master.sha256 == facts["sha256"]))
    if found is not None:
        if not artefact.provisional:
            found.artefact_id = record_artefact(session, artefact, origin)
        found.path, found.seen_at = facts["path"], origin.at
        return found.id
    artefact_id = record_artefact(session, artefact, origin)
    master = Master(artefact_id=artefact_id, seen_at=origin.at, recorded_at=origin.at, **facts)
    session.add(master)
    session.flush()
    detail = {"path": facts["path"], "bytes": facts["bytes"], "accession": artefact.accession}
    digest = {"algorithm": "SHA-256", "digest": facts["sha256"]}
    _append(session, EventType.MESSAGE_DIGEST_CALCULATION, origin, digest, master=master.sha256)
    _append(session, EventType.INGESTION, origin, detail, master=master.sha256)
    return master.id


def record_mask(
    session: Session, master_id: int, kind: MaskOrigin, facts: dict[str, Any], origin: Origin
) -> int:
    """Record a mask of a master: proposed if a machine made it, accepted if a person did.

    A person who hands in the very mask that a machine proposed has accepted it.
    """
    master = session.get_one(Master, master_id)
    found = session.scalar(
        select(Mask).where(Mask.master_id == master_id, Mask.sha256 == facts["sha256"])
    )
    by_machine = kind is MaskOrigin.DETECTED
    if found is not None:
        if found.status is MaskStatus.PROPOSED and not by_machine:
            found.status = MaskStatus.ACCEPTED
            detail = {"accepted": kind.value, "source": facts["source_path"]}
            _append(
                session,
                EventType.APPRAISAL,
                origin,
                detail,
                master=master.sha256,
                mask=found.sha256,
            )
        return found.id
    status = MaskStatus.PROPOSED if by_machine else MaskStatus.ACCEPTED
    mask = Mask(master_id=master_id, origin=kind, status=status, recorded_at=origin.at, **facts)
    session.add(mask)
    session.flush()
    _append(
        session,
        EventType.FORENSIC_FEATURE_ANALYSIS if by_machine else EventType.INGESTION,
        origin,
        {"origin": kind.value, "pixels": mask.pixels, "source": mask.source_path},
        master=master.sha256,
        mask=mask.sha256,
    )
    return mask.id


def record_model(session: Session, facts: dict[str, Any], at: datetime) -> int:
    """Record a model; the same name with other weights is another model."""
    weights = facts["weights_sha256"]
    same = Model.weights_sha256.is_(None) if weights is None else Model.weights_sha256 == weights
    found = session.scalar(select(Model.id).where(Model.name == facts["name"], same))
    if found is not None:
        return found
    model = Model(recorded_at=at, **facts)
    session.add(model)
    session.flush()
    return model.id


def record_refusal(session: Session, facts: dict[str, Any], origin: Origin) -> int:
    """Record that a file could not be restored; the same reason again only counts up.

    Args:
        session: Of ``Database.writing``.
        facts: ``path``, ``sha256`` (or ``None``), ``fault`` (the error's name), ``reason``.
        origin: Who and when.
    """
    is_open = select(Refusal).where(Refusal.path == facts["path"], Refusal.resolved_at.is_(None))
    found = session.scalar(is_open)
    if found is not None and found.reason == facts["reason"]:
        found.times += 1
        found.last_at = max(found.last_at, origin.at)
        return found.id
    resolve_refusal(session, facts["path"], origin.at)
    refusal = Refusal(times=1, first_at=origin.at, last_at=origin.at, **facts)
    session.add(refusal)
    session.flush()
    known = select(Master.sha256).where(Master.sha256 == facts["sha256"])
    master = session.scalar(known) if facts["sha256"] else None
    _append(session, EventType.VALIDATION, origin, facts, Outcome.FAILURE, master=master)
    return refusal.id


def resolve_refusal(session: Session, path: str, at: datetime) -> None:
    """Record that a file can be restored after all."""
    session.execute(
        update(Refusal)
        .where(Refusal.path == path, Refusal.resolved_at.is_(None))
        .values(resolved_at=at)
    )


def _append(
    session: Session,
    kind: EventType,
    origin: Origin,
    detail: dict[str, Any],
    outcome: Outcome = Outcome.SUCCESS,
    **objects: str | None,
) -> None:
    append(session, Happening(kind, outcome, origin.at, origin.agent, detail, **objects))
