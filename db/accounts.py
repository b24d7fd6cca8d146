"""Tables of who may come in: accounts, and the visits they are logged in for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.columns import Base, UtcDateTime, check, is_hash, one_of, sha256_column
from db.vocabulary import Role


class Account(Base):
    """A person who may log in.

    ``password`` is the encoded hash of one, with its salt and parameters; who comes through the
    house's own directory (``subject``) or its proxy has none.
    """

    __tablename__ = "account"
    __table_args__ = (
        check("has_name", "length(name) > 0 AND name = lower(name)"),
        check("has_full_name", "length(full_name) > 0"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255), unique=True)
    full_name: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role] = mapped_column(one_of(Role))
    active: Mapped[bool]
    password: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(String(512), unique=True)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Visit(Base):
    """A time for which somebody is logged in; only the hash of what the browser holds is kept."""

    __tablename__ = "visit"
    __table_args__ = (is_hash("token_sha256"), check("ends_later", "ends_at > began_at"))

    token_sha256: Mapped[str] = mapped_column(sha256_column(), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)

    account: Mapped[Account] = relationship(viewonly=True)
