"""How much there is of everything that is watched: counts, made by the database itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from db.events import Event
from db.holdings import Holding
from db.leases import Lease
from db.objects import Master, Refusal
from db.queries import waiting
from db.restorations import Restoration
from db.reviews import SignOff
from db.vocabulary import FINISHED, OPEN, EventType, Soundness, Status


@dataclass(frozen=True)
class Waiting:
    """Masters that nobody has dealt with yet: the queue.

    Attributes:
        untried: Nobody has begun.
        begun: Somebody has, and may be at it.
        failed: The attempts so far have failed.
    """

    untried: int
    begun: int
    failed: int


@dataclass(frozen=True)
class Worklist:
    """Finished restorations that wait for people, or for their files.

    Attributes:
        review: Nobody has handed in decisions.
        signature: Handed in, not signed.
        publication: Signed, and the files are not there yet.
    """

    review: int
    signature: int
    publication: int


@dataclass(frozen=True)
class Leases:
    """Who works on what.

    Attributes:
        held: Somebody is at it.
        lapsed: Somebody was, and has not been heard of in time.
        set_aside: Tried in vain so often that nobody takes it up.
    """

    held: int
    lapsed: int
    set_aside: int


@dataclass(frozen=True)
class Counts:
    """The collection in figures.

    Attributes:
        masters: On record.
        waiting: The queue.
        restorations: By status.
        regions: Filled in finished restorations.
        pixels: The same, in damaged pixels.
        undecided: Regions of restorations in review on which nobody has decided.
        refusals: Open ones, by the name of the error.
        leases: Who works on what.
        holdings: Files by state.
        worklist: What finished restorations wait for.
        audited: When the last audit ended.
    """

    masters: int
    waiting: Waiting
    restorations: dict[Status, int]
    regions: int
    pixels: int
    undecided: int
    refusals: dict[str, int]
    leases: Leases
    holdings: dict[Soundness, int]
    worklist: Worklist
    audited: datetime | None


def counts(session: Session, at: datetime, tries: int) -> Counts:
    """Count everything.

    Args:
        session: Any.
        at: Now.
        tries: What was taken up in vain so often is set aside.
    """
    by_status = select(Restoration.status, func.count()).group_by(Restoration.status)
    refused = select(Refusal.fault, func.count()).where(Refusal.resolved_at.is_(None))
    by_state = select(Holding.state, func.count()).group_by(Holding.state)
    statuses = {row[0]: row[1] for row in session.execute(by_status)}
    return Counts(
        masters=session.scalar(select(func.count(Master.id))) or 0,
        waiting=_waiting(session),
        restorations=statuses,
        regions=_sum(session, Restoration.region_count),
        pixels=_sum(session, Restoration.damaged_pixels),
        undecided=session.scalar(
            select(func.coalesce(func.sum(Restoration.pending), 0)).where(
                Restoration.status == Status.AWAITING_REVIEW
            )
        )
        or 0,
        refusals={row[0]: row[1] for row in session.execute(refused.group_by(Refusal.fault))},
        leases=_leases(session, at, tries),
        holdings={row[0]: row[1] for row in session.execute(by_state)},
        worklist=_worklist(session, statuses.get(Status.AWAITING_REVIEW, 0)),
        audited=_audited(session),
    )


def _sum(session: Session, column: ColumnElement[int] | object) -> int:
    """Of all finished restorations."""
    asked = select(func.coalesce(func.sum(column), 0)).where(Restoration.status.in_(FINISHED))
    return int(session.scalar(asked) or 0)


def _waiting(session: Session) -> Waiting:
    """Those that ``db.queries.unrestored`` lists."""

    def has(*statuses: Status) -> ColumnElement[bool]:
        own = select(Restoration.id).where(Restoration.master_id == Master.id)
        return own.where(Restoration.status.in_(statuses)).exists()

    state = case((has(*OPEN), "begun"), (has(Status.FAILED), "failed"), else_="untried")
    stated = waiting(select(state.label("state")).select_from(Master)).subquery()
    rows = session.execute(select(stated.c.state, func.count()).group_by(stated.c.state))
    found = {row[0]: row[1] for row in rows}
    return Waiting(found.get("untried", 0), found.get("begun", 0), found.get("failed", 0))


def _leases(session: Session, at: datetime, tries: int) -> Leases:
    def how_many(*conditions: ColumnElement[bool]) -> int:
        return session.scalar(select(func.count(Lease.subject)).where(*conditions)) or 0

    return Leases(
        held=how_many(Lease.ends_at > at),
        lapsed=how_many(Lease.ends_at <= at),
        set_aside=how_many(Lease.tries >= tries, Lease.holder.is_(None)),
    )


def _worklist(session: Session, awaiting: int) -> Worklist:
    signed_off = select(func.count(SignOff.restoration_id)).join(
        Restoration, Restoration.id == SignOff.restoration_id
    )
    handed_in = session.scalar(
        signed_off.where(Restoration.status == Status.AWAITING_REVIEW, SignOff.approver.is_(None))
    )
    uncomposed = session.scalar(signed_off.where(Restoration.status == Status.APPROVED))
    return Worklist(awaiting - (handed_in or 0), handed_in or 0, uncomposed or 0)


def _audited(session: Session) -> datetime | None:
    """An audit's own event is about no single master and no restoration."""
    asked = select(func.max(Event.at)).where(
        Event.type == EventType.FIXITY_CHECK,
        Event.master_sha256.is_(None),
        Event.restoration.is_(None),
    )
    return session.scalar(asked)
