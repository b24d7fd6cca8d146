"""Lists for staff: filtered, sorted, page after page, quick at hundreds of thousands of rows.

A page begins after the last line of the one before (``after``), not after so many lines: the
database walks an index and looks at no line twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, select, tuple_
from sqlalchemy.orm import Session, joinedload

from db.objects import Artefact, Master, Model
from db.queries import matches
from db.restorations import Region, Restoration
from db.reviews import SignOff, Step
from db.vocabulary import FINISHED, Decision, MaskStatus, Status


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; empty means all.

    Attributes:
        search: Part of an accession number, title, maker or path, or how a SHA-256 begins.
        folder: How the master's path begins.
        status: Where restorations stand.
        kind: A class of damage that they have.
        below: They have a region of less confidence than this.
        reviewer: Somebody who decided on one of their regions.
        since: Finished at this time or later.
        until: Finished before.
    """

    search: str = ""
    folder: str = ""
    status: Status | None = None
    kind: str = ""
    below: float | None = None
    reviewer: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Card:
    """A restoration as lists show it."""

    id: int
    identifier: str
    status: Status
    accession: str
    title: str
    master_path: str
    master_sha256: str
    width: int
    height: int
    model: str
    mask_status: MaskStatus
    regions: int
    pending: int
    taken_back: int
    risk: float
    least_sure: float | None
    kinds: tuple[str, ...]
    finished_at: datetime | None
    handed_in_by: str | None


@dataclass(frozen=True)
class MasterCard:
    """A master as lists show it, with the status of its newest restoration."""

    id: int
    sha256: str
    path: str
    accession: str
    title: str
    width: int
    height: int
    bits: int
    colour: str
    recorded_at: datetime
    restorations: int
    newest: str | None
    newest_status: Status | None


def restorations(
    session: Session,
    filters: Filters,
    *,
    riskiest: bool,
    limit: int,
    after: tuple[float, int] | None = None,
) -> list[Card]:
    """Restorations that match, riskiest or newest first.

    Args:
        session: Any session on the catalogue.
        filters: What to show.
        riskiest: Those first that need looking at most; else the newest.
        limit: At most so many.
        after: Risk and number of the last one on the page before.
    """
    query = _cards().where(*_wanted(filters))
    if riskiest:
        query = query.order_by(Restoration.risk.desc(), Restoration.id.desc())
        if after is not None:
            query = query.where(
                tuple_(Restoration.risk, Restoration.id) < tuple_(*map(literal, after))
            )
    else:
        query = query.order_by(Restoration.id.desc())
        if after is not None:
            query = query.where(Restoration.id < after[1])
    return [_card(*row) for row in session.execute(query.limit(limit))]


def restoration(session: Session, identifier: str) -> Card | None:
    """One restoration as lists show it."""
    row = session.execute(_cards().where(Restoration.identifier == identifier)).one_or_none()
    return None if row is None else _card(*row)


def full_restoration(session: Session, identifier: str) -> Restoration | None:
    """A restoration with its master, artefact, mask and model."""
    return session.scalar(
        select(Restoration)
        .where(Restoration.identifier == identifier)
        .options(
            joinedload(Restoration.master).joinedload(Master.artefact),
            joinedload(Restoration.mask),
            joinedload(Restoration.model),
        )
    )


def alternatives(session: Session, restoration_id: int) -> list[Restoration]:
    """Other restorations of the same master whose files are there, newest first."""
    own = select(Restoration.master_id).where(Restoration.id == restoration_id).scalar_subquery()
    query = (
        select(Restoration)
        .where(
            Restoration.master_id == own,
            Restoration.id != restoration_id,
            Restoration.status.in_(FINISHED),
        )
        .options(joinedload(Restoration.model))
        .order_by(Restoration.id.desc())
    )
    return list(session.scalars(query))


def master(session: Session, sha256: str) -> Master | None:
    """A master with its artefact."""
    return session.scalar(
        select(Master).where(Master.sha256 == sha256).options(joinedload(Master.artefact))
    )


def masters(
    session: Session, filters: Filters, *, limit: int, after: tuple[str, int] | None = None
) -> list[MasterCard]:
    """Masters by accession number, of those with a restoration of the wanted kind if one is asked.

    Args:
        session: Any session on the catalogue.
        filters: What to show.
        limit: At most so many.
        after: Accession number and number of the last one on the page before.
    """
    query = (
        select(Master, Artefact.accession, Artefact.title)
        .join(Artefact, Artefact.id == Master.artefact_id)
        .order_by(Artefact.accession, Master.id)
        .limit(limit)
    )
    query = query.where(*_of_master(filters))
    if narrowed := _of_restoration(filters):
        query = query.where(exists().where(Restoration.master_id == Master.id, *narrowed))
    if after is not None:
        query = query.where(tuple_(Artefact.accession, Master.id) > tuple_(*map(literal, after)))
    rows = session.execute(query).all()
    newest = _newest(session, [master.id for master, _, _ in rows])
    return [_master_card(row[0], row[1], row[2], newest.get(row[0].id)) for row in rows]


def sign_off_of(session: Session, restoration_id: int) -> SignOff | None:
    """The sign-off of a restoration, if it was handed in."""
    return session.get(SignOff, restoration_id)


def taken_back(session: Session, restoration_id: int) -> list[int]:
    """Numbers of the regions whose fill does not stay."""
    query = select(Region.number).where(
        Region.restoration_id == restoration_id,
        Region.decision.in_([Decision.REJECTED, Decision.DO_NOT_FILL]),
    )
    return list(session.scalars(query.order_by(Region.number)))


def reviewers(session: Session) -> list[str]:
    """Everybody who ever decided on a region."""
    return list(session.scalars(select(Step.taken_by).distinct().order_by(Step.taken_by)))


def _cards() -> Select[Any]:
    return (
        select(Restoration, Master, Artefact.accession, Artefact.title, Model.name, SignOff.author)
        .join(Master, Master.id == Restoration.master_id)
        .join(Artefact, Artefact.id == Master.artefact_id)
        .join(Model, Model.id == Restoration.model_id)
        .outerjoin(SignOff, SignOff.restoration_id == Restoration.id)
        .options(joinedload(Restoration.mask))
    )


def _card(
    row: Restoration, master: Master, accession: str, title: str, model: str, author: str | None
) -> Card:
    return Card(
        id=row.id,
        identifier=row.identifier,
        status=row.status,
        accession=accession,
        title=title,
        master_path=master.path,
        master_sha256=master.sha256,
        width=master.width,
        height=master.height,
        model=model,
        mask_status=row.mask.status,
        regions=row.region_count or 0,
        pending=row.pending,
        taken_back=row.taken_back,
        risk=row.risk,
        least_sure=row.least_sure,
        kinds=tuple(kind for kind in row.kinds.split(",") if kind),
        finished_at=row.finished_at,
        handed_in_by=author,
    )


def _newest(session: Session, masters: list[int]) -> dict[int, tuple[int, str, Status]]:
    """Of each master: how many restorations, and the newest one's identifier and status."""
    counted = (
        select(func.count().label("count"), func.max(Restoration.id).label("last"))
        .where(Restoration.master_id.in_(masters))
        .group_by(Restoration.master_id)
        .subquery()
    )
    query = select(
        Restoration.master_id, counted.c.count, Restoration.identifier, Restoration.status
    ).join(counted, counted.c.last == Restoration.id)
    return {row[0]: (row[1], row[2], row[3]) for row in session.execute(query)}


def _master_card(
    master: Master, accession: str, title: str, newest: tuple[int, str, Status] | None
) -> MasterCard:
    count, identifier, status = newest or (0, None, None)
    return MasterCard(
        id=master.id,
        sha256=master.sha256,
        path=master.path,
        accession=accession,
        title=title,
        width=master.width,
        height=master.height,
        bits=master.bits,
        colour=master.colour,
        recorded_at=master.recorded_at,
        restorations=count,
        newest=identifier,
        newest_status=status,
    )


def _wanted(filters: Filters) -> list[ColumnElement[bool]]:
    return _of_master(filters) + _of_restoration(filters)


def _of_master(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.search:
        conditions.append(matches(filters.search))
    if filters.folder:
        conditions.append(Master.path.startswith(filters.folder, autoescape=True))
    return conditions


def _of_restoration(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.status is not None:
        conditions.append(Restoration.status == filters.status)
    if filters.kind:
        conditions.append(Restoration.kinds.contains(f",{filters.kind},", autoescape=True))
    if filters.below is not None:
        conditions.append(Restoration.least_sure < filters.below)
    if filters.reviewer:
        conditions.append(
            exists().where(
                and_(Step.restoration_id == Restoration.id, Step.taken_by == filters.reviewer)
            )
        )
    if filters.since is not None:
        conditions.append(Restoration.finished_at >= filters.since)
    if filters.until is not None:
        conditions.append(Restoration.finished_at < filters.until)
    return conditions
