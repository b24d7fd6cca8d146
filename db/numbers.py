"""How review goes: throughput, approval by model and damage, time from first look to hand-in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from db.objects import Model
from db.restorations import Region, Restoration
from db.reviews import SignOff, Step
from db.vocabulary import Decision, Status

UNKNOWN = ""
"""Stands for damage of which nobody said what it is."""


@dataclass(frozen=True)
class Approval:
    """Of one model or class of damage: how many regions were decided, and how."""

    name: str
    approved: int
    taken_back: int

    @property
    def rate(self) -> float:
        """Part of the decided regions whose fill was approved, 0..1."""
        return self.approved / (self.approved + self.taken_back)


@dataclass(frozen=True)
class Numbers:
    """What the dashboard shows.

    Attributes:
        standing: Restorations by status.
        weeks: Restorations finished and signed in each week, by the week's Monday, oldest first.
        models: Approval by model.
        kinds: Approval by class of damage.
        minutes: Median from a restoration's first decision to its hand-in; None without any.
        reviewed: How many that is taken from.
    """

    standing: dict[Status, int]
    weeks: list[tuple[datetime, int, int]]
    models: list[Approval]
    kinds: list[Approval]
    minutes: float | None
    reviewed: int


def numbers(session: Session, weeks: list[datetime]) -> Numbers:
    """Count everything.

    Args:
        session: Any session on the catalogue.
        weeks: The first moments of the weeks to show, ascending, and of the one after.
    """
    standing = select(Restoration.status, func.count()).group_by(Restoration.status)
    durations = _durations(session)
    finished = _per_week(session, Restoration.finished_at, weeks)
    signed = _per_week(session, SignOff.approved_at, weeks)
    return Numbers(
        standing={row[0]: row[1] for row in session.execute(standing)},
        weeks=list(zip(weeks[:-1], finished, signed, strict=True)),
        models=_approvals(session, Model.name),
        kinds=_approvals(session, func.coalesce(Region.kind, UNKNOWN)),
        minutes=median(durations) if durations else None,
        reviewed=len(durations),
    )


def _per_week(
    session: Session, column: InstrumentedAttribute[datetime | None], weeks: list[datetime]
) -> list[int]:
    counted = []
    for first, after in pairwise(weeks):
        query = select(func.count()).where(column >= first, column < after)
        counted.append(session.scalar(query) or 0)
    return counted


def _approvals(
    session: Session, by: InstrumentedAttribute[str] | ColumnElement[str]
) -> list[Approval]:
    query = (
        select(by, Region.decision, func.count())
        .join(Restoration, Restoration.id == Region.restoration_id)
        .join(Model, Model.id == Restoration.model_id)
        .where(Region.decision != Decision.PENDING)
        .group_by(by, Region.decision)
    )
    kept, gone = Counter[str](), Counter[str]()
    for name, decision, count in session.execute(query):
        (kept if decision.keeps_fill else gone)[name] += count
    return [Approval(name, kept[name], gone[name]) for name in sorted(kept | gone)]


def _durations(session: Session) -> list[float]:
    """Minutes from first decision to hand-in, of every restoration that was handed in."""
    first = (
        select(Step.restoration_id, func.min(Step.taken_at).label("began"))
        .group_by(Step.restoration_id)
        .subquery()
    )
    query = select(first.c.began, SignOff.authored_at).join(
        SignOff, SignOff.restoration_id == first.c.restoration_id
    )
    return [(end - began).total_seconds() / 60 for began, end in session.execute(query)]
