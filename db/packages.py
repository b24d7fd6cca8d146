"""What the archive received: one package for each signed restoration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.chain import Happening, append
from db.columns import Base, UtcDateTime, check, is_hash, sha256_column
from db.errors import Contradiction
from db.ingest import Origin
from db.restorations import Restoration
from db.reviews import SignOff
from db.vocabulary import EventType, Outcome, Status


class Package(Base):
    """Where a package was written, and the hash from which all others in it follow.

    ``sha256`` is that of ``tagmanifest-sha256.txt``.
    """

    __tablename__ = "package"
    __table_args__ = (is_hash("sha256"), check("has_folder", "length(folder) > 0"))

    restoration_id: Mapped[int] = mapped_column(
        ForeignKey("restoration.id"), primary_key=True, autoincrement=False
    )
    folder: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(sha256_column())
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class Packed:
    """A package as it was recorded."""

    folder: str
    sha256: str


def record(session: Session, restoration_id: int, packed: Packed, origin: Origin) -> None:
    """Record a package; the restoration is published. Once.

    Args:
        session: Of ``Database.writing``.
        restoration_id: The restoration's row, which is signed and composed.
        packed: Where it is, and its hash.
        origin: Who and when.

    Raises:
        Contradiction: If it is on record with other bytes, or was never signed.
    """
    row = session.get_one(Restoration, restoration_id)
    known = session.get(Package, restoration_id)
    if known is not None:
        if known.sha256 != packed.sha256:
            raise Contradiction(f"restoration {row.identifier} was published with other bytes")
        known.folder = packed.folder
        return
    if row.status is not Status.APPROVED:
        raise Contradiction(f"restoration {row.identifier} is {row.status} and cannot be published")
    session.add(
        Package(
            restoration_id=row.id, folder=packed.folder, sha256=packed.sha256, made_at=origin.at
        )
    )
    row.status = Status.PUBLISHED
    happening = Happening(
        EventType.INFORMATION_PACKAGE_CREATION,
        Outcome.SUCCESS,
        origin.at,
        origin.agent,
        {"package": packed.folder, "digest": packed.sha256},
        master=row.master.sha256,
        mask=row.mask.sha256,
        restoration=row.identifier,
    )
    append(session, happening)


def of(session: Session, restoration_id: int) -> Packed | None:
    """The package of a restoration, if it has one."""
    row = session.get(Package, restoration_id)
    return None if row is None else Packed(row.folder, row.sha256)


def waiting(session: Session) -> list[str]:
    """Restorations that are signed and not published yet, by when they were signed."""
    query = (
        select(Restoration.identifier)
        .join(SignOff, SignOff.restoration_id == Restoration.id)
        .where(Restoration.status == Status.APPROVED)
        .order_by(SignOff.approved_at)
    )
    return list(session.scalars(query))
