"""The chain of events: each holds the hash of the one before, so that none can be altered alone.

The hash of an event is the SHA-256 of the canonical JSON of its content, in UTF-8; the content
includes its number and the hash of the event before it (64 zeros before the first). Who alters,
removes or inserts an event has to write every later one anew, and then the last hash no longer
is the one that stands in every provenance file, bag or note taken since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from db.columns import canonical
from db.events import Event
from db.guards import missing_guards
from db.vocabulary import AgentKind, EventType, Outcome

GENESIS = "0" * 64
"""What stands in the first event for the hash of the one before."""

CHUNK = 1000
"""Events held in memory while the chain is verified."""


@dataclass(frozen=True)
class Agent:
    """Who did something.

    Attributes:
        name: A person's name, or a program's.
        kind: Person, software or organization.
        version: Of the software.
        on_behalf_of: The person who had the software do it.
    """

    name: str
    kind: AgentKind = AgentKind.SOFTWARE
    version: str | None = None
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class Happening:
    """What is to be recorded, before it has a number and a hash.

    Attributes:
        master: SHA-256 of the master concerned, which is on record.
        mask: SHA-256 of the mask concerned.
        restoration: Identifier of the restoration concerned, which is on record.
        detail: JSON values that say the rest.
    """

    type: EventType
    outcome: Outcome
    at: datetime
    agent: Agent
    detail: dict[str, Any]
    master: str | None = None
    mask: str | None = None
    restoration: str | None = None


@dataclass(frozen=True)
class ChainReport:
    """What verifying the chain found.

    Attributes:
        events: How many were sound, counted from the first.
        hash: Of the last sound event; worth noting down outside the catalogue.
        fault: The first thing wrong, in one sentence; ``None`` if all is well.
        broken_at: Number of the first event that is wrong or missing; ``None`` if the events are
            sound but the database's guards are gone.
    """

    events: int
    hash: str
    fault: str | None = None
    broken_at: int | None = None

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None


def append(session: Session, happening: Happening) -> str:
    """Add an event to the end of the chain and return its hash.

    The session must be one of ``Database.writing``: those are alone with the catalogue from
    their first statement on, so that no two events can follow the same one.
    """
    last = session.execute(
        select(Event.sequence, Event.hash).order_by(Event.sequence.desc()).limit(1)
    ).one_or_none()
    sequence, previous = (0, GENESIS) if last is None else (last.sequence, last.hash)
    row: dict[str, Any] = {
        "sequence": sequence + 1,
        "at": happening.at.astimezone(UTC),
        "type": happening.type,
        "outcome": happening.outcome,
        "agent": happening.agent.name,
        "agent_kind": happening.agent.kind,
        "agent_version": happening.agent.version,
        "on_behalf_of": happening.agent.on_behalf_of,
        "master_sha256": happening.master,
        "mask_sha256": happening.mask,
        "restoration": happening.restoration,
        "detail": happening.detail,
        "previous_hash": previous,
    }
    row["hash"] = hash_of(row)
    session.execute(insert(Event).values(row))
    return str(row["hash"])


def hash_of(row: dict[str, Any]) -> str:
    """SHA-256 of an event's content: all columns but the hash itself, as canonical JSON."""
    content = {name: value for name, value in row.items() if name != "hash"}
    content["at"] = moment(row["at"])
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def moment(at: datetime) -> str:
    """A time as it is hashed: UTC, microseconds, ``2026-11-23T03:15:00.000000Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def verify_chain(session: Session, until: tuple[int, str] | None = None) -> ChainReport:
    """Recompute every hash, from the first event to the last, and look for the guards.

    Args:
        session: Any session on the catalogue.
        until: Number and hash of an event as noted down elsewhere; without such an anchor a
            chain written anew from some event on, or cut short, cannot be told from the real one.
    """
    report = ChainReport(0, GENESIS)
    for row in _rows(session):
        report = _follow(report, row, until)
        if not report.intact:
            return report
    if until is not None and until[0] > report.events:
        fault = f"event {until[0]} was on record and is missing"
        return ChainReport(report.events, report.hash, fault, report.events + 1)
    if missing := missing_guards(session):
        fault = f"the database no longer guards its events: {', '.join(missing)} missing"
        return ChainReport(report.events, report.hash, fault)
    return report


def _rows(session: Session) -> Iterator[dict[str, Any]]:
    columns = Event.__table__.columns
    ordered = select(*columns).order_by(columns.sequence).limit(CHUNK)
    rows = session.execute(ordered).mappings().all()
    while rows:
        yield from map(dict, rows)
        later = ordered.where(columns.sequence > rows[-1]["sequence"])
        rows = session.execute(later).mappings().all()


def _follow(so_far: ChainReport, row: dict[str, Any], until: tuple[int, str] | None) -> ChainReport:
    number = so_far.events + 1
    fault = None
    if row["sequence"] != number:
        fault = f"event {number} is missing"
    elif row["previous_hash"] != so_far.hash:
        fault = f"event {number} does not follow the event before it"
    elif row["hash"] != hash_of(row):
        fault = f"event {number} was altered after it was recorded"
    elif until is not None and until[0] == number and until[1] != row["hash"]:
        fault = f"event {number} is not the one noted down: the chain was written anew"
    if fault is not None:
        return ChainReport(so_far.events, so_far.hash, fault, number)
    return ChainReport(number, row["hash"])
