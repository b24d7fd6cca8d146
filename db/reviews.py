"""Tables of what staff decided: the steps that can be undone, and the sign-off of a restoration."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.columns import Base, UtcDateTime, check, is_hash, one_of, sha256_column
from db.vocabulary import Decision, Statement


class Step(Base):
    """How a region was before somebody decided on it, so that the decision can be undone.

    All regions decided at once have the same ``revision``, the restoration's number of that change;
    ``left_version`` is what the region's version became.
    """

    __tablename__ = "step"
    __table_args__ = (
        Index("ix_step_taken_by", "taken_by", "restoration_id"),
        check("numbered_from_one", "revision >= 1 AND number >= 1"),
    )

    restoration_id: Mapped[int] = mapped_column(ForeignKey("restoration.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    taken_by: Mapped[str] = mapped_column(String(255))
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    left_version: Mapped[int]
    undone: Mapped[bool]
    decision: Mapped[Decision] = mapped_column(one_of(Decision))
    note: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignOff(Base):
    """That somebody stands behind a restoration's decisions; while it is there they are frozen.

    The author hands in, the approver signs; a house may ask that they be two. ``composed`` is the
    folder of the files that the decisions became.
    """

    __tablename__ = "sign_off"
    __table_args__ = (
        check("has_author", "length(author) > 0"),
        check("approved_by_someone", "(approver IS NULL) = (approved_at IS NULL)"),
        check("composed_when_approved", "composed IS NULL OR approver IS NOT NULL"),
        check("composed_has_hash", "(composed IS NULL) = (composed_sha256 IS NULL)"),
        is_hash("composed_sha256"),
    )

    restoration_id: Mapped[int] = mapped_column(
        ForeignKey("restoration.id"), primary_key=True, autoincrement=False
    )
    statement: Mapped[Statement] = mapped_column(one_of(Statement))
    remark: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(255))
    authored_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approver: Mapped[str | None] = mapped_column(String(255))
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    composed: Mapped[str | None] = mapped_column(Text)
    composed_sha256: Mapped[str | None] = mapped_column(sha256_column())
