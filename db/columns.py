"""What all tables share: names of constraints, and columns that refuse nonsense."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Dialect,
    Enum,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase

HASH_LENGTH = 64
"""Hexadecimal digits of a SHA-256."""


class Base(DeclarativeBase):
    """All tables of the catalogue; their constraints are named alike on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: goes in with a time zone, comes out in UTC, on every database alike.

    SQLite keeps no time zones, so the moment is turned into UTC before it is written. A time
    without zone is refused: nobody could say later which clock it was read from.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse what has no time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without time zone: {value.isoformat()}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say that it is UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class CanonicalJson(TypeDecorator[Any]):
    """JSON kept as the text that is hashed, so that no database can rewrite a number in it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """Write it in the one canonical way."""
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ANN401
        """Read it."""
        return None if value is None else json.loads(value)


def canonical(value: object) -> str:
    """The one way to write a JSON value: keys sorted, no spaces, no NaN, letters as they are.

    Raises:
        ValueError: For NaN and infinities, which JSON cannot say.
        TypeError: For what is no JSON value.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def sha256_column() -> String:
    """The type of a column of hashes; its format is checked by ``is_hash``."""
    return String(HASH_LENGTH)


def is_hash(column: str) -> CheckConstraint:
    """The column holds 64 lower-case hexadecimal digits (or NULL).

    ``trim`` with a set of characters strips both ends only, so it leaves nothing exactly if
    every character is in the set; unlike GLOB and ``~`` it is spelt alike on every database.
    """
    return CheckConstraint(
        f"length({column}) = {HASH_LENGTH} AND trim({column}, '0123456789abcdef') = ''",
        name=f"{column}_is_hash",
    )


def one_of(words: type[StrEnum]) -> Enum:
    """The type of a column that holds one of ``words``, checked by the database."""
    return Enum(
        words,
        name=f"is_{words.__name__.lower()}",
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def quoted(words: Iterable[StrEnum]) -> str:
    """Words as an SQL list, for conditions of constraints."""
    return ", ".join(f"'{word.value}'" for word in words)


def check(name: str, condition: str) -> CheckConstraint:
    """A named condition that every row meets."""
    return CheckConstraint(condition, name=name)
