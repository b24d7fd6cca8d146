"""Who works on what: a promise that ends by itself, and a number that tells a sleeper he is late.

Each time something is taken up, its token grows. Whoever wrote down a token asks, before a result
is recorded, whether it is still the newest; a worker that was stopped for an hour and wakes up
finds that it is not, and its result is not taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, Text, delete, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.columns import Base, UtcDateTime, check, is_hash, sha256_column

TRIES = 3
"""After so many times in vain something is set aside until a person has looked at it."""

RESTORE = "restore "
"""How leases on masters begin; the path follows."""


class Lease(Base):
    """One thing that can be worked on: whose it is, and how often it was taken up in vain."""

    __tablename__ = "lease"
    __table_args__ = (
        is_hash("subject"),
        check("held_until", "(holder IS NULL) = (ends_at IS NULL)"),
        check("counted", "token >= 1 AND tries >= 0"),
    )

    subject: Mapped[str] = mapped_column(sha256_column(), primary_key=True)
    about: Mapped[str] = mapped_column(Text)
    token: Mapped[int]
    holder: Mapped[str | None] = mapped_column(String(255))
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(index=True)
    fault: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True)
class Taken:
    """A lease that somebody has.

    Attributes:
        subject: The hash of what it is about.
        token: Its number; it holds as long as nobody has a higher one.
    """

    subject: str
    token: int


@dataclass(frozen=True)
class Busy:
    """Somebody else has it."""

    holder: str
    ends_at: datetime


@dataclass(frozen=True)
class Spent:
    """It was taken up in vain too often, the last time for this reason."""

    tries: int
    fault: str


def subject_of(about: str) -> str:
    """The key of what a lease is about."""
    return hashlib.sha256(about.encode(errors="surrogateescape")).hexdigest()


def take(
    session: Session,
    about: str,
    holder: str,
    at: datetime,
    length: timedelta,
    tries: int | None = None,
    is_gone: Callable[[str], bool] = lambda holder: False,
) -> Taken | Busy | Spent:
    """Take something up, unless somebody else has it and has been heard of.

    Args:
        session: Of ``Database.writing``.
        about: What, in words; the same words mean the same thing.
        holder: Who.
        at: Now.
        length: How long it holds if nothing more is heard.
        tries: Refuse what was taken up in vain so often; None: nothing.
        is_gone: Whether a holder is known to be no more, so that nobody has to wait for him.
    """
    subject = subject_of(about)
    row = session.get(Lease, subject)
    if row is None:
        row = Lease(subject=subject, about=about, token=1, tries=0)
        session.add(row)
    else:
        if row.holder is not None and row.ends_at is not None:
            if row.ends_at > at and not is_gone(row.holder):
                return Busy(row.holder, row.ends_at)
            row.fault = f"{row.holder} was never heard of again"
        row.token += 1
    if tries is not None and row.tries >= tries:
        row.holder = row.ends_at = None
        return Spent(row.tries, row.fault or "no reason given")
    row.holder, row.ends_at, row.tries = holder, at + length, row.tries + 1
    session.flush()
    return Taken(subject, row.token)


def renew(session: Session, taken: Taken, at: datetime, length: timedelta) -> bool:
    """Say that one is still at it; whether one still has it."""
    row = _held(session, taken)
    if row is None:
        return False
    row.ends_at = at + length
    return True


def holds(session: Session, taken: Taken) -> bool:
    """Whether nobody else has taken it up since."""
    return _held(session, taken) is not None


def give_back(
    session: Session, taken: Taken, fault: str | None = None, counts: bool = True
) -> None:
    """Let others have it.

    Args:
        session: Of ``Database.writing``.
        taken: The lease.
        fault: Why it was in vain; None: it was not, and the tries are forgotten.
        counts: Whether that was a try: a full disk says nothing about a master.
    """
    row = _held(session, taken)
    if row is None:
        return
    row.holder = row.ends_at = None
    row.fault = fault
    if fault is None:
        row.tries = 0
    elif not counts:
        row.tries = max(0, row.tries - 1)


def held(session: Session, abouts: Iterable[str], at: datetime) -> set[str]:
    """Which of these somebody is at work on and has been heard of."""
    subjects = {subject_of(about): about for about in abouts}
    asked = select(Lease.subject).where(Lease.subject.in_(subjects), Lease.ends_at > at)
    return {subjects[subject] for subject in session.scalars(asked)}


def abandoned(
    session: Session, abouts: Iterable[str], at: datetime, is_gone: Callable[[str], bool]
) -> set[str]:
    """Which of these somebody took up, did not give back, and is not heard of any more."""
    subjects = {subject_of(about): about for about in abouts}
    asked = select(Lease).where(Lease.subject.in_(subjects), Lease.holder.is_not(None))
    return {
        subjects[row.subject]
        for row in session.scalars(asked)
        if row.holder is not None
        and row.ends_at is not None
        and (row.ends_at <= at or is_gone(row.holder))
    }


def reopen(session: Session, about: str, why: str) -> None:
    """Say that something is to be taken up as if nobody had, because it is new again."""
    row = session.get(Lease, subject_of(about))
    if row is not None and row.holder is None:
        row.tries, row.fault = 0, why


def forget(session: Session, beginning: str, before: datetime) -> None:
    """Remove leases on what never comes again, once they are given back or long over."""
    over = or_(Lease.holder.is_(None), Lease.ends_at < before)
    session.execute(delete(Lease).where(Lease.about.startswith(beginning), over))


def spent(session: Session, tries: int) -> list[Lease]:
    """What was taken up in vain so often, and is nobody's."""
    asked = select(Lease).where(Lease.tries >= tries, Lease.holder.is_(None))
    return list(session.scalars(asked.order_by(Lease.about)))


def _held(session: Session, taken: Taken) -> Lease | None:
    row = session.get(Lease, taken.subject)
    if row is None or row.token != taken.token or row.holder is None:
        return None
    return row
