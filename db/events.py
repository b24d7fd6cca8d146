"""The table of events: what was done, by whom, with what outcome; never changed, never removed.

The database itself refuses updates, deletions and events out of order, by triggers that the
migrations create (``db/migrations``); ``db.chain`` writes and verifies the hashes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from db.columns import Base, CanonicalJson, UtcDateTime, check, is_hash, one_of, sha256_column
from db.vocabulary import AgentKind, EventType, Outcome


class Event(Base):
    """One line of the record, linked to the line before it by that line's hash.

    Objects are named by what they are everywhere (the SHA-256 of a file, the UUID of a
    restoration), not by row numbers, so that an event can be read outside this database.
    """

    __tablename__ = "event"
    __table_args__ = (
        *map(is_hash, ("hash", "previous_hash", "master_sha256", "mask_sha256")),
        check("sequence_from_one", "sequence >= 1"),
        check("has_agent", "length(agent) > 0"),
        check("software_has_version", "agent_kind <> 'software' OR agent_version IS NOT NULL"),
        check("mask_has_master", "mask_sha256 IS NULL OR master_sha256 IS NOT NULL"),
    )

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    type: Mapped[EventType] = mapped_column(one_of(EventType))
    outcome: Mapped[Outcome] = mapped_column(one_of(Outcome))
    agent: Mapped[str] = mapped_column(String(255))
    agent_kind: Mapped[AgentKind] = mapped_column(one_of(AgentKind))
    agent_version: Mapped[str | None] = mapped_column(String(255))
    on_behalf_of: Mapped[str | None] = mapped_column(String(255))
    master_sha256: Mapped[str | None] = mapped_column(ForeignKey("master.sha256"), index=True)
    mask_sha256: Mapped[str | None] = mapped_column(sha256_column())
    restoration: Mapped[str | None] = mapped_column(
        ForeignKey("restoration.identifier"), index=True
    )
    detail: Mapped[Any] = mapped_column(CanonicalJson)
    previous_hash: Mapped[str] = mapped_column(sha256_column())
    hash: Mapped[str] = mapped_column(sha256_column())
