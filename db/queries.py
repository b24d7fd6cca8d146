"""Questions that staff ask of the catalogue; nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from db.events import Event
from db.leases import RESTORE, TRIES, Lease
from db.objects import Artefact, Master, Model, Refusal
from db.restorations import Region, Restoration
from db.vocabulary import FINISHED, Decision, Status

CHUNK = 1000
"""Regions held in memory."""


@dataclass(frozen=True)
class MasterLine:
    """A master in a list, with how many of its restorations stand where."""

    sha256: str
    path: str
    accession: str
    title: str
    width: int
    height: int
    bits: int
    colour: str
    recorded_at: datetime
    restorations: dict[Status, int]


@dataclass(frozen=True)
class RestorationLine:
    """A restoration in a list."""

    id: int
    identifier: str
    status: Status
    accession: str
    master_path: str
    master_sha256: str
    model: str
    regions: int | None
    damaged_pixels: int | None
    seconds: float | None
    output: str
    operator: str
    started_at: datetime | None
    finished_at: datetime | None
    reason: str | None


@dataclass(frozen=True)
class RefusalLine:
    """A file that could not be restored."""

    path: str
    sha256: str | None
    fault: str
    reason: str
    times: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class EventLine:
    """An event of a history."""

    sequence: int
    at: datetime
    type: str
    uri: str
    outcome: str
    agent: str
    on_behalf_of: str | None
    restoration: str | None
    detail: dict[str, Any]
    hash: str


@dataclass(frozen=True)
class Totals:
    """How much there is of everything."""

    artefacts: int
    masters: int
    restorations: dict[Status, int]
    regions: dict[Decision, int]
    refusals: int
    events: int


def masters(session: Session, search: str, limit: int, offset: int) -> list[MasterLine]:
    """Masters by accession number and path.

    Args:
        session: Any session on the catalogue.
        search: Part of an accession number, title, maker or path, or the beginning of a
            SHA-256; empty for all.
        limit: At most so many.
        offset: After so many.
    """
    found = session.scalars(
        select(Master)
        .join(Artefact, Artefact.id == Master.artefact_id)
        .where(matches(search))
        .options(joinedload(Master.artefact))
        .order_by(Artefact.accession, Master.path)
        .limit(limit)
        .offset(offset)
    ).all()
    counts = _status_counts(session, [master.id for master in found])
    return [
        MasterLine(
            master.sha256,
            master.path,
            master.artefact.accession,
            master.artefact.title,
            master.width,
            master.height,
            master.bits,
            master.colour,
            master.recorded_at,
            counts.get(master.id, {}),
        )
        for master in found
    ]


def matches(search: str) -> ColumnElement[bool]:
    """Masters whose number, title, maker or path holds it, or whose SHA-256 begins so."""
    texts = (Artefact.accession, Artefact.title, Artefact.maker, Master.path)
    return or_(
        *(text.icontains(search, autoescape=True) for text in texts),
        Master.sha256.startswith(search.lower(), autoescape=True),
    )


def _status_counts(session: Session, master_ids: list[int]) -> dict[int, dict[Status, int]]:
    counted: dict[int, dict[Status, int]] = {}
    rows = session.execute(
        select(Restoration.master_id, Restoration.status, func.count())
        .where(Restoration.master_id.in_(master_ids))
        .group_by(Restoration.master_id, Restoration.status)
    )
    for master_id, status, count in rows:
        counted.setdefault(master_id, {})[status] = count
    return counted


def restorations(
    session: Session, status: Status | None, search: str, limit: int, offset: int
) -> list[RestorationLine]:
    """Restorations, newest first, of one status or all, of the masters that match ``search``."""
    query = (
        select(Restoration, Master, Artefact.accession, Model.name)
        .join(Master, Master.id == Restoration.master_id)
        .join(Artefact, Artefact.id == Master.artefact_id)
        .join(Model, Model.id == Restoration.model_id)
        .where(matches(search))
        .order_by(Restoration.id.desc())
        .limit(limit)
        .offset(offset)
    )
    if status is not None:
        query = query.where(Restoration.status == status)
    return [_line(*row) for row in session.execute(query)]


def _line(row: Restoration, master: Master, accession: str, model: str) -> RestorationLine:
    return RestorationLine(
        id=row.id,
        identifier=row.identifier,
        status=row.status,
        accession=accession,
        master_path=master.path,
        master_sha256=master.sha256,
        model=model,
        regions=row.region_count,
        damaged_pixels=row.damaged_pixels,
        seconds=row.seconds,
        output=row.output,
        operator=row.operator,
        started_at=row.started_at,
        finished_at=row.finished_at,
        reason=row.reason,
    )


def refusals(session: Session, limit: int, offset: int) -> list[RefusalLine]:
    """Files that could not be restored and still cannot, latest first."""
    query = select(Refusal).where(Refusal.resolved_at.is_(None)).order_by(Refusal.last_at.desc())
    return [
        RefusalLine(r.path, r.sha256, r.fault, r.reason, r.times, r.first_at, r.last_at)
        for r in session.scalars(query.limit(limit).offset(offset))
    ]


def find_master(session: Session, name: str) -> list[Master]:
    """The masters meant by a path, an accession number, or the beginning of a SHA-256."""
    query = select(Master).join(Artefact, Artefact.id == Master.artefact_id)
    query = query.options(joinedload(Master.artefact)).order_by(Master.id)
    for condition in (
        Master.path == name,
        Artefact.accession == name,
        Master.sha256.startswith(name.lower(), autoescape=True),
    ):
        if found := list(session.scalars(query.where(condition).limit(20))):
            return found
    return []


def events_of(session: Session, master_sha256: str) -> list[EventLine]:
    """What happened to a master, in order."""
    return [_event_line(event) for event in record_of(session, master_sha256)]


def record_of(session: Session, master_sha256: str) -> list[Event]:
    """The lines of the record that are about a master, as they are hashed, in order."""
    query = select(Event).where(Event.master_sha256 == master_sha256).order_by(Event.sequence)
    return list(session.scalars(query))


def last_event(session: Session) -> EventLine | None:
    """The end of the chain: its number and hash are what one notes down elsewhere."""
    event = session.scalar(select(Event).order_by(Event.sequence.desc()).limit(1))
    return None if event is None else _event_line(event)


def _event_line(event: Event) -> EventLine:
    program = f"{event.agent} {event.agent_version}" if event.agent_version else event.agent
    return EventLine(
        sequence=event.sequence,
        at=event.at,
        type=event.type.value,
        uri=event.type.uri,
        outcome=event.outcome.value,
        agent=program,
        on_behalf_of=event.on_behalf_of,
        restoration=event.restoration,
        detail=event.detail,
        hash=event.hash,
    )


def regions_of(session: Session, restoration_id: int) -> Iterator[Region]:
    """The regions of a restoration by number, some in memory at a time."""
    query = select(Region).where(Region.restoration_id == restoration_id).order_by(Region.number)
    chunk = session.scalars(query.limit(CHUNK)).all()
    while chunk:
        yield from chunk
        chunk = session.scalars(query.where(Region.number > chunk[-1].number).limit(CHUNK)).all()


def totals(session: Session) -> Totals:
    """How much there is of everything."""

    def count(table: type[Artefact | Master | Event]) -> int:
        return session.scalar(select(func.count()).select_from(table)) or 0

    open_refusals = select(func.count()).where(Refusal.resolved_at.is_(None))
    by_status = select(Restoration.status, func.count()).group_by(Restoration.status)
    by_decision = select(Region.decision, func.count()).group_by(Region.decision)
    return Totals(
        artefacts=count(Artefact),
        masters=count(Master),
        restorations={row[0]: row[1] for row in session.execute(by_status)},
        regions={row[0]: row[1] for row in session.execute(by_decision)},
        refusals=session.scalar(open_refusals) or 0,
        events=count(Event),
    )


def unrestored(
    session: Session, folder: str = "", search: str = "", again: bool = False, limit: int = 1000
) -> list[str]:
    """Paths of masters that nobody has dealt with yet, in the order they came.

    Args:
        session: Any.
        folder: Only those in and below it; empty: all.
        search: As in ``masters``.
        again: Those that have been dealt with as well.
        limit: At most so many.
    """
    asked = select(Master.path).join(Artefact, Artefact.id == Master.artefact_id)
    asked = asked.where(matches(search))
    if folder:
        asked = asked.where(Master.path.startswith(folder.rstrip("/") + "/", autoescape=True))
    asked = asked.where(~_replaced()) if again else waiting(asked)
    return list(session.scalars(asked.order_by(Master.id).limit(limit)))


def waiting(masters: Select[Any]) -> Select[Any]:
    """Of masters those that nobody has dealt with yet.

    Dealt with is what was restored, what was taken up and given back without a fault because
    nothing was to be filled, and what was tried in vain too often.
    """
    done = select(Restoration.id).where(
        Restoration.master_id == Master.id,
        Restoration.status.in_((*FINISHED, Status.ABANDONED)),
    )
    taken = or_(Lease.holder.is_not(None), Lease.fault.is_not(None), Lease.tries > 0)
    waits = and_(taken, or_(Lease.holder.is_not(None), Lease.tries < TRIES))
    joined = masters.outerjoin(Lease, Lease.about == RESTORE + Master.path)
    return joined.where(~done.exists(), ~_replaced(), or_(Lease.about.is_(None), waits))


def _replaced() -> ColumnElement[bool]:
    """Whether another master has come under the same path since."""
    later = aliased(Master)
    return select(later.id).where(later.path == Master.path, later.id > Master.id).exists()
