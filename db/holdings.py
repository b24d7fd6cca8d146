"""Which files an archive holds, which of them were looked at when, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Index,
    String,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from db.chain import Happening, append
from db.columns import Base, UtcDateTime, check, is_hash, one_of, sha256_column
from db.ingest import Origin
from db.objects import Master
from db.packages import Package
from db.restorations import Restoration
from db.reviews import SignOff
from db.vocabulary import FINISHED, EventType, Outcome, Part, Soundness

CHUNK = 1000
"""Rows written at once."""


class Holding(Base):
    """One file that must stay as it is, and when it was last seen to.

    ``bytes`` and ``modified_ns`` are what the file system said when it was last sound: they tell
    rot, which changes neither, from a file that somebody wrote.
    """

    __tablename__ = "holding"
    __table_args__ = (
        UniqueConstraint("master_sha256", "restoration", "part"),
        Index("ix_holding_checked_at_id", "checked_at", "id"),
        is_hash("master_sha256"),
        is_hash("sha256"),
        check("checked_or_not", "(state = 'unchecked') = (checked_at IS NULL)"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    master_sha256: Mapped[str] = mapped_column(sha256_column())
    restoration: Mapped[str] = mapped_column(String(36), server_default="")
    part: Mapped[Part] = mapped_column(one_of(Part))
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(sha256_column())
    state: Mapped[Soundness] = mapped_column(one_of(Soundness), index=True)
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    modified_ns: Mapped[int | None] = mapped_column(BigInteger)


@dataclass(frozen=True)
class Made:
    """A finished restoration whose files are not listed yet."""

    identifier: str
    master_sha256: str
    output: str
    digests: dict[Part, str]


def list_masters(session: Session) -> None:
    """List the masters that are new, follow those that moved.

    Args:
        session: Of ``Database.writing``.
    """
    listed = Holding.__table__.alias("listed")
    same = (listed.c.master_sha256 == Master.sha256) & (listed.c.part == Part.MASTER)
    columns = (Master.sha256, Master.path, Master.bytes)
    new = session.execute(select(*columns).outerjoin(listed, same).where(listed.c.id.is_(None)))
    _write(
        session,
        [
            _row(sha256, "", Part.MASTER, path, sha256) | {"bytes": size}
            for sha256, path, size in new
        ],
    )
    moved = select(Holding, Master.path).join(Master, Master.sha256 == Holding.master_sha256)
    moved = moved.where(Holding.part == Part.MASTER, Holding.path != Master.path)
    for holding, path in session.execute(moved):
        holding.path = path


def unlisted(session: Session) -> list[Made]:
    """Finished restorations whose files are not listed; of several in one folder the newest."""
    listed = select(Holding.id).where(
        Holding.master_sha256 == Master.sha256, Holding.restoration == Restoration.identifier
    )
    later = aliased(Restoration)
    newer = select(later.id).where(
        later.output == Restoration.output,
        later.id > Restoration.id,
        later.status.in_(FINISHED),
    )
    asked = select(Restoration, Master.sha256).join(Master, Master.id == Restoration.master_id)
    asked = asked.where(Restoration.status.in_(FINISHED), ~listed.exists(), ~newer.exists())
    parts = (Part.RESTORED, Part.MASK, Part.LAYER, Part.PROVENANCE)
    return [
        Made(
            row.identifier,
            sha256,
            row.output,
            {part: getattr(row, f"{part.value}_sha256") for part in parts},
        )
        for row, sha256 in session.execute(asked)
    ]


def unlisted_signed(session: Session) -> list[Made]:
    """Composed sign-offs whose file is not listed."""
    listed = select(Holding.id).where(
        Holding.master_sha256 == Master.sha256,
        Holding.restoration == Restoration.identifier,
        Holding.part == Part.SIGNED,
        Holding.sha256 == SignOff.composed_sha256,
    )
    asked = select(Restoration.identifier, Master.sha256, SignOff.composed, SignOff.composed_sha256)
    asked = asked.join(Master, Master.id == Restoration.master_id)
    asked = asked.join(SignOff, SignOff.restoration_id == Restoration.id)
    asked = asked.where(SignOff.composed.is_not(None), ~listed.exists())
    return [
        Made(identifier, sha256, folder, {Part.SIGNED: digest})
        for identifier, sha256, folder, digest in session.execute(asked)
    ]


def unlisted_packages(session: Session) -> list[Made]:
    """Packages that are not listed."""
    listed = select(Holding.id).where(
        Holding.restoration == Restoration.identifier,
        Holding.part == Part.PACKAGE,
        Holding.sha256 == Package.sha256,
    )
    asked = select(Restoration.identifier, Master.sha256, Package.folder, Package.sha256)
    asked = asked.join(Master, Master.id == Restoration.master_id)
    asked = asked.join(Package, Package.restoration_id == Restoration.id).where(~listed.exists())
    return [
        Made(identifier, sha256, folder, {Part.PACKAGE: digest})
        for identifier, sha256, folder, digest in session.execute(asked)
    ]


def list_files(session: Session, made: Made, paths: dict[Part, str]) -> None:
    """List the files of a restoration, in the place of those that lay there before.

    Args:
        session: Of ``Database.writing``.
        made: The restoration.
        paths: Where its parts lie.
    """
    digests = made.digests
    session.execute(delete(Holding).where(Holding.path.in_([paths[part] for part in digests])))
    rows = [_row(made.master_sha256, made.identifier, p, paths[p], digests[p]) for p in digests]
    _write(session, rows)


HERE = Holding.path.not_like("%://%")
"""Files on this machine or a share; what lies in object storage is audited by its keeper."""


def due(session: Session, count: int, before: datetime) -> list[Holding]:
    """The files that were not looked at for the longest time, never looked at first.

    Args:
        session: Any.
        count: How many at most.
        before: Those looked at since then are left out.
    """
    oldest = Holding.checked_at.asc().nulls_first()
    unseen = Holding.checked_at.is_(None) | (Holding.checked_at < before)
    asked = select(Holding).where(HERE, unseen).order_by(oldest, Holding.id).limit(count)
    return list(session.scalars(asked))


def amount(session: Session) -> int:
    """How many files are listed."""
    return session.scalar(select(func.count(Holding.id)).where(HERE)) or 0


def troubled(session: Session, limit: int = 100) -> list[Holding]:
    """Files that are not as they must be, latest first."""
    wrong = Holding.state.not_in((Soundness.SOUND, Soundness.UNCHECKED))
    return list(
        session.scalars(select(Holding).where(wrong).order_by(Holding.since.desc()).limit(limit))
    )


def record_check(
    session: Session,
    number: int,
    found: Soundness,
    seen: tuple[int, int] | None,
    detail: str,
    origin: Origin,
) -> bool:
    """Record what was found of a file; a change for the worse or better is an event.

    Args:
        session: Of ``Database.writing``.
        number: The holding's.
        found: Its state.
        seen: Its size and time of change, if it is sound.
        detail: What was found, in one sentence.
        origin: Who and when.

    Returns:
        Whether the state changed to other than sound.
    """
    row = session.get_one(Holding, number)
    before, row.checked_at = row.state, origin.at
    if seen is not None:
        row.bytes, row.modified_ns = seen
    if before is found:
        return False
    row.state, row.since = found, origin.at
    sound = found is Soundness.SOUND
    if sound and before is Soundness.UNCHECKED:
        return False
    said: dict[str, Any] = {"path": row.path, "part": row.part.value, "before": before.value}
    said |= {"found": found.value, "detail": detail, "expected": row.sha256}
    happening = Happening(
        EventType.FIXITY_CHECK,
        Outcome.SUCCESS if sound else Outcome.FAILURE,
        origin.at,
        origin.agent,
        said,
        master=row.master_sha256,
        restoration=row.restoration or None,
    )
    append(session, happening)
    return not sound


def record_audit(session: Session, detail: dict[str, Any], sound: bool, origin: Origin) -> None:
    """Record that a share of the holdings was audited: one event for all that were sound."""
    outcome = Outcome.SUCCESS if sound else Outcome.FAILURE
    append(session, Happening(EventType.FIXITY_CHECK, outcome, origin.at, origin.agent, detail))


def _row(master: str, restoration: str, part: Part, path: str, sha256: str) -> dict[str, Any]:
    return {
        "master_sha256": master,
        "restoration": restoration,
        "part": part,
        "path": path,
        "sha256": sha256,
        "state": Soundness.UNCHECKED,
    }


def _write(session: Session, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), CHUNK):
        session.execute(insert(Holding), rows[start : start + CHUNK])
